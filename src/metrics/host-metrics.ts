/**
 * What is counted of a host with several workers, by the process that keeps them running.
 */
import { Gauge, LabelledCounter, type Metric } from './counter.ts';

export class HostMetrics {
  readonly workers = new Gauge('outcry_workers', 'Workers that this host should have.');
  readonly workersListening = new Gauge('outcry_workers_listening', 'Workers that listen now.');
  readonly restarts = new LabelledCounter(
    'outcry_process_restarts_total',
    'Times that a process of this host ended and was started again.',
    'process',
    ['worker', 'relay'],
  );

  all(): Metric[] {
    return Object.values(this);
  }
}
