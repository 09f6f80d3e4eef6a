/**
 * How many connections a process of a crowd can hold.
 */

/** Descriptors of a process that are no connections. */
const reservedDescriptors = 200;

/** Above every descriptor that a process of a crowd may get. */
export const mostDescriptors = 65_536;

/** Connections that a process can hold below that limit of descriptors. */
export function connectionsPerProcess(descriptorLimit: number): number {
  return Math.max(1, Math.min(descriptorLimit, mostDescriptors) - reservedDescriptors);
}
