/**
 * Errors that are meant to be read by people.
 *
 * A `UserError` is a mistake of whoever runs the program: it is printed as one sentence, without a stack trace.
 * Everything else that is thrown is a bug of ours and keeps its trace.
 */

/** Exit codes of every command, as listed in `--help`. */
export const exitCodes = {
  ok: 0,
  /** The program met a failure at run time. */
  failure: 1,
  /** A flag, a setting or the command line is wrong; nothing was started. */
  usage: 2,
  /** A port is taken or an address cannot be bound. */
  cannotListen: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A mistake that the person at the keyboard can mend. The message says what is wrong and what is allowed. */
export class UserError extends Error {
  override readonly name = 'UserError';

  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
