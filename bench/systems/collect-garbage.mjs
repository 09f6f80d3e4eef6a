/**
 * Loaded before a server that is measured: collects its garbage at SIGUSR2 and says so. Memory is compared after that,
 * and a product has no business with such a thing. For Bun, and for Node with `--expose-gc`.
 */
process.on('SIGUSR2', () => {
  const bun = /** @type {{ gc(force: boolean): void } | undefined} */ (Reflect.get(globalThis, 'Bun'));
  if (bun) bun.gc(true);
  else globalThis.gc?.();
  console.log(JSON.stringify({ msg: 'collected' }));
});
