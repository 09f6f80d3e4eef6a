/**
 * Topics: who gets what was published, in which order, whatever happens in the same turn of the loop.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Command, close, during, publish, send, subscribe, terminate, unsubscribe } from './commands.ts';
import { differences } from './differences.ts';
import { type Connected, HostProcess } from './host-process.ts';

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start();
});
afterAll(() => host.stop());

const subscribed = async (topic: string): Promise<Connected> => {
  const socket = await host.connect();
  await host.turn(subscribe(socket, topic));
  return socket;
};

/** Everything that is sent to a socket up to a mark, which is sent now. */
const untilNow = async (socket: Connected): Promise<string[]> => {
  await host.turn(send(socket, 'now'));
  return await untilMark(socket, 'now');
};

describe('a payload that is published', () => {
  it('reaches every subscriber and nobody else', async () => {
    const [one, two] = [await subscribed('a'), await subscribed('a')];
    const [other, none] = [await subscribed('b'), await host.connect()];
    await host.turn(publish('a', 'x'));
    expect(await Promise.all([one, two, other, none].map(untilNow))).toEqual([['x'], ['x'], [], []]);
  });

  it('is answered with a hint at how it went', async () => {
    const socket = await subscribed('hint');
    const { published } = differences;
    expect(await host.turn(publish('hint', 'x'), publish('nobody', 'x'))).toEqual([published, 'dropped']);
    expect(await host.turn(unsubscribe(socket, 'hint'), publish('hint', 'x'))).toEqual([null, 'dropped']);
  });

  it('may be empty', async () => {
    const socket = await subscribed('empty');
    const results = await host.turn(
      publish('empty', ''),
      publish('empty', new Uint8Array(0)),
      publish('nobody', ''),
    );
    expect(results).toEqual(['buffered', 'buffered', 'dropped']);
    expect(await socket.client.next()).toEqual({ text: true, data: Buffer.alloc(0) });
    expect(await socket.client.next()).toEqual({ text: false, data: Buffer.alloc(0) });
  });

  it('reaches a socket once that subscribed twice, and not at all after it left once', async () => {
    const socket = await subscribed('twice');
    await host.turn(subscribe(socket, 'twice'), publish('twice', '1'));
    await host.turn(unsubscribe(socket, 'twice'), publish('twice', '2'));
    expect(await untilNow(socket)).toEqual(['1']);
  });

  it.each(['*', '#', 'a/b', '__proto__', 'anchor', 'ü', '\u0001', 'x'.repeat(1_000)])(
    'finds the topic %j',
    async (topic) => {
      const [inside, outside] = [await subscribed(topic), await host.connect()];
      await host.turn(unsubscribe(outside, 'another'), publish(topic, topic));
      expect(await untilNow(inside)).toEqual([topic]);
      expect(await untilNow(outside)).toEqual([]);
    },
  );

  it('does not reach sockets that have closed', async () => {
    const [gone, stays] = [await subscribed('some leave'), await subscribed('some leave')];
    await gone.client.close();
    await host.event('closed', gone);
    await host.turn(publish('some leave', 'x'));
    expect(await untilNow(stays)).toEqual(['x']);
  });

  it('reaches the others when it is published while a subscriber closes', async () => {
    const [leaves, stays] = [await subscribed('last words'), await subscribed('last words')];
    await host.turn(during(leaves, 'closed', publish('last words', 'gone')));
    await leaves.client.close();
    await host.event('ran', leaves);
    expect(await untilNow(stays)).toEqual(['gone']);
  });
});

describe('in one turn', () => {
  it('unsubscribing after a publish, from the last topic too, keeps what was published', async () => {
    const socket = await subscribed('leave');
    await host.turn(publish('leave', 'before'), unsubscribe(socket, 'leave'), publish('leave', 'after'));
    expect(await untilNow(socket)).toEqual(['before']);
  });

  it('subscribing after a publish misses it', async () => {
    const socket = await host.connect();
    await host.turn(publish('join', 'before'), subscribe(socket, 'join'), publish('join', 'after'));
    expect(await untilNow(socket)).toEqual(['after']);
  });

  it('leaving and joining again around a publish neither loses nor doubles', async () => {
    const socket = await subscribed('again');
    await host.turn(
      publish('again', '1'),
      unsubscribe(socket, 'again'),
      subscribe(socket, 'again'),
      publish('again', '2'),
      unsubscribe(socket, 'again'),
      publish('again', '3'),
      subscribe(socket, 'again'),
    );
    expect(await untilNow(socket)).toEqual(['1', '2']);
  });

  it('what is sent and what is published arrive in the order of the calls, large ones too', async () => {
    const socket = await subscribed('mixed');
    const large = 'x'.repeat(17_000);
    await host.turn(
      publish('mixed', '1'),
      send(socket, '2'),
      publish('mixed', large),
      send(socket, '3'),
      send(socket, large),
      publish('mixed', '4'),
    );
    expect(await untilNow(socket)).toEqual(['1', '2', large, '3', large, '4']);
  });

  it('so they do inside a handler', async () => {
    const socket = await subscribed('inside');
    const commands = [send(socket, '1'), publish('inside', '2'), send(socket, '3'), publish('inside', '4')];
    await host.turn(during(socket, 'received', ...commands));
    socket.client.send('go');
    await host.event('ran', socket);
    expect(await untilNow(socket)).toEqual(['1', '2', '3', '4']);
  });

  it('a socket may be spoken to as soon as it is opened', async () => {
    const name = host.newName();
    const commands = [send({ name }, '1'), subscribe({ name }, 'early'), publish('early', '2')];
    await host.turn(during({ name }, 'opened', ...commands));
    const socket = await host.connect({ name });
    expect(await untilNow(socket)).toEqual(['1', '2']);
  });

  it('a close comes behind everything that was published and sent before it', async () => {
    const socket = await subscribed('close');
    await host.turn(
      publish('close', '1'),
      send(socket, '2'),
      publish('close', '3'),
      close(socket, 4_000),
      publish('close', '4'),
    );
    expect(await untilEnd(socket)).toEqual(['1', '2', '3']);
    expect((await socket.client.closed).code).toBe(4_000);
  });

  it('terminating after a publish ends the connection, with or without what was published', async () => {
    const socket = await subscribed('terminate');
    await host.turn(send(socket, '1'), publish('terminate', '2'), terminate(socket));
    const { publishedBeforeTerminate } = differences;
    expect(await untilEnd(socket)).toEqual(publishedBeforeTerminate === 'delivered' ? ['1', '2'] : ['1']);
    expect((await socket.client.closed).code).toBe(1_006);
  });

  it('any interleaving gives every socket exactly what was meant for it, in order', async () => {
    const sockets = [await host.connect(), await host.connect()];
    const [topics, sizes] = [
      ['left', 'right'],
      [1, 100, 17_000],
    ];
    const step = fc.record({
      verb: fc.constantFrom('publish', 'send', 'subscribe', 'unsubscribe'),
      socket: fc.constantFrom(...sockets),
      topic: fc.constantFrom(...topics),
      size: fc.constantFrom(...sizes),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 80, size: 'max' }), { maxLength: 3 }),
        async (turns) => {
          const model = new Model(sockets);
          const reset = sockets.flatMap((socket) => topics.map((topic) => unsubscribe(socket, topic)));
          await host.turn(...reset);
          const lines = turns.map((steps) => steps.map((each) => model.take(each)));
          // All lines at once: some turns then follow each other without a pause.
          await Promise.all(lines.map((commands) => host.turn(...commands)));
          for (const socket of sockets) expect(await untilNow(socket)).toEqual(model.expected.get(socket));
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('more than a runtime gathers for one socket arrives whole and in order', async () => {
  const socket = await subscribed('many');
  const payloads = Array.from({ length: 500 }, (_, i) =>
    String(i).padStart(i % 50 === 49 ? 17_000 : 10, '0'),
  );
  await host.turn(...payloads.map((payload) => publish('many', payload)));
  expect(await untilNow(socket)).toEqual(payloads);
});

it('200 clients with topics of their own and one in common get all of theirs in order', async () => {
  const sockets = await Promise.all(Array.from({ length: 200 }, () => host.connect()));
  await host.turn(
    ...sockets.flatMap((socket) => [subscribe(socket, 'common'), subscribe(socket, socket.name)]),
  );
  for (let round = 0; round < 10; round += 1) {
    const own = sockets.map((socket) => publish(socket.name, `${socket.name} ${round}`));
    await host.turn(publish('common', `before ${round}`), ...own, publish('common', `after ${round}`));
  }
  for (const socket of sockets) {
    const rounds = Array.from({ length: 10 }, (_, round) => round);
    expect(await untilNow(socket)).toEqual(
      rounds.flatMap((round) => [`before ${round}`, `${socket.name} ${round}`, `after ${round}`]),
    );
  }
  await Promise.all(sockets.map(({ client }) => client.close()));
});

interface Step {
  verb: string;
  socket: Connected;
  topic: string;
  size: number;
}

/** What each socket should get. Payloads are numbered. */
class Model {
  readonly expected: Map<Connected, string[]>;
  readonly #topics: Map<Connected, Set<string>>;
  #next = 0;

  constructor(sockets: readonly Connected[]) {
    this.expected = new Map(sockets.map((socket) => [socket, []]));
    this.#topics = new Map(sockets.map((socket) => [socket, new Set<string>()]));
  }

  take({ verb, socket, topic, size }: Step): Command {
    switch (verb) {
      case 'subscribe':
        this.#topics.get(socket)?.add(topic);
        return subscribe(socket, topic);
      case 'unsubscribe':
        this.#topics.get(socket)?.delete(topic);
        return unsubscribe(socket, topic);
      case 'send': {
        const payload = this.#payload(size);
        this.expected.get(socket)?.push(payload);
        return send(socket, payload);
      }
      default: {
        const payload = this.#payload(size);
        for (const [each, topics] of this.#topics)
          if (topics.has(topic)) this.expected.get(each)?.push(payload);
        return publish(topic, payload);
      }
    }
  }

  #payload(size: number): string {
    this.#next += 1;
    return String(this.#next).padStart(size, '0');
  }
}

async function untilMark({ client }: Connected, mark: string): Promise<string[]> {
  const texts: string[] = [];
  for (let text = await client.text(); text !== mark; text = await client.text()) texts.push(text);
  return texts;
}

async function untilEnd({ client }: Connected): Promise<string[]> {
  await client.closed;
  const texts: string[] = [];
  for (;;) {
    const text = await client.text().catch(() => null);
    if (text === null) return texts;
    texts.push(text);
  }
}
