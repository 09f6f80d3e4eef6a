/**
 * `outcry publish`: hands payloads to the API of a node and prints its answer.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { exitCodes, UserError } from '../errors.ts';

export interface PublishCommand {
  /** `-`: each line of the input names its own. */
  channel: string;
  /** The payload; null or `-` reads one from each line of the input. */
  data: string | null;
  /** How a payload is meant; null takes valid JSON as JSON and everything else as text. */
  kind: 'json' | 'text' | null;
  /** Address of the admin listener. */
  api: string;
  adminKey: string | null;
  /** A channel with a history takes it once; for one payload only. */
  idempotencyKey: string | null;
  /** Whose latest value it is. */
  key: string | null;
  /** The key has no value any more, and there is no payload. */
  deleted: boolean;
}

/** Answers of the API, as far as they are read here. */
interface Answer {
  refused?: number;
  unknown?: number;
  error?: { code: number; name: string; message: string };
}

/** @throws UserError with exit code 1 when the node cannot be reached or refused something */
export async function publish(
  command: PublishCommand,
  input: Readable,
  print: (text: string) => void,
): Promise<void> {
  if (command.deleted && (command.key === null || command.data !== null || command.channel === '-'))
    throw new UserError('--delete goes with --key and a channel, and without a payload');
  if (command.key !== null && command.channel === '-')
    throw new UserError('--key is for a channel that is named here; each line of the input has its own');
  const fromInput = isFromInput(command);
  // All lines but the first would be repetitions.
  if (fromInput && command.idempotencyKey !== null)
    throw new UserError('--idempotency-key is for one payload, not for lines of the input');
  const answer = await request(
    command,
    fromInput
      ? { type: 'application/x-ndjson', body: toStream(lines(command, input)) }
      : { type: 'application/json', body: publication(command, command.data ?? '') },
  );
  const parsed = parse(answer);
  if (parsed.error !== undefined)
    throw new UserError(
      `the node refused: ${parsed.error.message} (${parsed.error.code} ${parsed.error.name})`,
      exitCodes.failure,
    );
  print(answer.trim());
  const lost = (parsed.refused ?? 0) + (parsed.unknown ?? 0);
  if (lost > 0)
    throw new UserError(`${lost} were refused or are uncertain; see the answer above`, exitCodes.failure);
}

function isFromInput({ channel, data, deleted }: PublishCommand): boolean {
  return channel === '-' || data === '-' || (data === null && !deleted);
}

async function* lines(command: PublishCommand, input: Readable): AsyncGenerator<string> {
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') yield `${command.channel === '-' ? line : publication(command, line)}\n`;
}

/** One publication as the API takes it. JSON goes in as it stands, so that every byte of it arrives. */
function publication({ channel, kind, idempotencyKey, key, deleted }: PublishCommand, data: string): string {
  const json = kind === 'json' || (kind === null && isJson(data));
  const payload = json ? `"json":${data}` : `"text":${JSON.stringify(data)}`;
  const fields = [`"channel":${JSON.stringify(channel)}`, deleted ? '"deleted":true' : payload];
  if (idempotencyKey !== null) fields.push(`"idempotencyKey":${JSON.stringify(idempotencyKey)}`);
  if (key !== null) fields.push(`"key":${JSON.stringify(key)}`);
  return `{${fields.join()}}`;
}

async function request(
  { api, adminKey }: PublishCommand,
  { type, body }: { type: string; body: string | ReadableStream<Uint8Array> },
): Promise<string> {
  let url: URL;
  try {
    url = new URL('/api/publish', api);
  } catch {
    throw new UserError(`--api: ${JSON.stringify(api)} is not an address like http://127.0.0.1:8081`);
  }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': type, ...(adminKey !== null && { Authorization: `Bearer ${adminKey}` }) },
      body,
      // A stream is sent while it is read; fetch wants to be told (WHATWG Fetch, section 5.4).
      duplex: 'half',
    } as RequestInit);
    return await response.text();
  } catch {
    throw new UserError(
      `no node answers at ${url.origin}: start one with \`outcry serve\`, or name its admin listener with --api`,
      exitCodes.failure,
    );
  }
}

function toStream(chunks: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}

function parse(answer: string): Answer {
  try {
    return JSON.parse(answer);
  } catch {
    throw new UserError(
      'what answers there is not the API of a node; --api names the admin listener, usually http://127.0.0.1:8081',
      exitCodes.failure,
    );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
