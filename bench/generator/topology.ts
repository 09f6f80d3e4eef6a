/**
 * Which channels there are, who listens to which, and which one the next publication is for. Every process of a benchmark
 * works it out from the same few numbers and comes to the same.
 *
 * Channels are spread evenly over subscribers: with 2,000 channels and 1,000 subscribers that hear 50 each, every channel
 * has 25. Publications are spread evenly too, or by Zipf's law as in markets and chat: the second most popular channel gets
 * half as many as the first, the third a third.
 */

export interface Topology {
  channels: number;
  /** Channels of each subscriber, at most all. */
  perSubscriber: number;
  popularity: 'even' | 'zipf';
}

/** One channel that everybody hears. */
export const oneChannel: Topology = { channels: 1, perSubscriber: 1, popularity: 'even' };

/** Prime: its multiples modulo a number of channels come to all of them, unless that number is one of its own multiples. */
const stride = 7_919;

/** The channels of a subscriber, each once. */
export function channelsOf({ channels, perSubscriber }: Topology, subscriber: number): number[] {
  const heard = new Set<number>();
  for (let i = 0; i < perSubscriber; i += 1) {
    const place = subscriber * perSubscriber + i;
    // Each time that all channels have been handed out, they are handed out from elsewhere: other people meet.
    heard.add((place + Math.floor(place / channels) * stride) % channels);
  }
  return [...heard];
}

/** How many of the first `subscribers` hear each channel. */
export function audienceOf(topology: Topology, subscribers: number): number[] {
  const audience = new Array<number>(topology.channels).fill(0);
  for (let subscriber = 0; subscriber < subscribers; subscriber += 1)
    for (const channel of channelsOf(topology, subscriber)) (audience[channel] as number)++;
  return audience;
}

/** Chooses the channel of each publication. The same every time. */
export class ChannelChoice {
  readonly #topology: Topology;
  /** Share of all publications that go to a channel of this rank or a more popular one. */
  readonly #upTo: Float64Array | null;
  #count = 0;
  #random = 1;

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#upTo = topology.popularity === 'zipf' ? zipfShares(topology.channels) : null;
  }

  next(): number {
    const { channels } = this.#topology;
    const rank = this.#upTo === null ? this.#count++ : rankAt(this.#upTo, this.#draw());
    // Popular channels are spread over everybody's: neighbours in number are not neighbours in rank.
    return (rank * stride) % channels;
  }

  /** From 0 to below 1: Marsaglia's xorshift of 32 bits, good enough to draw channels. */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) / 2 ** 32;
  }
}

function zipfShares(channels: number): Float64Array {
  const upTo = new Float64Array(channels);
  let sum = 0;
  for (let rank = 0; rank < channels; rank += 1) {
    sum += 1 / (rank + 1);
    upTo[rank] = sum;
  }
  return upTo.map((share) => share / sum);
}

/** The first rank whose share reaches `share`. */
function rankAt(upTo: Float64Array, share: number): number {
  let low = 0;
  let high = upTo.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((upTo[middle] as number) > share) high = middle;
    else low = middle + 1;
  }
  return low;
}
