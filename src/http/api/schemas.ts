/**
 * What the API takes and gives, as schemas: requests are validated by them and `/api/openapi.json` is made of them.
 *
 * Publications are read by `publication-reader.ts`, which keeps their bytes and is quick; a test holds it against the schema
 * here, and where it finds a flaw in the shape, the schema says which.
 */
import { z } from 'zod';
import { maxChannelNameBytes } from '../../channel/channel-name.ts';
import { nodeStates } from '../../protocol/beat.ts';
import { maxIdempotencyKeyLength } from '../../protocol/command.ts';
import { maxListedChannels } from '../../protocol/control.ts';
import { errorNames } from '../../protocol/error-codes.ts';
import { maxKeyLength } from '../../protocol/messages.ts';

/** Publications in one batch. */
export const maxBatch = 10_000;

const channel = z
  .string()
  .min(1)
  .max(maxChannelNameBytes)
  .describe(`1 to ${maxChannelNameBytes} bytes of UTF-8, no control characters`);

/** Any value at all; `undefined` is a field that is absent. */
const anyJson = z.unknown().refine((value) => value !== undefined);

const idempotencyKey = z
  .string()
  .min(1)
  .max(maxIdempotencyKeyLength)
  .optional()
  .describe(
    'publishes nothing if the key was used in this channel within the last five minutes (without history: `idempotencyWindowMs`)',
  );

const key = z
  .string()
  .min(1)
  .max(maxKeyLength)
  .describe('in a channel with the latest values: whose newest value this is');

/** What every publication may have besides its payload. */
const common = {
  channel,
  idempotencyKey,
  key: key.optional(),
  deleted: z.literal(false).optional(),
};

const publicationSchema = z
  .union([
    z.object({ ...common, json: anyJson.describe('any JSON value, at most 64 levels deep') }),
    z.object({ ...common, text: z.string() }),
    z.object({ ...common, binary: z.base64() }),
    z.object({
      ...{ channel, idempotencyKey, key, deleted: z.literal(true).describe('the key has no value any more') },
      ...{ json: z.never().optional(), text: z.never().optional(), binary: z.never().optional() },
    }),
  ])
  .describe('one publication, with exactly one of json, text and binary; or the deletion of a key');

const batchSchema = z.object({ publications: z.array(publicationSchema).min(1).max(maxBatch) });

export const publishSchema = z.union([publicationSchema, batchSchema]);

export const disconnectSchema = z.strictObject({
  connection: z.string().min(1).max(64).describe('as in the native "connected" message'),
  comeBack: z
    .boolean()
    .default(false)
    .describe('true: closed with 4002, the client may try again; false: 4502, it may not'),
});

export const countsQuery = z.strictObject({ channel: channel.optional() });

export const channelsQuery = z.strictObject({
  prefix: z.string().max(maxChannelNameBytes).default(''),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(maxListedChannels))
    .default(100),
  cursor: z.string().max(maxChannelNameBytes).default('').describe('`cursor` of the page before'),
  scope: z.enum(['cluster', 'node']).default('cluster'),
});

const count = z.int().min(0);
const complete = z.boolean().describe('false when a node did not answer within a second, or is out of reach');

export const errorReply = z.object({
  error: z.object({ code: z.int(), name: z.enum(errorNames), message: z.string() }),
});

const receipt = z.object({
  epoch: z.string().optional(),
  offset: count.optional(),
  duplicate: z.literal(true).optional().describe('its key was used before, so nothing was published now'),
});

export const publishReply = z.object({
  published: count,
  ...receipt.shape,
  positions: z
    .array(receipt.nullable())
    .optional()
    .describe(
      'of a batch, in its order; null where there is nothing to say, as for channels without history',
    ),
});

export const linesReply = z.object({
  published: count,
  refused: count,
  unknown: count.describe('published here, and nobody knows whether on the other nodes'),
  errors: z
    .array(z.object({ line: z.int(), code: z.int(), name: z.enum(errorNames), message: z.string() }))
    .describe('the first of the lines that were refused'),
  positions: z
    .array(z.object({ channel: z.string(), epoch: z.string(), offset: count }))
    .optional()
    .describe('where the last publication of each channel with history is, of the first 100 such channels'),
});

const nodeCounts = z.object({ connections: count, channels: count, subscriptions: count });

export const countsReply = z.object({
  node: nodeCounts,
  cluster: z.object({ nodes: count, connections: count, subscriptions: count, complete }),
});

export const channelReply = z.object({
  channel: z.string(),
  subscribers: z.object({ node: count, cluster: count }),
  epoch: z
    .string()
    .optional()
    .describe('with offset, where the channel stands, if it has a history that can be asked'),
  offset: count.optional(),
  complete,
});

export const channelsReply = z.object({
  channels: z.array(z.object({ channel: z.string(), subscribers: count })),
  cursor: z.string().nullable().describe('for the next page; null when this was the last'),
  complete,
});

export const nodesReply = z.object({
  nodes: z.array(
    z.object({
      node: z.string(),
      boot: z.string(),
      state: z.enum(nodeStates).nullable().describe('as its health route says; null if it does not tell'),
      counts: nodeCounts.nullable(),
      lastBeatAgeMs: count,
    }),
  ),
});

export const disconnectReply = z.object({ disconnected: z.literal(true) });
