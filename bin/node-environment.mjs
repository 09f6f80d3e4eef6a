/**
 * The environment of a node on Node: one in which memory that is freed is given back.
 *
 * glibc asks the kernel for each piece above 128 KiB, and gives it back at once, until it has done so for the first time: from then on it
 * takes such pieces, up to 32 MiB, from its heap, where what stays keeps the rest from being given back (`mallopt(3)`, M_MMAP_THRESHOLD).
 * What waits for slow clients lies in such pieces. After a flood of them was over, 229 of 244 MB stayed, above the bound at which newcomers
 * are refused, so that the node took none any more; with a threshold that stays, 151 of 260 MB (`npm run faults -- --only R17`). Bun has
 * an allocator of its own.
 *
 * @param {Readonly<Record<string, string | undefined>>} environment whose own choice is kept
 */
export function nodeEnvironment(environment) {
  return { MALLOC_MMAP_THRESHOLD_: '131072', ...environment };
}
