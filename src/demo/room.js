/**
 * The demo page: a chat in a raw room. Puts the parts together and listens to the forms.
 */
import { ConnectionStatus } from './connection-status.js';
import { consoleSnippet, copyText } from './console-snippet.js';
import { cleanName, maxNameChars, maxTextChars } from './message.js';
import { defaultRoom, findRoomFlaw, pagePath, roomInQuery, socketUrl } from './room-address.js';
import { Transcript } from './transcript.js';
import { Visit } from './visit.js';

const nameKey = 'outcry.name';

const byId = (/** @type {string} */ id) => document.getElementById(id);
const [roomInput, nameInput, textInput] = [byId('room'), byId('name'), byId('text')];
const transcript = new Transcript({
  scroller: byId('scroller'),
  earlier: byId('earlier'),
  messages: byId('messages'),
  pending: byId('pending'),
  newest: byId('newest'),
});
const status = new ConnectionStatus(document.body, {
  state: byId('state'),
  node: byId('node'),
  roundTrip: byId('round-trip'),
  notice: byId('notice'),
  why: byId('why'),
  countdown: byId('countdown'),
});
const guestName = `Guest ${100 + Math.floor(Math.random() * 900)}`;
/** @type {Visit | null} */
let visit = null;

function enter(/** @type {string} */ room) {
  visit?.leave();
  transcript.clear();
  status.enter(room);
  const url = socketUrl(room, location);
  roomInput.value = room;
  document.title = `${room} · Outcry`;
  byId('snippet').textContent = consoleSnippet(url);
  byId('copy').textContent = 'Copy';
  visit = new Visit(url.endsWith(location.host) ? `${url}/` : url, transcript, status);
}

function enterRoomOfPage() {
  const room = roomInQuery(location.search);
  const flaw = findRoomFlaw(room);
  enter(flaw === null ? room : defaultRoom);
  if (flaw !== null) transcript.note(`${flaw} This is the room ${defaultRoom} instead.`);
}

function hint(/** @type {string} */ words) {
  byId('hint').textContent = words;
}

/** The browser may forbid storage; the name lasts as long as the page then. */
function stored(/** @type {() => string | null | void} */ access) {
  try {
    return access() ?? '';
  } catch {
    return '';
  }
}

roomInput.addEventListener('input', () => roomInput.setCustomValidity(''));
byId('room-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const room = roomInput.value.trim();
  roomInput.setCustomValidity(findRoomFlaw(room) ?? '');
  if (!roomInput.reportValidity()) return;
  if (room !== document.body.dataset.room) {
    history.pushState(null, '', pagePath(room));
    enter(room);
  }
  textInput.focus();
});
window.addEventListener('popstate', enterRoomOfPage);

nameInput.maxLength = maxNameChars;
nameInput.placeholder = guestName;
nameInput.value = cleanName(stored(() => localStorage.getItem(nameKey)));
nameInput.addEventListener('change', () => {
  nameInput.value = cleanName(nameInput.value);
  stored(() => localStorage.setItem(nameKey, nameInput.value));
});
nameInput.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  textInput.focus();
});

textInput.maxLength = maxTextChars;
textInput.addEventListener('input', () => {
  const isFull = textInput.value.length >= maxTextChars;
  hint(isFull ? `A message has at most ${maxTextChars} characters: what you paste beyond them is cut.` : '');
});
textInput.addEventListener('keydown', (event) => {
  // Enter also accepts a word in an input method; that one is not ours.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('composer').requestSubmit();
});
byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = textInput.value.trim();
  if (text === '') return;
  const refusal = visit?.say(cleanName(nameInput.value) || guestName, text) ?? null;
  hint(refusal ?? '');
  if (refusal === null) textInput.value = '';
  textInput.focus();
});

byId('connect-now').addEventListener('click', () => visit?.connectNow());
byId('copy').addEventListener('click', () => copyText(byId('snippet'), byId('copy')));

enterRoomOfPage();
textInput.focus({ preventScroll: true });
