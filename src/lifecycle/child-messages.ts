/**
 * What a host and its processes say to each other, over the channel that Node opens between parent and child.
 */

/** A process of the host can do its work. */
export interface Listening {
  readonly type: 'listening';
  /** Of a worker's own admin listener, on loopback; null for the relay, which has none. */
  readonly adminPort: number | null;
}

/** Its metrics, in the Prometheus text form. */
export interface MetricsAnswer {
  readonly type: 'metrics';
  readonly id: number;
  readonly text: string;
}

export type ChildMessage = Listening | MetricsAnswer;

/** The host wants the metrics of a process. */
export interface MetricsQuestion {
  readonly type: 'metrics';
  readonly id: number;
}
