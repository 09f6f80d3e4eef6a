/**
 * The charts: lines over the last minutes, with the values under the pointer or of now beside their names. With the keyboard: arrow keys
 * go through time, Escape goes back to now.
 */
import uPlot from './uplot.js';
import * as figures from './figures.js';

const height = 170;
const colours = 8;

/** How the values of a chart are written. */
const units = {
  connections: figures.count,
  deliveries: figures.rate,
  published: figures.rate,
  cpu: figures.percent,
  write: figures.milliseconds,
  lag: figures.milliseconds,
};

/** How the axis is written, where it is not plain numbers. */
const ticks = {
  cpu: (percent) => `${percent} %`,
  write: (ms) => `${ms} ms`,
  lag: (ms) => `${ms} ms`,
};

const quantiles = { write: ['p50', 'p95', 'p99'], lag: ['p50', 'p99'] };

export class Charts {
  #charts;
  #timeline;

  /** @param places elements with `data-metric`, each with a `.readout` and a `.plot` */
  constructor(places, timeline) {
    this.#timeline = timeline;
    this.#charts = places.map((place) => new Chart(place));
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.fit();
    }).observe(places[0].parentElement);
  }

  draw(seconds) {
    for (const chart of this.#charts) chart.draw(this.#linesOf(chart.metric, seconds));
  }

  /** Colours have changed. */
  repaint() {
    for (const chart of this.#charts) chart.repaint();
  }

  #linesOf(metric, seconds) {
    return metric in quantiles
      ? this.#timeline.byQuantile(metric, quantiles[metric], seconds)
      : this.#timeline.byNode(metric, seconds);
  }
}

class Chart {
  metric;
  #place;
  #plotPlace;
  #readout;
  #plot = null;
  #lines = { names: [], columns: [[]] };
  /** The column that is read; null for the last one. */
  #index = null;

  constructor(place) {
    this.#place = place;
    this.metric = place.dataset.metric;
    this.#plotPlace = place.querySelector('.plot');
    this.#readout = place.querySelector('.readout');
    // What keys move through must be reachable by keyboard.
    this.#plotPlace.tabIndex = 0;
    this.#plotPlace.role = 'img';
    this.#plotPlace.addEventListener('keydown', (event) => this.#key(event));
    this.#plotPlace.addEventListener('blur', () => this.#read(null));
  }

  draw(lines) {
    const sameLines = lines.names.join('\n') === this.#lines.names.join('\n');
    this.#lines = lines;
    if (this.#plot === null || !sameLines) this.repaint();
    else this.#plot.setData(lines.columns);
    this.#tell();
  }

  repaint() {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), this.#lines.columns, this.#plotPlace);
  }

  fit() {
    this.#plot?.setSize({ width: this.#plotPlace.clientWidth, height });
  }

  #options() {
    const { names } = this.#lines;
    const axis = {
      stroke: colour('--faint'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: colour('--rule'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#plotPlace.clientWidth,
      height,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...axis, size: 26, space: 70, values: (_, splits) => splits.map(timeOfDay) },
        {
          ...axis,
          size: this.metric in quantiles ? 56 : 46,
          space: 32,
          values: (_, splits) => splits.map((split) => ticks[this.metric]?.(split) ?? figures.tick(split)),
        },
      ],
      series: [
        {},
        ...names.map((name, line) => ({
          label: name,
          stroke: colour(this.#colourOf(line)),
          width: 2,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: { setCursor: [(plot) => this.#moved(plot.cursor.idx)] },
    };
  }

  /** Quantiles are one thing in three strengths, nodes are different things. */
  #colourOf(line) {
    if (!(this.metric in quantiles)) return `--line-${(line % colours) + 1}`;
    const shades = quantiles[this.metric].length === 3 ? ['1', '2', '3'] : ['1', '3'];
    return `--quantile-${shades[line]}`;
  }

  #moved(index) {
    this.#index = index ?? null;
    this.#tell();
  }

  #tell() {
    const { names, columns } = this.#lines;
    const [times = []] = columns;
    const index = this.#index ?? times.length - 1;
    const write = units[this.metric];
    const items = names.map((name, line) => {
      const value = columns[line + 1]?.[index] ?? null;
      return [name, value === null ? '–' : write(value), this.#colourOf(line)];
    });
    this.#readout.replaceChildren(
      ...items.map(([name, value, variable]) => {
        const item = document.createElement('li');
        item.style.setProperty('--colour', `var(${variable})`);
        const figure = document.createElement('b');
        figure.textContent = value;
        item.append(`${name} `, figure);
        return item;
      }),
    );
    const when = this.#index === null ? 'now' : `at ${timeOfDay(times[index] ?? 0)}`;
    this.#place.dataset.at = when;
    const title = this.#place.querySelector('h3').textContent;
    this.#plotPlace.setAttribute(
      'aria-label',
      `${title}, ${when}: ${items.map(([name, value]) => `${name} ${value}`).join(', ')}`,
    );
  }

  #key(event) {
    const last = (this.#lines.columns[0]?.length ?? 0) - 1;
    const at = this.#index ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (event.key === 'Escape') this.#read(null);
    else if (to !== undefined) this.#read(Math.min(last, Math.max(0, to)));
    else return;
    event.preventDefault();
  }

  #read(index) {
    if (this.#plot === null) return;
    const time = index === null ? null : this.#lines.columns[0]?.[index];
    const left = time === undefined || time === null ? -10 : this.#plot.valToPos(time, 'x');
    this.#plot.setCursor({ left, top: left < 0 ? -10 : 10 });
    this.#moved(index);
  }
}

/** The value of a custom property as it is in this scheme, which only an element can say. */
function colour(name) {
  const probe = document.querySelector('#probe');
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function timeOfDay(seconds) {
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB');
}
