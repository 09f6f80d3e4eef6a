/**
 * What the kernel holds for everybody on this machine, sockets among it (proc(5)). Both ends of a loopback connection are
 * in it, the generator's too.
 */
import { readFileSync } from 'node:fs';

/** Bytes in slabs. */
export function slabBytes(): number {
  return memoryInfo('Slab');
}

/** Bytes that programs may still take without anything being killed. */
export function availableBytes(): number {
  return memoryInfo('MemAvailable');
}

function memoryInfo(name: string): number {
  const kB = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return Number(kB) * 1_024;
}

/** Bytes of each slab cache by its name; null if this user may not know. */
export function slabCaches(): Record<string, number> | null {
  let text: string;
  try {
    text = readFileSync('/proc/slabinfo', 'utf8');
  } catch {
    return null;
  }
  return parseSlabInfo(text);
}

/** Two lines of heading, then `name active_objs num_objs objsize …`. */
export function parseSlabInfo(text: string): Record<string, number> {
  const caches: Record<string, number> = {};
  for (const line of text.trimEnd().split('\n').slice(2)) {
    const [name, , objects, bytes] = line.split(/\s+/);
    if (name) caches[name] = Number(objects) * Number(bytes);
  }
  return caches;
}
