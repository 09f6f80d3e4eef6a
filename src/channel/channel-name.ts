/**
 * The rule for channel names, and nowhere else: 1 to 200 bytes of UTF-8, no control characters.
 *
 * A name is plain data everywhere: never a pattern, a path or a key of a plain object. Names are compared code point by
 * code point; no Unicode normalisation, so two names that look alike are two channels.
 */

export const maxChannelNameBytes = 200;

/** The rule, for whoever has broken it. */
export const channelNameRule = `a channel is 1 to ${maxChannelNameBytes} bytes of UTF-8 without control characters`;

/** The channel that a plain WebSocket to `/` joins. */
export const defaultChannel = 'livechat';

const rawPrefix = '/raw/';

export function isChannelName(name: string): boolean {
  // A UTF-16 unit is at least one byte, so a name of more units is refused without being encoded.
  if (name.length === 0 || name.length > maxChannelNameBytes) return false;
  return /^\P{Cc}+$/u.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= maxChannelNameBytes;
}

/** What a request path asks for: a channel, no such path, or a path that breaks the rule. */
export type RawPath = { channel: string } | 'unknown path' | 'malformed';

/**
 * The raw room behind a path as it stood in the request line: `/` or `/raw/<channel>`.
 *
 * The channel is percent-decoded exactly once, and may contain `/`.
 */
export function parseRawPath(path: string): RawPath {
  if (path === '/') return { channel: defaultChannel };
  if (!path.startsWith(rawPrefix)) return 'unknown path';
  let channel: string;
  try {
    channel = decodeURIComponent(path.slice(rawPrefix.length));
  } catch {
    return 'malformed';
  }
  return isChannelName(channel) ? { channel } : 'malformed';
}
