/**
 * Waiting for another process: there is no event for "it answers now", so it is asked, often.
 */
import { exitCodes, UserError } from '../../src/errors.ts';
import type { Child } from './child.ts';

const askEveryMs = 25;
const giveUpAfterMs = 15_000;
/** An answer that takes longer is a "not yet": who accepts and stays silent must not end the asking. */
const answerWithinMs = 1_000;

/**
 * Resolves when `ready` does with true; a rejection counts as "not yet".
 *
 * @param child who is asked; its end ends the waiting
 * @throws UserError with the child's last words
 */
export async function untilReady(child: Child, ready: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  while (!(await within(answerWithinMs, ready()).catch(() => false))) {
    if (!child.running) throw new UserError(lastWords(child, await child.exited), exitCodes.failure);
    if (performance.now() > giveUpAt)
      throw new UserError(
        `${child.name} was not ready after ${giveUpAfterMs / 1000} s${quoted(child)}`,
        exitCodes.failure,
      );
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}

/** One sentence about a process that is gone, and what it said last. */
function lastWords(child: Child, code: number): string {
  return `${child.name} ended with ${code} before it was ready${quoted(child)}`;
}

function quoted({ lines }: Child): string {
  return lines.length === 0 ? '' : `:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The answer, or false if it takes longer. */
async function within(ms: number, answer: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
