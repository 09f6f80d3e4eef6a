/**
 * The channel in which nodes tell how they are, for the dashboard.
 *
 * A channel like any other in how it travels: a publication of each node each second, over the bridge to the nodes on which
 * somebody listens. Not like any other in who may: its namespace is closed to clients and to the API, and only the
 * admin listener has sessions for which it is open.
 *
 * Nothing is said while nobody watches. Each beat of a node says how many watch on it, so the others know within a second, also
 * that nobody does any more, whatever became of the node on which they watched.
 */
import type { Cluster } from './bridge/cluster.ts';
import type { Broadcaster } from './broadcaster.ts';
import { Publication } from './channel/publication.ts';
import type { Clock, Timer } from './clock.ts';
import { systemNamespace } from './config/namespaces.ts';
import type { Counter, Gauge } from './metrics/counter.ts';
import type { StatusReport } from './status-report.ts';

export const statusChannel = `${systemNamespace}:status`;

const periodMs = 1_000;

/** Fits a screen; the rest is the business of `/api/channels`. */
export const maxBusyChannels = 20;

export interface StatusFeedOptions {
  broadcaster: Pick<Broadcaster, 'publish'>;
  cluster: Pick<Cluster, 'nodes'>;
  /** Asked once per period while somebody watches. */
  report(): StatusReport;
  /** Nobody watches any more. */
  onUnwatched(): void;
  clock: Clock;
  metrics: { readonly viewers: Gauge; readonly reports: Counter };
}

export class StatusFeed {
  readonly #options: StatusFeedOptions;
  readonly #timer: Timer;
  #watched = false;

  constructor(options: StatusFeedOptions) {
    this.#options = options;
    this.#timer = options.clock.every(periodMs, () => this.#tick());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Says how it is now, out of turn, if somebody watches. */
  tell(): void {
    if (this.#watched) this.#publish();
  }

  #tick(): void {
    const { metrics, cluster, onUnwatched } = this.#options;
    const watched =
      metrics.viewers.value > 0 || cluster.nodes().some(({ counts }) => (counts?.viewers ?? 0) > 0);
    if (this.#watched && !watched) onUnwatched();
    this.#watched = watched;
    if (watched) this.#publish();
  }

  #publish(): void {
    const { broadcaster, metrics, report } = this.#options;
    metrics.reports.value += 1;
    broadcaster.publish(statusChannel, Publication.json(JSON.stringify(report()), Date.now()));
  }
}
