/**
 * The history that the relay of a host keeps for its workers where there is no Redis: answers what they ask
 * (`relay-question.ts`), and hands out what is appended as frames, as Redis would.
 */
import { Malformed } from '../protocol/malformed.ts';
import { asBytes, asInteger, asText, type ReadValue, type WireValue } from '../protocol/relay-frame.ts';
import { SequencedReader, SequencedWriter } from '../protocol/sequenced-frame.ts';
import { shardOf } from '../protocol/shard.ts';
import type { History } from './history.ts';
import type { Slice } from './recovery.ts';
import { ShardKeys } from './redis-script.ts';
import { entriesOf } from './relay-question.ts';

export class KeptHistory {
  readonly #history: History;
  readonly #keys: readonly ShardKeys[];
  readonly #reader = new SequencedReader();
  readonly #writer = new SequencedWriter();

  constructor(history: History, { prefix, shards }: { prefix: string; shards: number }) {
    this.#history = history;
    this.#keys = Array.from({ length: shards }, (_, shard) => new ShardKeys(prefix, shards, shard));
  }

  /** @param hand takes a frame for the pub/sub channel of a shard */
  start(hand: (channel: string, frame: Buffer) => void): void {
    this.#history.start((channel, batch) => {
      const shard = shardOf(channel, this.#keys.length);
      hand((this.#keys[shard] as ShardKeys).pubsub, this.#writer.frame(shard, channel, batch));
    });
  }

  /** Rejects with `Malformed` for what is no question, and never else. */
  async ask([kind, channel, ...rest]: readonly ReadValue[]): Promise<WireValue> {
    const name = asText(channel);
    switch (kind) {
      case 'append':
        return await this.#append(name, rest);
      case 'read': {
        const position = { epoch: asText(rest[0]), offset: asOffset(rest[1]) };
        return this.#told(await this.#history.read(name, position, asInteger(rest[2])));
      }
      case 'last':
        return this.#told(await this.#history.last(name, asInteger(rest[0])));
      case 'top': {
        const position = await this.#history.top(name);
        return position === null ? null : [position.epoch, position.offset];
      }
      case 'latest': {
        const snapshot = await this.#history.latest(name);
        if (snapshot === null) return null;
        return [snapshot.epoch, snapshot.offset, entriesOf(this.#writer, snapshot.publications)];
      }
      default:
        throw new Malformed('an unknown question');
    }
  }

  async stop(): Promise<void> {
    await this.#history.stop();
  }

  async #append(channel: string, [key, entry]: readonly ReadValue[]): Promise<WireValue> {
    const publications = this.#reader.entry(asBytes(entry));
    if (publications === null) throw new Malformed('an entry was expected');
    const idempotencyKey = key === null ? undefined : asText(key);
    let appended: Awaited<ReturnType<History['append']>>;
    try {
      appended = await this.#history.append(channel, publications, idempotencyKey);
    } catch {
      // The worker has another policy than we: its settings are not ours.
      throw new Malformed('a channel without history');
    }
    if (appended.outcome !== 'confirmed') return [appended.outcome];
    const { outcome, position, duplicate } = appended;
    return [outcome, position.epoch, position.offset, duplicate ? 1 : 0];
  }

  #told(slice: Slice | null): WireValue {
    if (slice === null) return null;
    return [slice.epoch, slice.offset, slice.top, entriesOf(this.#writer, slice.publications)];
  }
}

/** Any number: what is asked may be far from what there is. */
function asOffset(value: ReadValue | undefined): number {
  if (typeof value !== 'number') throw new Malformed('a number was expected');
  return value;
}
