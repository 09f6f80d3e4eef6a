/**
 * Loaded before a server that is measured: collects its garbage at SIGUSR2 and says so. Memory is compared after that,
 * and a product has no business with such a thing. For Bun, and for Node with `--expose-gc`.
 *
 * Node's young generation grows in steps of megabytes and never shrinks, empty as it is after a collection. It comes with
 * how fast objects were made, not with how many there are, so its size is told and can be left out.
 */
import { getHeapSpaceStatistics } from 'node:v8';

const bun = /** @type {{ gc(force: boolean): void } | undefined} */ (Reflect.get(globalThis, 'Bun'));

process.on('SIGUSR2', () => {
  if (bun) bun.gc(true);
  else globalThis.gc?.();
  console.log(JSON.stringify({ msg: 'collected', youngBytes: bun ? 0 : youngBytes() }));
});

function youngBytes() {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  return young?.physical_space_size ?? 0;
}
