/**
 * Waits for something that only shows when one looks: asks again until it holds, and fails with what it saw last.
 */
export async function until<T>(
  look: () => Promise<T> | T,
  holds: (seen: T) => boolean,
  { withinMs = 20_000, what = 'it' } = {},
): Promise<T> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > giveUpAt)
      throw new Error(`${what} did not come true within ${withinMs} ms; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 10)); // Between two looks, not for an event.
  }
}
