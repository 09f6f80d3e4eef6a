/**
 * What a program publishes, and the form in which it travels.
 */
import { OutcryError } from './outcry-error.ts';

export type PayloadKind = 'json' | 'text' | 'binary';

/** A payload that is ready to be put into a frame. JSON is text already. */
export type Outgoing =
  | { kind: 'json'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'binary'; bytes: Uint8Array };

/** A value that shall travel as JSON whatever its type. */
export class Json {
  readonly text: string;

  /** @param text valid JSON */
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Makes a string, or anything else, travel as JSON: `client.publish('chat', json('hello'))`.
 *
 * @throws OutcryError `bad_payload` if JSON has no form for it
 */
export function json(value: unknown): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw OutcryError.of('bad_payload', 'JSON has no form for this value', { cause });
  }
  if (text === undefined) throw OutcryError.of('bad_payload', `JSON has no form for ${typeof value}`);
  return new Json(text);
}

/**
 * A string as text; a buffer or a view of one as binary, not copied; what `json` made, and everything else, as JSON.
 *
 * @throws OutcryError `bad_payload`
 */
export function outgoing(data: unknown): Outgoing {
  if (typeof data === 'string') {
    // Encoded, a lone surrogate would silently become another character.
    if (!data.isWellFormed()) throw OutcryError.of('bad_payload', 'the text has a lone surrogate');
    return { kind: 'text', text: data };
  }
  if (data instanceof ArrayBuffer) return { kind: 'binary', bytes: new Uint8Array(data) };
  if (ArrayBuffer.isView(data))
    return { kind: 'binary', bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  return { kind: 'json', text: (data instanceof Json ? data : json(data)).text };
}
