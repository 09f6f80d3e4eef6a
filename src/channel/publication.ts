/**
 * What travels through a channel.
 */

/**
 * The content of one WebSocket message: text as a string, binary as bytes.
 *
 * Bytes belong to whoever produced them and are only valid during the call that hands them over: copy what you keep.
 */
export type Payload = string | Uint8Array;

/** Bytes that a payload takes on the wire at most: a UTF-16 unit becomes up to three bytes of UTF-8. */
export function maxBytesOf(payload: Payload): number {
  return typeof payload === 'string' ? payload.length * 3 : payload.byteLength;
}

/**
 * `json` is text that was validated where it entered; only such bytes may be spliced into a JSON frame. `deleted` has no
 * content: its key is deleted.
 */
export type PublicationKind = 'text' | 'binary' | 'json' | 'deleted';

const encoder = new TextEncoder();
// Without `ignoreBOM` a byte order mark at the start would be swallowed.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * One item of a channel, as its publisher gave it. Text and JSON may come as a string or as UTF-8; the other form is made
 * when somebody asks for it, once.
 *
 * Its bytes are only valid during the call that hands it over, until `keep` is called.
 */
export class Publication {
  readonly kind: PublicationKind;
  /** When the node that took it took it, in milliseconds since 1970 by that node's clock. */
  readonly time: number;
  /** Whose newest value it is, in a channel that keeps the latest values; null for what is the value of nothing. */
  readonly key: string | null;
  #text: string | null;
  #bytes: Uint8Array | null;
  #isKept = false;
  #isAlone = false;

  private constructor(kind: PublicationKind, content: Payload, time: number, key: string | null = null) {
    this.kind = kind;
    this.time = time;
    this.key = key;
    this.#text = typeof content === 'string' ? content : null;
    this.#bytes = typeof content === 'string' ? null : content;
  }

  /** @param content well-formed text, or its UTF-8 */
  static text(content: Payload, time: number): Publication {
    return new Publication('text', content, time);
  }

  static binary(content: Uint8Array, time: number): Publication {
    return new Publication('binary', content, time);
  }

  /** @param content valid JSON text, or its UTF-8; the caller has checked it */
  static json(content: Payload, time: number): Publication {
    return new Publication('json', content, time);
  }

  static deletion(key: string, time: number): Publication {
    return new Publication('deleted', '', time, key);
  }

  /** What a plain WebSocket sent. */
  static of(payload: Payload, time: number): Publication {
    return new Publication(typeof payload === 'string' ? 'text' : 'binary', payload, time);
  }

  /** The same as the value of a key. */
  withKey(key: string): Publication {
    return new Publication(this.kind, this.content, this.time, key);
  }

  /** Text or JSON as a string. Not for binary. */
  get text(): string {
    this.#text ??= decoder.decode(this.#bytes ?? new Uint8Array());
    return this.#text;
  }

  /** Binary as it is, text and JSON in UTF-8. */
  get bytes(): Uint8Array {
    this.#bytes ??= encoder.encode(this.#text ?? '');
    return this.#bytes;
  }

  /** The form that it came in, or was asked for first as well: whichever costs nothing. */
  get content(): Payload {
    return this.#text ?? this.bytes;
  }

  /** What a plain WebSocket gets: the text of text and JSON, the bytes of binary. */
  get payload(): Payload {
    return this.kind === 'binary' ? this.bytes : this.text;
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }

  /**
   * Like `keep`, for those who keep it for long: nothing else stays in memory with it. A text may be a part of the frame that it
   * came in, which the runtime then keeps as a whole, a thousand times as large as what anybody counts.
   */
  keepForLong(): this {
    if (this.#isAlone) return this;
    this.#isAlone = true;
    if (this.#text !== null) this.#text = Buffer.from(this.#text).toString();
    return this.keep();
  }

  /** Copies borrowed bytes, once, so that it stays valid after the call that handed it over. */
  keep(): this {
    if (this.#isKept) return this;
    this.#isKept = true;
    // Not `slice`, which is a view if the bytes are a Buffer.
    if (this.#text === null && this.#bytes !== null) this.#bytes = new Uint8Array(this.#bytes);
    else if (this.kind !== 'binary') this.#bytes = null;
    return this;
  }
}
