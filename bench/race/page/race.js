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
const kills = [...document.querySelectorAll('[data-kill]')];
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

for (const button of kills)
  button.addEventListener('click', () => {
    for (const each of kills) each.disabled = true;
    order({ type: 'kill', what: button.dataset.kill });
  });

function order(wanted) {
  client.publish('race-orders', wanted).catch((error) => {
    byId('state').textContent = `That did not arrive: ${error.message}`;
  });
}

function show(standing) {
  const { phase, rate, pauseOrdered, killOrdered, whyNoKill } = standing;
  document.body.dataset.phase = phase;
  byId('state').textContent = stateText(standing);
  slider.disabled = false;
  pause.disabled = pauseOrdered;
  for (const button of kills) button.disabled = whyNoKill !== null || killOrdered !== null;
  byId('no-kill').hidden = whyNoKill === null;
  byId('no-kill').textContent = whyNoKill === null ? '' : `Nothing can be killed: ${whyNoKill}.`;
  if (!held) {
    slider.value = positionOf(rate);
    byId('rate-value').textContent = whole(rate);
  }
  for (const side of ['left', 'right']) showSide(side, standing);
  showBound(standing);
  charts.show(standing);
  byId('how').replaceChildren(...howItWorks(standing).map(paragraph));
}

function stateText({ phase, killing, killOrdered }) {
  if (killing) return `${killOrdered === 'node' ? 'A node' : 'Redis'} is killed, in turns`;
  return phase === 'pausing' ? 'A reader is paused on both sides' : 'They are fed in turns';
}

function showSide(side, standing) {
  const { name, turns, delivered, silentlyLost, told, story, pausedReader, what } = standing[side];
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
  set('told', whole(told));
  showStory(side, story);
  byId(`${side}-name`).textContent = name;
  set('reader', readerText(pausedReader));
  set('what', what);
}

/** A line is only made anew when it is another, or it would be read aloud again. */
function showStory(side, story) {
  const place = document.querySelector(`[data-side=${side}] [data-show=story]`);
  const text = JSON.stringify(story);
  if (place.dataset.story === text) return;
  place.dataset.story = text;
  place.replaceChildren(...story.map(storyLine));
}

function storyLine({ at, text, bad = false }) {
  const line = document.createElement('li');
  line.dataset.bad = bad;
  if (at !== null) {
    const when = document.createElement('span');
    when.className = 'when';
    when.textContent = `${at.toFixed(1)} s`;
    line.append(when);
  }
  line.append(text);
  return line;
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
    [left.name, left.turns.at(-1)],
    [right.name, right.turns.at(-1)],
  ].filter(([, turn]) => turn?.reservations.length > 0);
  const bound = sides.some(([, { status }]) => status === 'generator-bound');
  const reasons = sides.map(
    ([name, { reservations }]) => `${name}: ${reservations.join(', ').replaceAll('generator-bound: ', '')}`,
  );
  byId('bound').hidden = sides.length === 0;
  byId('bound').textContent =
    (bound ? 'Generator-bound, so that these latencies may be its own. ' : '') + reasons.join('. ');
}

function howItWorks(standing) {
  const { clients, recordBytes, turnSeconds, pauseSeconds, killSeconds, whyNoKill, left, right } = standing;
  const killing = `Kill a node, kill Redis: SIGKILL, on one side after the other, one second into a feed of ${killSeconds} s at the rate of the slider; it comes back two seconds later. The node is the one that nobody publishes to. Whose connection ends opens another at the next address after 0.2 to 0.4 s, on both sides alike. What is missing counts as told if a gap was told, or the connection ended, no earlier than the last record before the hole; otherwise as silently lost.`;
  return [
    `${whole(clients)} subscribers on each side, ${recordBytes} bytes a message. One side is fed for ${turnSeconds} s and until its last delivery, then the other; who is not fed rests, so that each has the machine. Publisher and receivers are processes of their own, as many on both sides; latency counts from when a message was due. CPU is the server's.`,
    `Silently lost: missing in a stream whose connection is open and that was told nothing. ${whole(left.cutOff)} connections have ended on the left, ${whole(right.cutOff)} on the right; whose connection ends knows that something may be missing.`,
    `A reader that is paused hears a channel of its own, 8 MB a second for ${pauseSeconds} s: what a server keeps for a slow subscriber is full in seconds instead of half an hour.`,
    ...(whyNoKill === null ? [killing] : []),
  ];
}

function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
