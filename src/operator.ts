/**
 * What the operator of a cluster may ask and order: how much there is on this node and on all, who listens to what, and
 * the end of one connection, wherever it is. It answers the same questions to the other nodes.
 */
import type { Bridge } from './bridge/bridge.ts';
import type { Cluster, LocalNode } from './bridge/cluster.ts';
import type { Hub } from './channel/hub.ts';
import { firstChannels, mergeChannels } from './channel/listing.ts';
import type { Position } from './channel/position.ts';
import { closeCodes } from './close-codes.ts';
import type { Connections } from './connection/connections.ts';
import type { History } from './history/history.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { NodeCounts, NodeState } from './protocol/beat.ts';
import type { Answer, ChannelCount, Question } from './protocol/control.ts';

export interface OperatorOptions {
  nodeId: string;
  bootId: string;
  hub: Pick<Hub, 'channels' | 'subscribers'>;
  connections: Pick<Connections, 'find'>;
  readiness: { readonly state: NodeState };
  metrics: Pick<Metrics, 'connectionsOpen' | 'channelsOpen' | 'subscriptionsOpen' | 'dashboard'>;
  cluster: Cluster;
  bridge: Pick<Bridge, 'state'>;
  /** Null if no channel of this node has a history. */
  history: Pick<History, 'top'> | null;
  keepsHistory(channel: string): boolean;
}

/** What an operator is told of them. */
export type Totals = Omit<NodeCounts, 'state' | 'viewers'>;

/** A node of the cluster, this one or another. */
export interface NodeReport {
  readonly node: string;
  readonly boot: string;
  /** Null for a node that does not tell. */
  readonly state: NodeState | null;
  readonly counts: Totals | null;
  /** 0 for this node. */
  readonly lastBeatAgeMs: number;
}

/** A part of the channels, and whether it is all there is. */
export interface ChannelPage {
  readonly prefix: string;
  /** The last name of the page before, or empty. */
  readonly after: string;
  readonly limit: number;
}

/** What was found, and whether all nodes have said so. */
export interface Found<Value> {
  readonly value: Value;
  readonly complete: boolean;
}

/** - `unknown`: the node that may have it did not answer. */
export type Disconnection = 'disconnected' | 'not there' | 'unknown';

export class Operator implements LocalNode {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
    options.cluster.represent(this);
  }

  /** With its state, for the other nodes. */
  counts(): NodeCounts {
    const { readiness, metrics } = this.#options;
    return { ...this.countsHere(), state: readiness.state, viewers: metrics.dashboard.viewers.value };
  }

  countsHere(): Totals {
    const { connectionsOpen, channelsOpen, subscriptionsOpen } = this.#options.metrics;
    return {
      connections: connectionsOpen.value,
      channels: channelsOpen.value,
      subscriptions: subscriptionsOpen.value,
    };
  }

  answer(question: Question): Answer {
    switch (question.type) {
      case 'subscribers':
        return { value: this.subscribersHere(question.channel), channels: [] };
      case 'channels':
        return { value: 0, channels: this.channelsHere(question) };
      case 'disconnect':
        return { value: this.#disconnectHere(question.connection, question.comeBack) ? 1 : 0, channels: [] };
    }
  }

  /** False while it is not known who else is there now. */
  get reachesOthers(): boolean {
    return this.#options.bridge.state === 'connected';
  }

  /** All nodes that are known, this one first. */
  nodes(): NodeReport[] {
    const { nodeId, bootId, cluster } = this.#options;
    const here = { nodeId, bootId, counts: this.counts(), lastBeatAgeMs: 0 };
    return [here, ...cluster.nodes()].map(({ nodeId, bootId, counts, lastBeatAgeMs }) => {
      const { state = null, viewers: _, ...numbers } = counts ?? {};
      return {
        node: nodeId,
        boot: bootId,
        state,
        counts: counts === null ? null : (numbers as Totals),
        lastBeatAgeMs,
      };
    });
  }

  subscribersHere(channel: string): number {
    return this.#options.hub.subscribers(channel);
  }

  async subscribers(channel: string): Promise<Found<number>> {
    const { answers, complete } = await this.#options.cluster.ask({ type: 'subscribers', channel });
    return {
      value: answers.reduce((sum, { value }) => sum + value, this.subscribersHere(channel)),
      complete,
    };
  }

  /** Where a channel stands; null if it has no history, or none that can be asked now. */
  async position(channel: string): Promise<Position | null> {
    const { history, keepsHistory } = this.#options;
    return history !== null && keepsHistory(channel) ? await history.top(channel) : null;
  }

  channelsHere(page: ChannelPage): ChannelCount[] {
    return firstChannels(this.#options.hub.channels(), page);
  }

  async channels(page: ChannelPage): Promise<Found<ChannelCount[]>> {
    const { answers, complete } = await this.#options.cluster.ask({ type: 'channels', ...page });
    const lists = [this.channelsHere(page), ...answers.map(({ channels }) => channels)];
    return { value: mergeChannels(lists, page.limit), complete };
  }

  /** Ends a connection by its id, `<boot id>-<serial>`; with `comeBack` its client may try again at once. */
  async disconnect(connection: string, comeBack: boolean): Promise<Disconnection> {
    const { bootId, cluster } = this.#options;
    const owner = connection.slice(0, connection.lastIndexOf('-'));
    if (owner === bootId) return this.#disconnectHere(connection, comeBack) ? 'disconnected' : 'not there';
    if (!cluster.nodes().some((node) => node.bootId === owner)) return 'not there';
    const { answers } = await cluster.ask({ type: 'disconnect', connection, comeBack }, owner);
    const [answer] = answers;
    if (answer === undefined) return 'unknown';
    return answer.value === 1 ? 'disconnected' : 'not there';
  }

  #disconnectHere(id: string, comeBack: boolean): boolean {
    const connection = this.#options.connections.find(id);
    connection?.close(comeBack ? closeCodes.disconnectedToComeBack : closeCodes.disconnected, 'disconnected');
    return connection !== null;
  }
}
