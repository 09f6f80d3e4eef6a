/** How long to wait before a lost connection is dialled again. */

/** Dials are this far apart at most; the pause before each is random up to a bound that doubles. */
const maxRetryPauseMs = 1_000;

/** Full jitter, so that those who lost it together do not dial in step (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
export function retryPause(attempt: number): number {
  return Math.random() * Math.min(maxRetryPauseMs, 50 * 2 ** Math.min(attempt, 10));
}
