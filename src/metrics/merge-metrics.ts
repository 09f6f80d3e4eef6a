/**
 * Puts the metrics of several processes into one text, each series with a label that says whose it is.
 *
 * Source: the Prometheus text exposition format 0.0.4; all lines of a metric must stand together.
 */

interface Family {
  /** `# HELP` and `# TYPE`, once. */
  readonly head: string[];
  readonly series: string[];
}

/** @param texts by the value of the label `worker` */
export function mergeMetrics(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, Family>();
  for (const [worker, text] of texts) {
    let family: Family = { head: [], series: [] };
    let isFirst = true;
    for (const line of text.split('\n')) {
      const help = /^# HELP (\S+) /.exec(line)?.[1];
      if (help !== undefined) {
        const known = families.get(help);
        isFirst = known === undefined;
        family = known ?? { head: [], series: [] };
        families.set(help, family);
      }
      if (line.startsWith('#')) {
        if (isFirst) family.head.push(line);
      } else if (line !== '') family.series.push(labelled(line, worker));
    }
  }
  return [...families.values()].flatMap(({ head, series }) => [...head, ...series, '']).join('\n');
}

function labelled(line: string, worker: string): string {
  const at = line.search(/[{ ]/);
  const name = line.slice(0, at);
  return line[at] === '{'
    ? `${name}{worker="${worker}",${line.slice(at + 1)}`
    : `${name}{worker="${worker}"}${line.slice(at)}`;
}
