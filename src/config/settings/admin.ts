/** The admin listener: the API, metrics and the health routes. */
import { integer, optionalText, type Setting, text } from '../setting.ts';

export const adminSettings = {
  adminHost: text({
    default: '127.0.0.1',
    max: 255,
    sentence:
      'Address of the admin listener: the API, metrics and the health routes. Off loopback it demands `adminKey`.',
  }),
  adminPort: integer({
    default: 8081,
    min: 0,
    max: 65_535,
    sentence: 'Port of the admin listener; 0 takes any free one and says which in the log.',
  }),
  adminKey: optionalText({
    min: 16,
    max: 256,
    secret: true,
    sentence: 'Key that requests to the admin listener must carry as `Authorization: Bearer KEY`.',
  }),
  maxApiBodyBytes: integer({
    default: 1_048_576,
    min: 1_024,
    max: 67_108_864,
    unit: 'bytes',
    sentence:
      'Longest body of a request to the API, or longest line of a stream of publications; a longer one gets 413 before it is read.',
  }),
  maxApiRequests: integer({
    default: 256,
    min: 1,
    max: 65_536,
    unit: 'requests',
    sentence: 'Requests to the API that may be under way at once; further ones get 429.',
  }),
} as const satisfies Record<string, Setting>;
