/**
 * Installs Debian packages that are wanted and missing. Says what and why before it begins, stays silent when nothing is
 * missing, and with OUTCRY_TEST_INSTALL=0 names the command instead.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  type DebianPackage,
  decide,
  executableFinder,
  findExecutable,
  type Machine,
} from './debian-packages.ts';

/** How often to say that apt-get is still at work. */
const progressIntervalMs = 5_000;

const find = executableFinder(process.env.PATH);

/** Returns the exit code. @param wanted packages, of which those that are missing get installed */
export async function installMissing(wanted: readonly DebianPackage[]): Promise<number> {
  const decision = decide(wanted, process.env, find, lookAround);
  if (decision.action === 'nothing') return 0;
  if (decision.action === 'refuse') {
    console.error(decision.message);
    return 1;
  }

  console.log(decision.message);
  for (const command of decision.commands) {
    const failure = await run(command);
    if (failure) {
      console.error(`${failure.output}\n${command.join(' ')}\n${failure.reason}`);
      return 1;
    }
  }

  const absent = wanted.filter((each) => !findExecutable(each, process.env, find));
  for (const { name, executables } of absent) {
    console.error(
      `apt-get installed ${name}, but there is still no ${executables.join(' or ')} on the PATH.`,
    );
  }
  return absent.length === 0 ? 0 : 1;
}

function lookAround(): Machine {
  const root = process.getuid?.() === 0 ? 'self' : maySudo() ? 'sudo' : 'none';
  return {
    platform: process.platform,
    hasAptGet: find('apt-get') !== undefined,
    root,
    install: process.env.OUTCRY_TEST_INSTALL,
  };
}

/** Tells whether sudo would work without asking for a password. */
function maySudo(): boolean {
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

/** Runs a command with its output held back; returns undefined if it succeeds, else the output and what happened. */
function run([file = '', ...args]: string[]): Promise<{ output: string; reason: string } | undefined> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const progress = setInterval(() => {
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      console.log(`  still at it after ${seconds} s`);
    }, progressIntervalMs);

    let output = '';
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => {
      clearInterval(progress);
      resolve({ output, reason: `did not start: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      clearInterval(progress);
      resolve(code === 0 ? undefined : { output, reason: `failed with ${signal ?? `exit code ${code}`}.` });
    });
  });
}
