/**
 * What the build under test can do, by asking it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ChannelKind, channelKinds, flagsFor } from './channel-kind.ts';

const launcher = fileURLToPath(new URL('../../../bin/outcry.mjs', import.meta.url));

/** The kinds of channels whose settings it accepts. */
export function kindsOfBuild(): ChannelKind[] {
  return (Object.keys(channelKinds) as ChannelKind[]).filter((kind) => {
    const flags = flagsFor([kind]);
    return flags.length === 0 || spawnSync(process.execPath, [launcher, 'check', ...flags]).status === 0;
  });
}
