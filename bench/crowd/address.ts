/**
 * Addresses of IPv4, as numbers and as the kernel takes them (struct sockaddr_in).
 */

/** The family. */
export const inet = 2;

/** An IPv4 address and port as the kernel takes it. */
export function socketAddress(address: number, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, inet, true);
  view.setUint16(2, port);
  view.setUint32(4, address);
  return bytes;
}

/** `127.0.0.1` → a number. @throws RangeError for anything else than four numbers */
export function ipv4(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255)))
    throw new RangeError(`${text} is no IPv4 address`);
  return parts.reduce((address, part) => address * 256 + part, 0);
}
