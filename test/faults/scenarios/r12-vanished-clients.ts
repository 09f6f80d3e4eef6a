/**
 * R12: clients vanish without a goodbye, because a link goes down. Nothing tells the node but that nothing comes any more; whatever they
 * took is given back within one idle timeout, also where something is sent to them all the time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from '../../support/leftovers.ts';
import type { TestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';
import { FarNetwork } from '../lab/far-network.ts';
import { atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const program = fileURLToPath(new URL('../lab/far-clients.ts', import.meta.url));

/** The default of `idleTimeoutMs`. */
const freedWithinMs = 40_000;
const giveUpAfterMs = 60_000;

export const vanishedClients: Scenario = {
  id: 'R12',
  fault: 'clients vanish: their link goes down',
  manner: 'waits',
  whyNot: FarNetwork.whyNot,
  async run(around) {
    const count = around.short ? 200 : 500;
    const stage = await Stage.open(around, { nodes: 2, listeners: 30, channels: 5, messagesPerSecond: 50 });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const network = FarNetwork.make();
    around.cleanUp(async () => network.remove());
    const before = await held(node);

    const url = `ws://${network.nearAddress}:${node.port}`;
    const [command = '', ...args] = [...network.within, process.execPath, '--import', 'tsx', program];
    const clients = spawn(command, [...args, url, `${count}`, ...stage.channels, 'quiet'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    endsWithUs(clients);
    around.cleanUp(async () => void clients.kill('SIGKILL'));
    const joined = once(createInterface({ input: clients.stdout }), 'line');
    const ended = once(clients, 'exit').then(([code]) => {
      throw new Error(`the clients ended with ${code}`);
    });
    await Promise.race([joined, ended]);
    ended.catch(() => {}); // From now on they may.
    const came = (await node.metric('outcry_connections_open')) - (before.get('connections') ?? 0);
    await stage.pass(2_000);

    const vanishedAt = stage.fault(`the link of ${count} clients goes down`);
    network.cut();
    const after = await until(
      () => held(node),
      (counts) => [...before].every(([what, number]) => counts.get(what) === number),
      { what: 'nothing left of those who vanished', withinMs: giveUpAfterMs },
    ).catch(() => held(node));
    const freedMs = performance.now() - vanishedAt;
    stage.healed('nothing is left of them');
    await stage.finish();
    return stage.result([
      exactly('clients that vanished', came, count),
      atMost('all that they took is given back after', freedMs, freedWithinMs, ' ms'),
      ...[...before].map(([what, number]) => exactly(`${what} afterwards`, after.get(what) ?? -1, number)),
      exactly('disconnects of those who stayed', stage.disconnects, 0),
    ]);
  },
};

/** What clients take of a node. Asked one by one, so that the asking itself takes one descriptor. */
async function held(node: TestNode): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const what of ['connections', 'subscriptions', 'channels'])
    counts.set(what, await node.metric(`outcry_${what}_open`));
  return counts.set('descriptors', readdirSync(`/proc/${node.pid}/fd`).length);
}
