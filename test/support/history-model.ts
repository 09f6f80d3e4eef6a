/**
 * Nodes that share channels with a history, which may keep the latest value of each key, as far as a client can tell: what is said to each session, as messages of
 * `outcry.v1.json`. Nothing here knows sockets or time, so a test may lose, repeat and cut whatever it wants on the way.
 */

type Message = Record<string, unknown>;

interface Position {
  epoch: string;
  offset: number;
}

/** As in a batch: with a key it is the latest value of that, or its deletion. */
export interface Payload {
  key?: string;
  deleted?: boolean;
  text?: string;
}

interface Kept {
  offset: number;
  payload: Payload;
}

interface History {
  epoch: string;
  top: number;
  kept: Kept[];
  idempotencyKeys: Map<string, number>;
  latest: Map<string, Payload>;
}

export interface HistoryModelOptions {
  /** Publications that each channel keeps. */
  size: number;
  /** Publications in one batch that answers a subscribe. */
  batchSize?: number;
  /** The latest value of each key is kept, and whoever joins gets a snapshot. */
  latest?: boolean;
  /** The last publications go out before the snapshot. */
  lastBeforeSnapshot?: boolean;
  pingIntervalMs?: number;
}

const commandFields = new Set(['type', 'id', 'channel', 'idempotencyKey']);

export class HistoryModel {
  readonly sessions = new Set<HistorySession>();
  readonly #options: HistoryModelOptions;
  readonly #histories = new Map<string, History>();
  #epochs = 0;

  constructor(options: HistoryModelOptions) {
    this.#options = options;
  }

  get pingIntervalMs(): number {
    return this.#options.pingIntervalMs ?? 25_000;
  }

  get latest(): boolean {
    return this.#options.latest === true;
  }

  get lastBeforeSnapshot(): boolean {
    return this.#options.lastBeforeSnapshot === true;
  }

  get batchSize(): number {
    return this.#options.batchSize ?? 100;
  }

  /** @param say hands one message to the client */
  connect(say: (message: Message) => void): HistorySession {
    const session = new HistorySession(this, say);
    this.sessions.add(session);
    return session;
  }

  of(channel: string): History {
    let history = this.#histories.get(channel);
    if (history === undefined) {
      history = this.#newHistory();
      this.#histories.set(channel, history);
    }
    return history;
  }

  publish(channel: string, payload: Payload, idempotencyKey?: string): Position & { duplicate: boolean } {
    const history = this.of(channel);
    const { epoch } = history;
    const known = idempotencyKey === undefined ? undefined : history.idempotencyKeys.get(idempotencyKey);
    if (known !== undefined) return { epoch, offset: known, duplicate: true };
    history.top += 1;
    if (idempotencyKey !== undefined) history.idempotencyKeys.set(idempotencyKey, history.top);
    const { key, deleted } = payload;
    if (this.latest && key !== undefined) {
      if (deleted) history.latest.delete(key);
      else history.latest.set(key, payload);
    }
    history.kept.push({ offset: history.top, payload });
    if (history.kept.length > this.#options.size) history.kept.shift();
    for (const session of this.sessions) session.broadcast(channel, history.top, [payload]);
    return { epoch, offset: history.top, duplicate: false };
  }

  /** Repeats where the channel stands, as nodes do when it falls quiet. */
  mark(channel: string): void {
    for (const session of this.sessions) session.broadcast(channel, this.of(channel).top, []);
  }

  /** Numbers the channel anew: what was kept is gone, and everybody is told. */
  forget(channel: string): void {
    this.#histories.set(channel, this.#newHistory());
    for (const session of this.sessions)
      if (this.latest) session.snapshot(channel, 'epoch_changed');
      else session.gap(channel, 'epoch_changed');
  }

  /** Sends everybody the latest values instead of what they could not take. */
  conflate(channel: string): void {
    for (const session of this.sessions) session.snapshot(channel, 'conflated');
  }

  #newHistory(): History {
    this.#epochs += 1;
    return {
      epoch: `epoch${this.#epochs}`,
      top: 0,
      kept: [],
      idempotencyKeys: new Map(),
      latest: new Map(),
    };
  }
}

export class HistorySession {
  readonly #model: HistoryModel;
  readonly #say: (message: Message) => void;
  /** The number of the last publication of each channel that was joined. */
  readonly #sequences = new Map<string, number>();

  constructor(model: HistoryModel, say: (message: Message) => void) {
    this.#model = model;
    this.#say = say;
  }

  end(): void {
    this.#model.sessions.delete(this);
  }

  hear(message: Message): void {
    const { type, id, channels } = message;
    if (type === 'connect') this.#welcome(id);
    else if (type === 'ping') this.#say({ type: 'pong', id, time: Date.now() });
    else if (type === 'subscribe') this.#subscribe(id, channels as (string | Message)[]);
    else if (type === 'unsubscribe') {
      for (const channel of channels as string[]) this.#sequences.delete(channel);
      this.#say({ type: 'unsubscribed', id, channels });
    } else if (type === 'publish') this.#publish(message);
  }

  broadcast(channel: string, offset: number, publications: object[]): void {
    const last = this.#sequences.get(channel);
    if (last === undefined) return;
    const sequence = last + publications.length;
    this.#sequences.set(channel, sequence);
    this.#batch(channel, sequence, offset, publications);
  }

  gap(channel: string, reason: string): void {
    const { epoch, top } = this.#model.of(channel);
    if (this.#sequences.has(channel)) this.#say({ type: 'gap', channel, reason, epoch, offset: top });
  }

  snapshot(channel: string, reason: string): void {
    const sequence = this.#sequences.get(channel);
    if (sequence === undefined) return;
    const { epoch, top, latest } = this.#model.of(channel);
    this.#say({ type: 'snapshot', channel, reason, epoch, offset: top, count: latest.size, sequence });
    this.#sayLatest(channel);
  }

  #sayLatest(channel: string): void {
    const payloads = [...this.#model.of(channel).latest.values()];
    for (let start = 0; start < payloads.length; start += this.#model.batchSize)
      this.#batch(channel, 0, null, payloads.slice(start, start + this.#model.batchSize));
  }

  #welcome(id: unknown): void {
    const limits = { maxPayloadBytes: 65_536, maxSubscriptions: 1_000 };
    const names = { node: 'model', boot: 'b00t', connection: 'b00t-1' };
    this.#say({
      type: 'connected',
      id,
      version: 1,
      ...names,
      time: Date.now(),
      pingIntervalMs: this.#model.pingIntervalMs,
      limits,
    });
  }

  #subscribe(id: unknown, wanted: (string | Message)[]): void {
    const replays: [channel: string, kept: Kept[]][] = [];
    const snapshots: string[] = [];
    const channels = wanted.map((each) => {
      const { channel, since, last } = (typeof each === 'string' ? { channel: each } : each) as {
        channel: string;
        since?: Position;
        last?: number;
      };
      const { epoch, top, kept, latest } = this.#model.of(channel);
      const sequence = this.#sequences.get(channel) ?? 0;
      this.#sequences.set(channel, sequence);
      const snapshot = this.#model.latest ? { snapshot: latest.size } : {};
      const joined = { channel, number: 1, sequence, epoch, offset: top };
      if (this.#model.latest && (since === undefined || whyNot(since, this.#model.of(channel)) !== null))
        snapshots.push(channel);
      if (last !== undefined) replays.push([channel, kept.slice(Math.max(0, kept.length - last))]);
      if (since === undefined) return { ...joined, ...snapshot };
      const reason = whyNot(since, this.#model.of(channel));
      if (reason !== null) return { ...joined, recovered: false, reason, ...snapshot };
      replays.push([channel, kept.filter(({ offset }) => offset > since.offset)]);
      return { ...joined, recovered: true };
    });
    this.#say({ type: 'subscribed', id, channels });
    if (!this.#model.lastBeforeSnapshot) for (const channel of snapshots) this.#sayLatest(channel);
    this.#sayKept(replays);
    if (this.#model.lastBeforeSnapshot) for (const channel of snapshots) this.#sayLatest(channel);
  }

  #sayKept(replays: readonly [channel: string, kept: Kept[]][]): void {
    for (const [channel, kept] of replays)
      for (let start = 0; start < kept.length; start += this.#model.batchSize) {
        const part = kept.slice(start, start + this.#model.batchSize);
        const payloads = part.map(({ payload }) => payload);
        this.#batch(channel, 0, part.at(-1)?.offset ?? 0, payloads);
      }
  }

  #publish(message: Message): void {
    const { id, channel, idempotencyKey } = message as {
      id: number;
      channel: string;
      idempotencyKey?: string;
    };
    const payload = Object.fromEntries(Object.entries(message).filter(([name]) => !commandFields.has(name)));
    const { duplicate, ...position } = this.#model.publish(channel, payload as Payload, idempotencyKey);
    this.#say({ type: 'published', id, ...position, ...(duplicate && { duplicate }) });
  }

  /** @param offset null for a part of a snapshot */
  #batch(channel: string, sequence: number, offset: number | null, publications: object[]): void {
    const head = { type: 'batch', channel, sequence, ...(offset !== null && { offset }) };
    this.#say(publications.length === 0 ? head : { ...head, time: Date.now(), publications });
  }
}

function whyNot(since: Position, { epoch, top, kept }: History): string | null {
  if (since.epoch !== epoch) return 'epoch_changed';
  if (since.offset > top) return 'ahead';
  return since.offset < (kept[0]?.offset ?? top + 1) - 1 ? 'not_kept' : null;
}
