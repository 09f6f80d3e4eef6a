/**
 * `npm run cluster`: the whole demo on this machine without Docker, from the same haproxy/haproxy.cfg.
 *
 * Exit codes as everywhere: 0 ended on request, 1 failure, 2 wrong usage, 3 a port is taken.
 */
import type { Server } from 'node:net';
import { systemClock } from '../src/clock.ts';
import { exitCodes, UserError } from '../src/errors.ts';
import { signalHandler } from '../src/lifecycle/signals.ts';
import { Cluster } from './cluster/cluster.ts';
import { prefixed, table } from './cluster/console.ts';
import { listenForOrders, orderRoll } from './cluster/control.ts';
import { type ClusterOptions, parseOptions } from './cluster/options.ts';

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if ('help' in options) process.stdout.write(options.help);
  else if (options.order === 'roll') await orderRoll(options.port, (line) => console.log(line));
  else await runCluster(options);
  process.exitCode = exitCodes.ok;
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message.replace(/^(?! )/gm, 'cluster: '));
  process.exitCode = error.exitCode;
}

/** Resolves when the cluster has ended because somebody asked for it. */
async function runCluster(options: ClusterOptions): Promise<void> {
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const names: string[] = [];
  let held: string[] | null = []; // until the table stands
  let ending = false;

  const say = (text: string) => {
    if (held === null) console.log(text);
    else held.push(text);
  };
  const cluster = await Cluster.prepare(options, {
    line(name, line) {
      if (!names.includes(name)) names.push(name);
      say(prefixed(name, line, names.indexOf(name), colour));
    },
    died(name, code) {
      say(prefixed('cluster', `${name} has ended with ${code}; it stays away`, names.length, colour));
    },
  });

  const roll = (tell: (line: string) => void) =>
    cluster.roll((line) => {
      say(prefixed('cluster', line, names.length, colour));
      tell(line);
    });
  let orders: Server | null = null;

  const asked = new Promise<void>((resolve) => {
    const onSignal = signalHandler(systemClock, {
      stop(signal) {
        ending = true;
        say(prefixed('cluster', `${signal}: ending everything`, names.length, colour));
        orders?.close();
        void cluster.stop().then(resolve);
      },
      exitNow: () => cluster.kill(),
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
    process.stdout.on('error', () => onSignal('SIGHUP')); // Whoever read us is gone.
  });

  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  if (!ending) {
    orders = await listenForOrders(cluster.port, roll);
    console.log(`${table(cluster.parts)}\n`);
    console.log(
      `Open ${cluster.url} in two tabs; kill a process to see what it does; npm run cluster -- roll replaces the nodes; Ctrl-C ends all.\n`,
    );
  }
  for (const line of held ?? []) console.log(line);
  held = null;
  await asked;
}
