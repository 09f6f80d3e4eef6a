/**
 * Draws the charts of the page with uPlot, which stands before this script. Charts of one load are drawn without it.
 */
const charts = JSON.parse(document.getElementById('charts').textContent);
const systems = [...new Set(charts.flatMap(({ series }) => series.map(({ system }) => system)))];
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();
const colourOf = (system) => colour(`--series-${systems.indexOf(system) + 1}`);
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const format = (number) => (number === null || number === undefined ? '–' : compact.format(number));

const height = 230;
const pointSize = 7;
/** Labels of an axis nearer than this, in CSS pixels, would run into each other. */
const leastLabelGap = 34;

let plots = [];
drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
new ResizeObserver(() => {
  for (const { plot, place } of plots) plot.setSize({ width: place.clientWidth, height });
}).observe(document.querySelector('main'));

function drawAll() {
  for (const { plot } of plots) plot.destroy();
  plots = [...document.querySelectorAll('.plot')].map((place) => ({
    place,
    plot: draw(charts[Number(place.dataset.chart)], place),
  }));
}

function draw(chart, place) {
  const readout = place.nextElementSibling;
  const values = chart.series.map(({ points }) => points.map((point) => point?.value ?? null));
  const axis = {
    stroke: colour('--faint'),
    font: `12px ${colour('--sans')}`,
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { stroke: colour('--rule'), width: 1, size: 5 },
  };
  const tell = (index) => {
    readout.textContent = readoutOf(chart, index);
  };
  tell(chart.at.length - 1);
  return new uPlot(
    {
      width: place.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: pointSize + 4 } },
      scales: { x: { time: false, distr: 3, range: padded }, y: yScale(chart) },
      axes: [
        {
          ...axis,
          splits: () => chart.at,
          filter: (plot, splits) => withoutCrowding(plot, splits),
          values: (_, splits) => splits.map((split) => (split === null ? '' : format(split))),
          size: 30,
          label: chart.scale,
          labelSize: 20,
          labelFont: axis.font,
        },
        {
          ...axis,
          size: 52,
          values: (_, splits) => splits.map((split) => (split === null ? '' : format(split))),
        },
      ],
      series: [
        {},
        ...chart.series.map(({ system }) => ({
          stroke: colourOf(system),
          width: 2,
          points: { show: true, size: pointSize, fill: colourOf(system) },
        })),
      ],
      hooks: {
        draw: [(plot) => drawHollow(plot, chart)],
        setCursor: [({ cursor }) => tell(cursor.idx ?? chart.at.length - 1)],
      },
    },
    [chart.at, ...values],
    place,
  );
}

function yScale({ logarithmic }) {
  if (logarithmic) return { distr: 3 };
  return { range: (_, __, max) => [0, max * 1.08] };
}

/** The outermost loads stand off the edges, or their points would be cut. */
function padded(_, min, max) {
  const ratio = (max / min) ** 0.04;
  return [min / ratio, max * ratio];
}

/** The last load is always named. */
function withoutCrowding(plot, splits) {
  let next = Number.POSITIVE_INFINITY;
  return splits
    .toReversed()
    .map((split) => {
      const at = plot.valToPos(split, 'x');
      if (next - at < leastLabelGap) return null;
      next = at;
      return split;
    })
    .toReversed();
}

/** Points that do not count for this metric are rings. */
function drawHollow(plot, { at, series }) {
  const { ctx } = plot;
  const radius = (pointSize / 2) * devicePixelRatio;
  for (const { system, points } of series)
    for (const [index, point] of points.entries()) {
      if (!point?.doubtful) continue;
      ctx.beginPath();
      ctx.arc(
        plot.valToPos(at[index], 'x', true),
        plot.valToPos(point.value, 'y', true),
        radius,
        0,
        2 * Math.PI,
      );
      ctx.fillStyle = colour('--sheet');
      ctx.fill();
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.strokeStyle = colourOf(system);
      ctx.stroke();
    }
}

function readoutOf({ at, scale, series }, index) {
  const values = series
    .filter(({ points }) => points[index] !== null)
    .map(
      ({ system, points }) => `${system} ${format(points[index].value)}${points[index].doubtful ? '*' : ''}`,
    );
  const star = series.some(({ points }) => points[index]?.doubtful) ? ' (* does not count)' : '';
  return `${at[index].toLocaleString('en')} ${scale}: ${values.join(' · ')}${star}`;
}
