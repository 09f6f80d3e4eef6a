/**
 * Shows how the race stands, which arrives over a channel of Outcry, and publishes what the visitor wants in another.
 */
import { connect } from '/outcry.js';
import { RaceCharts } from '/race-charts.js';
import { compact, milliseconds, whole } from '/numbers.js';
import { positionOf, rateAt } from '/rate-scale.js';

const byId = (id) => document.getElementById(id);
const slider = byId('rate');
const pause = byId('pause');
const charts = new RaceCharts();
/** While the slider is held, what arrives does not move it. */
let held = false;

const { url } = await (await fetch('/feed')).json();
const client = connect(url, { name: 'race-page/1.0' });
client.on('disconnected', () => {
  document.body.dataset.phase = 'gone';
  byId('state').textContent = 'The race is over, or out of reach';
});
client.subscribe('race').on('publication', ({ data }) => show(data));

slider.addEventListener('input', () => {
  held = true;
  byId('rate-value').textContent = whole(rateAt(Number(slider.value)));
});
slider.addEventListener('change', () => {
  held = false;
  order({ type: 'rate', rate: rateAt(Number(slider.value)) });
});
pause.addEventListener('click', () => {
  pause.disabled = true;
  order({ type: 'pause a reader' });
});

function order(wanted) {
  client.publish('race-orders', wanted).catch((error) => {
    byId('state').textContent = `That did not arrive: ${error.message}`;
  });
}

function show(standing) {
  const { phase, rate, pauseOrdered } = standing;
  document.body.dataset.phase = phase;
  byId('state').textContent =
    phase === 'pausing' ? 'A reader is paused on both sides' : 'They are fed in turns';
  slider.disabled = false;
  pause.disabled = pauseOrdered;
  if (!held) {
    slider.value = positionOf(rate);
    byId('rate-value').textContent = whole(rate);
  }
  for (const side of ['left', 'right']) showSide(side, standing);
  showBound(standing);
  charts.show(standing);
  byId('how').replaceChildren(...howItWorks(standing).map(paragraph));
}

function showSide(side, standing) {
  const { turns, delivered, silentlyLost, pausedReader, what } = standing[side];
  const last = turns.at(-1);
  document.querySelector(`[data-side=${side}]`).dataset.rate = last?.rate ?? '';
  const set = (name, text) => {
    const place = document.querySelector(`[data-side=${side}] [data-show=${name}]`);
    if (place.textContent !== text) place.textContent = text;
    return place;
  };
  set(
    'turn',
    standing.phase === side ? 'being fed' : standing.phase === 'pausing' ? 'one reader paused' : 'at rest',
  );
  set('p99', last ? milliseconds(last.p99) : '–').dataset.doubtful =
    last !== undefined && last.status !== 'ok';
  set('share', last ? `${Math.round(last.cpuShare * 100)} %` : '–');
  set('cost', last ? `${compact(last.cpuMicrosPerDelivery)} µs` : '–');
  set('delivered', whole(delivered));
  set('lost', whole(silentlyLost)).dataset.bad = silentlyLost > 0;
  set('reader', readerText(pausedReader));
  set('what', what);
}

function readerText(paused) {
  if (paused === null) return '';
  const { published, received, lost, cutOff, told } = paused;
  if (cutOff)
    return `The paused reader got ${whole(received)} of ${whole(published)} and was cut off: it knows.`;
  if (lost === 0) return `The paused reader got all ${whole(published)}.`;
  if (told) return `The paused reader misses ${whole(lost)} of ${whole(published)}, and was told of a gap.`;
  return `The paused reader misses ${whole(lost)} of ${whole(published)}. Its connection is open, and it was told nothing.`;
}

/** The latencies of a turn in which the generator was the limit are its own. */
function showBound({ left, right }) {
  const sides = [
    ['bare Bun', left.turns.at(-1)],
    ['Outcry', right.turns.at(-1)],
  ].filter(([, turn]) => turn?.reservations.length > 0);
  const bound = sides.some(([, { status }]) => status === 'generator-bound');
  const reasons = sides.map(
    ([name, { reservations }]) => `${name}: ${reservations.join(', ').replaceAll('generator-bound: ', '')}`,
  );
  byId('bound').hidden = sides.length === 0;
  byId('bound').textContent =
    (bound ? 'Generator-bound, so that these latencies may be its own. ' : '') + reasons.join('. ');
}

function howItWorks({ clients, recordBytes, turnSeconds, pauseSeconds, left, right }) {
  return [
    `${whole(clients)} subscribers on each side, ${recordBytes} bytes a message. One side is fed for ${turnSeconds} s and until its last delivery, then the other; who is not fed rests, so that each has the machine. Publisher and receivers are processes of their own, as many on both sides; latency counts from when a message was due. CPU is the server's.`,
    `Silently lost: missing in a stream whose connection is open and that was told nothing. ${whole(left.cutOff)} connections were ended by bare Bun, ${whole(right.cutOff)} by Outcry; whose connection ends knows that something may be missing.`,
    `A reader that is paused hears a channel of its own, 8 MB a second for ${pauseSeconds} s: what a server keeps for a slow subscriber is full in seconds instead of half an hour.`,
  ];
}

function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
