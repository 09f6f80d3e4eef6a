/**
 * The conversation on the page: notes, messages, and below them what waits for its echo.
 *
 * Whatever arrives is queued and drawn once per animation frame, and never more of it than the page keeps: of a burst
 * of 10,000 messages the last 500 become elements, the others are counted. A hidden tab has no frames, so the queue is
 * bounded as well. All text came from strangers and reaches the page through `textContent` only.
 */

/** Messages and notes that stay on the page. */
const maxEntries = 500;
/** Characters shown of one message; a room may carry megabytes. */
const maxShownChars = 4_000;
/** This close to the end counts as reading along. */
const nearEndPx = 48;
/** A message of the same author this soon after the last one stands under the same name. */
const sameBreathMs = 5 * 60_000;
/** Steps on the colour wheel: far enough apart to be told from each other. */
const hues = 15;

const clockTime = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const count = new Intl.NumberFormat();

/**
 * @typedef {{ kind: 'message' | 'binary' | 'undelivered', author: string | null, text: string, own: boolean, at: Date }} Message
 * @typedef {{ kind: 'note', text: string, at: Date }} Note
 */

export class Transcript {
  #parts;
  /** @type {(Message | Note)[]} */
  #queue = [];
  /** @type {{ author: string | null, text: string }[]} */
  #pending = [];
  /** The last entry on the page. @type {Message | Note | null} */
  #last = null;
  #notShown = 0;
  #unread = 0;
  #readsAlong = true;
  #frameIsDue = false;

  /** @param {Record<'scroller' | 'earlier' | 'messages' | 'pending' | 'newest', HTMLElement>} parts of the page */
  constructor(parts) {
    this.#parts = parts;
    const { scroller, newest } = parts;
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    newest.addEventListener('click', () => {
      this.goToEnd();
      scroller.focus({ preventScroll: true });
    });
    // An on-screen keyboard takes room from below; whoever reads along goes on doing so.
    new ResizeObserver(() => this.#readsAlong && this.#scrollToEnd()).observe(scroller);
  }

  add(/** @type {Message | Note} */ entry) {
    this.#queue.push(entry);
    if (this.#queue.length >= 2 * maxEntries) this.#dropFromQueue();
    this.#drawSoon();
  }

  note(/** @type {string} */ text) {
    this.add({ kind: 'note', text, at: new Date() });
  }

  /** Shows what waits for its echo instead of what did before. */
  setPending(/** @type {{ author: string | null, text: string }[]} */ pending) {
    this.#pending = pending;
    this.#drawSoon();
  }

  goToEnd() {
    this.#readsAlong = true;
    this.#drawSoon();
  }

  clear() {
    this.#queue = [];
    this.#pending = [];
    this.#last = null;
    this.#notShown = 0;
    this.#parts.messages.replaceChildren();
    this.goToEnd();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#parts.scroller;
    this.#readsAlong = scrollHeight - scrollTop - clientHeight < nearEndPx;
    if (this.#readsAlong && this.#unread > 0) this.#drawSoon();
  }

  #drawSoon() {
    if (this.#frameIsDue) return;
    this.#frameIsDue = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frameIsDue = false;
    const { messages, pending, earlier, newest } = this.#parts;
    this.#dropFromQueue();
    if (!this.#readsAlong) this.#unread += countMessages(this.#queue);
    messages.append(...this.#queue.map((entry) => this.#element(entry)));
    this.#queue = [];
    this.#trim();
    pending.replaceChildren(...this.#pending.map((message) => pendingElement(message)));

    earlier.hidden = this.#notShown === 0;
    earlier.dataset.count = String(this.#notShown);
    earlier.textContent =
      this.#notShown === 1
        ? 'One earlier message is not shown any more.'
        : `${count.format(this.#notShown)} earlier messages are not shown any more.`;
    if (this.#readsAlong) this.#scrollToEnd();
    newest.hidden = this.#unread === 0;
    newest.textContent =
      this.#unread === 1 ? 'One new message' : `${count.format(this.#unread)} new messages`;
  }

  #scrollToEnd() {
    this.#unread = 0;
    this.#parts.scroller.scrollTop = this.#parts.scroller.scrollHeight;
  }

  /** Leaves in the queue what there is room for on the page. */
  #dropFromQueue() {
    const excess = this.#queue.length - maxEntries;
    if (excess > 0) this.#notShown += countMessages(this.#queue.splice(0, excess));
  }

  #trim() {
    const { messages } = this.#parts;
    while (messages.childElementCount > maxEntries) {
      if (!messages.firstElementChild.classList.contains('note')) this.#notShown += 1;
      messages.firstElementChild.remove();
    }
    messages.firstElementChild?.classList.remove('follows');
  }

  /** @param {Message | Note} entry */
  #element(entry) {
    const element = entry.kind === 'note' ? noteElement(entry) : messageElement(entry);
    element.classList.toggle('follows', follows(entry, this.#last));
    this.#last = entry;
    return element;
  }
}

function countMessages(/** @type {(Message | Note)[]} */ entries) {
  return entries.filter(({ kind }) => kind !== 'note').length;
}

/** True if the entry stands under the name that the last one already shows. */
function follows(/** @type {Message | Note} */ entry, /** @type {Message | Note | null} */ last) {
  if (last === null || last.kind === 'note' || entry.kind === 'note') return false;
  return (
    entry.author === last.author &&
    entry.own === last.own &&
    entry.at.getTime() - last.at.getTime() < sameBreathMs
  );
}

function noteElement(/** @type {Note} */ { text, at }) {
  const element = make('p', 'note', text);
  element.append(' ', timeElement(at));
  return element;
}

function messageElement(/** @type {Message} */ { kind, author, text, own, at }) {
  const element = make('p', `message ${kind}`);
  element.dataset.kind = kind;
  if (own) element.dataset.own = '';
  element.append(authorElement(author), ' ', wordsElement(text), ' ', timeElement(at));
  if (kind === 'undelivered') element.append(' ', make('span', 'mark', 'perhaps not delivered'));
  return element;
}

function pendingElement(/** @type {{ author: string | null, text: string }} */ { author, text }) {
  const element = make('p', 'message');
  element.append(authorElement(author), ' ', wordsElement(text), ' ', make('span', 'mark', 'sending'));
  return element;
}

function authorElement(/** @type {string | null} */ author) {
  const element = make('bdi', 'author', author ?? 'anonymous guest');
  if (author === null) element.classList.add('anonymous');
  else element.style.setProperty('--hue', String(hueOf(author)));
  return element;
}

function wordsElement(/** @type {string} */ text) {
  const element = make('span', 'words', text.slice(0, maxShownChars).toWellFormed());
  element.dir = 'auto';
  const rest = text.length - maxShownChars;
  if (rest > 0) element.append(' ', make('i', 'rest', `… and ${count.format(rest)} more characters`));
  return element;
}

function timeElement(/** @type {Date} */ at) {
  const element = make('time', 'at', clockTime.format(at));
  element.dateTime = at.toISOString();
  element.title = fullTime.format(at);
  return element;
}

/** The same name has the same hue on every page: FNV-1a over its UTF-16 units. */
function hueOf(/** @type {string} */ name) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return ((hash >>> 0) % hues) * (360 / hues);
}

function make(/** @type {string} */ tag, /** @type {string} */ className, text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
