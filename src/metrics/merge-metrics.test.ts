import { expect, test } from 'vitest';
import { mergeMetrics } from './merge-metrics.ts';

const left = `# HELP a_total What a is.
# TYPE a_total counter
a_total 1

# HELP b Seconds of b.
# TYPE b histogram
b_bucket{le="1"} 2
b_bucket{le="+Inf"} 3
b_sum 4
b_count 3
`;
const right = `# HELP b Seconds of b.
# TYPE b histogram
b_bucket{le="1"} 5
# HELP c What c is.
# TYPE c gauge
c -1.5
`;

test('gives each series the name of its process, and keeps the lines of a metric together', () => {
  expect(
    mergeMetrics(
      new Map([
        ['0', left],
        ['relay', right],
      ]),
    ),
  ).toBe(`# HELP a_total What a is.
# TYPE a_total counter
a_total{worker="0"} 1

# HELP b Seconds of b.
# TYPE b histogram
b_bucket{worker="0",le="1"} 2
b_bucket{worker="0",le="+Inf"} 3
b_sum{worker="0"} 4
b_count{worker="0"} 3
b_bucket{worker="relay",le="1"} 5

# HELP c What c is.
# TYPE c gauge
c{worker="relay"} -1.5
`);
});
