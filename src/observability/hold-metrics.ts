/**
 * Metrics of holds that do not end as they should.
 *
 * @module
 */
import { Counter, Gauge, type Registry } from 'prom-client';

export type EndResult = 'kept' | 'booked' | 'given_up';

/**
 * Registers what tells of ends that wait to be booked.
 *
 * @param readings asked at every scrape
 * @returns counts one more end
 */
export function registerBookingMetrics(
  registry: Registry,
  readings: { readonly waiting: () => number; readonly oldestMs: () => number },
): (result: EndResult) => void {
  const registers = [registry];
  const ends = new Counter({
    name: 'gateway_unbooked_ends_total',
    help: 'Ends of calls that the ledger did not take at once: kept, booked after all, given up since their hold is not known.',
    labelNames: ['result'],
    registers,
  });
  new Gauge({
    name: 'gateway_unbooked_ends',
    help: 'Ends of calls that wait to be booked.',
    registers,
    collect() {
      this.set(readings.waiting());
    },
  });
  new Gauge({
    name: 'gateway_unbooked_oldest_seconds',
    help: 'How long the oldest of them has waited.',
    registers,
    collect() {
      this.set(readings.oldestMs() / 1000);
    },
  });
  return (result) => ends.labels(result).inc(1);
}

/** @returns counts unknown holds by how they ended */
export function registerLookUpMetrics(registry: Registry): (result: string) => void {
  const ended = new Counter({
    name: 'gateway_looked_up_holds_total',
    help: 'Unknown holds ended by what their provider says: settled, voided, corrected after an estimate, given up with the estimate standing.',
    labelNames: ['result'],
    registers: [registry],
  });
  return (result) => ended.labels(result).inc(1);
}

/** @returns counts holds that no call worked on any more */
export function registerLeakMetrics(registry: Registry): (holds: number) => void {
  const leaked = new Counter({
    name: 'gateway_leaked_holds_total',
    help: 'Holds that no call worked on any more and that became unknown.',
    registers: [registry],
  });
  return (holds) => leaked.inc(holds);
}
