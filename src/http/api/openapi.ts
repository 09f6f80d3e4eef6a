/**
 * The description of the API for programs (OpenAPI 3.1), made of the schemas that validate.
 */
import { z } from 'zod';
import {
  channelReply,
  channelsQuery,
  channelsReply,
  countsQuery,
  countsReply,
  disconnectReply,
  disconnectSchema,
  errorReply,
  linesReply,
  nodesReply,
  publishReply,
  publishSchema,
} from './schemas.ts';

export function openApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Outcry', version, description: 'The API of the admin listener; see docs/api.md.' },
    security: [{ key: [] }],
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/publish': {
        post: {
          summary: 'Publish one publication, a batch, or a stream of lines.',
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: input(publishSchema) },
              'application/msgpack': {
                schema: {
                  description:
                    '[channel, payload, idempotencyKey, key], where trailing nils may be left out, or an array of such',
                  type: 'string',
                  format: 'binary',
                },
              },
              'application/x-ndjson': {
                schema: { description: 'one publication per line', type: 'string', format: 'binary' },
              },
            },
          },
          responses: replies(z.union([publishReply, linesReply])),
        },
      },
      '/api/counts': {
        get: {
          summary:
            'Connections and subscriptions of this node and of the cluster, or subscribers of one channel.',
          parameters: parameters(countsQuery),
          responses: replies(z.union([countsReply, channelReply])),
        },
      },
      '/api/channels': {
        get: {
          summary: 'Channels with subscribers, by prefix, in pages.',
          parameters: parameters(channelsQuery),
          responses: replies(channelsReply),
        },
      },
      '/api/channels/{channel}': {
        get: {
          summary: 'Subscribers of one channel.',
          parameters: [{ name: 'channel', in: 'path', required: true, schema: { type: 'string' } }],
          responses: replies(channelReply),
        },
      },
      '/api/nodes': { get: { summary: 'The nodes of the cluster.', responses: replies(nodesReply) } },
      '/api/disconnect': {
        post: {
          summary: 'End one connection, on whichever node it is.',
          requestBody: {
            required: true,
            content: { 'application/json': { schema: input(disconnectSchema) } },
          },
          responses: replies(disconnectReply),
        },
      },
      '/api/openapi.json': {
        get: { summary: 'This description.', responses: replies(z.looseObject({})) },
      },
    },
  };
}

function replies(schema: z.ZodType): object {
  return {
    200: { description: 'done', content: { 'application/json': { schema: output(schema) } } },
    default: { description: 'refused', content: { 'application/json': { schema: output(errorReply) } } },
  };
}

function parameters(query: z.ZodObject): object[] {
  return Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: input(schema as z.ZodType),
  }));
}

function input(schema: z.ZodType): object {
  return bare(z.toJSONSchema(schema, { io: 'input' }));
}

function output(schema: z.ZodType): object {
  return bare(z.toJSONSchema(schema, { io: 'output' }));
}

/** Within a description the dialect is that of OpenAPI 3.1 anyway. */
function bare({ $schema: _dialect, ...schema }: z.core.JSONSchema.BaseSchema): object {
  return schema;
}
