/**
 * Loads uWebSockets.js, or says why it cannot be loaded. The only file that does.
 *
 * Its own package is not on the npm registry, so it is an optional peer dependency. Where its native part does not fit the
 * Node version, a repackaging falls back to an imitation in JavaScript, which is another program with other faults:
 * refused.
 */
import { createRequire } from 'node:module';
import type uws from 'uWebSockets.js';
import { exitCodes, UserError } from '../errors.ts';

export type { uws };
export type Uws = typeof uws;

/**
 * Bytes of request line and headers that it takes. Above every `maxUrlBytes` and `maxHeaderBytes`, so that those are
 * answered and counted by us; its own default is 4 KiB. It is read from the environment, at load; 20.30 does not know it
 * yet and keeps 4 KiB for heads that come in pieces.
 */
const requestHeadBytes = 32_768;

/** @throws UserError when it is not installed, or its native part does not fit this Node */
export function loadUws(): Uws {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(requestHeadBytes);
  const require = createRequire(import.meta.url);
  const { warn } = console;
  let library: Uws;
  try {
    // A repackaging announces its imitation in many words; ours below says it in one sentence.
    console.warn = () => {};
    library = require('uWebSockets.js');
  } catch (error) {
    throw new UserError(
      `the Node runtime needs uWebSockets.js, which cannot be loaded (${firstLine(error)}); install its official tag, or run on Bun`,
      exitCodes.failure,
    );
  } finally {
    console.warn = warn;
  }
  if (!isNative(library.App))
    throw new UserError(
      `the installed uWebSockets.js has no native part for Node ${process.versions.node}; install a version that has, use another Node, or run on Bun`,
      exitCodes.failure,
    );
  return library;
}

function isNative(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value))
  );
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
