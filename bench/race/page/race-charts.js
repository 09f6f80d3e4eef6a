/**
 * The last turns of both sides as lines, with uPlot.
 */
import uPlot from '/uplot.js';
import { compact } from '/numbers.js';

const height = 190;
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();

export class RaceCharts {
  #plots = [];
  #standing = null;

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#drawAgain());
    new ResizeObserver(() => {
      for (const { plot, place } of this.#plots) plot.setSize({ width: innerWidthOf(place), height });
    }).observe(document.querySelector('main'));
  }

  show(standing) {
    this.#standing = standing;
    if (this.#plots.length === 0) this.#plots = [...document.querySelectorAll('.chart')].map(draw);
    for (const { plot, metric } of this.#plots) plot.setData(dataOf(standing, metric));
  }

  #drawAgain() {
    for (const { plot } of this.#plots) plot.destroy();
    this.#plots = [];
    if (this.#standing !== null) this.show(this.#standing);
  }
}

/** One column for each pair of turns, as far as both have run. */
function dataOf({ left, right }, metric) {
  const pairs = Math.min(left.turns.length, right.turns.length);
  const [ofLeft, ofRight] = [left, right].map(({ turns }) => turns.slice(0, pairs));
  // A logarithm has no zero: so little CPU that the kernel counted none.
  const values = (turns) => turns.map((turn) => (turn[metric] > 0 ? turn[metric] : null));
  return [ofLeft.map(({ at }) => at), values(ofLeft), values(ofRight)];
}

function draw(place) {
  const axis = {
    stroke: colour('--faint'),
    font: `12px ${colour('--sans')}`,
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { stroke: colour('--rule'), width: 1, size: 5 },
  };
  const series = (name) => ({
    stroke: colour(name),
    width: 2,
    points: { show: true, size: 5, fill: colour(name) },
  });
  const options = {
    width: innerWidthOf(place),
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { distr: 3 } },
    axes: [
      { ...axis, size: 30, values: (_, splits) => splits.map((split) => `${split} s`) },
      {
        ...axis,
        size: 50,
        values: (_, splits) => splits.map((split) => (split === null ? '' : compact(split))),
      },
    ],
    series: [{}, series('--left'), series('--right')],
  };
  return { place, metric: place.dataset.metric, plot: new uPlot(options, [[], [], []], place) };
}

function innerWidthOf(place) {
  const { paddingLeft, paddingRight } = getComputedStyle(place);
  return place.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
}
