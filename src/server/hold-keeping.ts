/**
 * What looks after holds beside the calls that made them: ends that wait to be booked, holds that nobody works on.
 *
 * @module
 */
import type { LoadedConfig } from '../config/index.ts';
import { formatUsd } from '../contracts/money.ts';
import type { Clock, Gateway } from '../gateway/gateway.ts';
import { Bookings } from '../gateway/holds/bookings.ts';
import { askProviders } from '../gateway/holds/ask-providers.ts';
import { InFlight } from '../gateway/holds/in-flight.ts';
import { LeakWatch } from '../gateway/holds/leak-watch.ts';
import { UnknownHolds } from '../gateway/holds/unknown-holds.ts';
import type { Recorder } from '../gateway/recorder.ts';
import type { OpenHoldView } from '../metering/ledger-operations-port.ts';
import type { MeteringStore } from '../metering/ports.ts';
import type { CallEnd } from '../metering/unbooked-port.ts';
import {
  registerBookingMetrics,
  registerLeakMetrics,
  registerLookUpMetrics,
} from '../observability/hold-metrics.ts';
import type { GatewayMetrics } from '../observability/metrics.ts';

/** Holds that an alert names. */
const HOLDS_SHOWN = 5;

/** What the log says of an end, so that an operator could book it by hand. */
function contextOf({ type, command }: CallEnd, step: string): Record<string, string> {
  const { holdId, request } = command;
  const cost = formatUsd(request.costNanoUsd);
  return { step, requestId: request.requestId, holdId, end: type, cost };
}

/** What calls need of it. */
export function openHoldParts(
  { config }: LoadedConfig,
  parts: {
    readonly store: MeteringStore;
    readonly clock: Clock;
    readonly recorder: Recorder;
    readonly metrics: GatewayMetrics;
  },
): Pick<Gateway, 'inFlight' | 'bookings'> {
  const { store, clock, recorder, metrics } = parts;
  const inFlight = new InFlight();
  const count = registerBookingMetrics(metrics.registry, {
    waiting: () => bookings.waiting,
    oldestMs: () => bookings.oldestMs,
  });
  const bookings = new Bookings({
    ledger: () => store.ledger,
    monotonicMs: () => clock.monotonicMs(),
    random: Math.random,
    capacity: config.metering.holds.unbookedMax,
    report: {
      kept(end, error) {
        count('kept');
        recorder.fault(error, contextOf(end, 'booking waits'));
      },
      booked: () => count('booked'),
      unknown(end, error) {
        count('given_up');
        recorder.fault(error, contextOf(end, 'booking given up'));
      },
    },
  });
  inFlight.register((holdId) => bookings.has(holdId));
  return { inFlight, bookings };
}

/** Tells the operator, in the log and by an alert. */
function tellLeak({ store, clock, recorder }: Gateway, holds: readonly OpenHoldView[]): void {
  const first = holds.slice(0, HOLDS_SHOWN);
  const ids = first.map(({ holdId }) => holdId).join(', ');
  const error = new Error(`${holds.length} open holds belonged to no call: ${ids}`);
  recorder.fault(error, { task: 'leaked holds' });
  const raised = store.alerting.alerts.raise({
    kind: 'leaked_holds',
    severity: 'critical',
    customerId: null,
    key: `leaked_holds:${first[0]?.holdId ?? ''}`,
    atMs: clock.nowMs(),
    endsAtMs: null,
    data: {
      holds: holds.length,
      first: first.map(({ holdId, customerId, requestId, createdAtMs, costNanoUsd }) => ({
        hold: holdId,
        customer: customerId,
        request: requestId,
        created_at: new Date(createdAtMs).toISOString(),
        cost: formatUsd(costNanoUsd),
      })),
    },
  });
  raised.catch((fault: unknown) => recorder.fault(fault, { task: 'leaked holds' }));
}

function openUnknownHolds(
  { metering }: LoadedConfig['config'],
  gateway: Gateway,
  metrics: GatewayMetrics,
): UnknownHolds {
  const { lookUpForMs, notFoundAfterMs } = metering.holds;
  const { store, clock, recorder } = gateway;
  const count = registerLookUpMetrics(metrics.registry);
  return new UnknownHolds({
    store: () => store,
    ask: (hold) => askProviders(gateway, hold),
    nowMs: () => clock.nowMs(),
    lookUpForMs,
    notFoundAfterMs,
    onResult: (_, result) => count(result),
    onFault: (error, { holdId, requestId }) =>
      recorder.fault(error, { task: 'unknown holds', holdId, requestId }),
  });
}

export interface HoldKeeping {
  start(): void;
  /** One round of what is otherwise done by the clock. */
  round(): Promise<void>;
  /** Ends the rounds, and books what waits or hands it back. */
  close(): Promise<readonly CallEnd[]>;
}

/** Rounds over the open holds of a running gateway; `start` sets them going. */
export function openHoldKeeping(
  { config }: LoadedConfig,
  gateway: Gateway,
  metrics: GatewayMetrics,
): HoldKeeping {
  const { checkEveryMs, leakGraceMs, shutdownGraceMs } = config.metering.holds;
  const { store, clock, recorder, inFlight, bookings } = gateway;
  const countLeaks = registerLeakMetrics(metrics.registry);
  const leaks = new LeakWatch({
    operations: () => store.ledgerOperations,
    inFlight,
    nowMs: () => clock.nowMs(),
    graceMs: leakGraceMs,
    onLeak(holds) {
      countLeaks(holds.length);
      tellLeak(gateway, holds);
    },
  });
  const unknown = openUnknownHolds(config, gateway, metrics);
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  const tasks: readonly [string, () => Promise<unknown>][] = [
    ['leaked holds', () => leaks.round()],
    ['unknown holds', () => unknown.round()],
  ];
  const runAll = async (): Promise<void> => {
    for (const [task, run] of tasks) {
      try {
        await run();
      } catch (error) {
        recorder.fault(error, { task });
      }
    }
  };
  const round = async (): Promise<void> => {
    running ??= runAll().finally(() => {
      running = null;
    });
    await running;
  };
  return {
    round,
    start() {
      timer = setInterval(() => void round(), checkEveryMs);
      timer.unref();
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await running;
      return await bookings.close(shutdownGraceMs);
    },
  };
}

/** Once the store is closed: leaves what could not be booked to the next start, or at least to the log. */
export async function keepUnbooked(
  { store, recorder }: Pick<Gateway, 'store' | 'recorder'>,
  ends: readonly CallEnd[],
): Promise<void> {
  if (ends.length === 0) return;
  let left = ends;
  let reason: unknown = new Error('There is no room for it beside the ledger either.');
  try {
    left = await store.unbooked.keep(ends);
  } catch (error) {
    reason = error;
  }
  for (const end of left) recorder.fault(reason, contextOf(end, 'booking lost'));
}
