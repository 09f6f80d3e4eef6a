/**
 * The connection of a native client that follows one channel, in either codec. What it makes of what it is told is up to the
 * class that extends it, and so is what breaks the promise.
 */
import { Conversation, type Fields, type Position, type Wish } from './conversation.ts';
import type { Subprotocol } from './native-client.ts';

export abstract class ChannelFollower<Standing> {
  readonly channel: string;
  /** What broke the promise. */
  readonly faults: string[] = [];
  /** The answer to the last subscribe. */
  abstract standing: Standing;
  #conversation: Conversation | null = null;
  #subscribed: () => void = () => {};

  constructor(channel: string) {
    this.channel = channel;
  }

  static async join<Follower extends ChannelFollower<unknown>>(
    this: new (
      channel: string,
    ) => Follower,
    url: string,
    channel: string,
    wish: Wish = {},
    subprotocol: Subprotocol = 'outcry.v1.json',
  ): Promise<Follower> {
    const follower = new this(channel);
    await follower.#begin(url, subprotocol);
    await follower.subscribe(wish);
    return follower;
  }

  /** Subscribes (again), and resolves with the answer. */
  async subscribe(wish: Wish = {}): Promise<Standing> {
    const answered = new Promise<void>((resolve) => {
      this.#subscribed = resolve;
    });
    this.conversation.subscribe(wish);
    await answered;
    return this.standing;
  }

  /** Reads nothing more until `read`. */
  stopReading(): void {
    this.conversation.stopReading();
  }

  read(): void {
    this.conversation.read();
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<{ code: number }> {
    return this.conversation.closed;
  }

  close(): Promise<void> {
    return this.conversation.close();
  }

  protected get conversation(): Conversation {
    return this.#conversation as Conversation;
  }

  /** Every message that answers no publish; a `subscribed` has to leave its `standing`. */
  protected abstract hear(message: Fields): void;

  async #begin(url: string, subprotocol: Subprotocol): Promise<void> {
    this.#conversation = await Conversation.begin(url, this.channel, subprotocol, (message) => {
      this.hear(message);
      if (message.type === 'subscribed') this.#subscribed();
    });
  }
}

/** Where a message says that the channel stands. */
export function positionOf({ epoch, offset }: Fields): Position {
  return { epoch, offset };
}
