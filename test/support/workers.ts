/**
 * The two workers of a host, each by itself: whom the kernel gives to which of them is nobody's choice.
 */
import { onTestFinished } from 'vitest';
import { Follower } from './follower.ts';
import type { TestHost, TestProcess } from './host.ts';
import { until } from './until.ts';

export async function publishAt({ adminPort }: TestProcess, channel: string, text: string): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${adminPort}/api/publish`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel, text }),
  });
  return reply.status;
}

/** Who follow a channel with history: so many, or one more for each worker that the kernel has given nobody. */
export async function followers(host: TestHost, channel: string, count: number): Promise<Follower[]> {
  const join = () => Follower.join(host.url, channel);
  const all = await Promise.all(Array.from({ length: count }, join));
  onTestFinished(async () => void (await Promise.all(all.map((each) => each.close()))));
  for (const worker of ['0', '1'])
    while ((await subscribersAt(host.process(worker), channel)) === 0) all.push(await join());
  return all;
}

async function subscribersAt({ adminPort }: TestProcess, channel: string): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${adminPort}/api/channels/${encodeURIComponent(channel)}`);
  const { subscribers } = (await reply.json()) as { subscribers: { node: number } };
  return subscribers.node;
}

/** Every worker knows the others of the host. */
export async function untilAllReady(host: TestHost): Promise<void> {
  for (const part of ['0', '1'])
    await until(
      async () => (await fetch(`http://127.0.0.1:${host.process(part).adminPort}/health/ready`)).status,
      (status) => status === 200,
      { what: `worker ${part} being ready` },
    );
}
