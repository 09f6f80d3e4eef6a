/**
 * The SDK: `import { connect } from 'outcry/client'`, or `from '/outcry.js'` in a page that a node serves.
 */
export {
  type Client,
  type ClientEvents,
  type ClientOptions,
  type ConnectedEvent,
  connect,
  type DisconnectedEvent,
  type PublishOptions,
} from './client.ts';
export { OutcryError, type OutcryErrorName } from './outcry-error.ts';
export { type Json, json, type PayloadKind } from './payload.ts';
export type { Published } from './pending-publications.ts';
export type { Position } from './position.ts';
export type { Publication } from './publication.ts';
export type {
  Gap,
  GapReason,
  StateReplaced,
  Subscribed,
  Subscription,
  SubscriptionEvents,
  SubscriptionOptions,
} from './subscription.ts';
export type { WebSocketConstructor, WebSocketEvent, WebSocketLike } from './web-socket.ts';
