/**
 * Empties the outbox: claims what is due, sends it with bounded concurrency, records how it ended. What is not
 * recorded is sent again, with the same id: at least once, never less.
 *
 * @module
 */
import type { DueDelivery, FixedDestination, Outbox } from '../metering/alerts-port.ts';
import { type DeliveryPolicy, type Sent, whatFollows } from './delivery-policy.ts';

/** Told of every attempt. */
export interface DeliveryMeter {
  attempted(
    destination: string,
    ended: { readonly result: 'delivered' | 'failed' | 'dead'; readonly latencyMs: number },
  ): void;
}

export interface DispatcherParts {
  readonly outbox: Outbox;
  readonly send: (due: DueDelivery) => Promise<Sent>;
  readonly fixed: readonly FixedDestination[];
  readonly policy: DeliveryPolicy;
  /** Deliveries under way at once; a destination gets a quarter of it at most, so that none starves the others. */
  readonly concurrency: number;
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly meter: DeliveryMeter;
  /** Faults of our own. */
  readonly onFault: (error: unknown) => void;
}

/** Pause after the store has failed. */
const STORE_PAUSE_MS = 5_000;
/** Longest sleep: a clock that was set back must not silence the outbox. */
const SLEEP_MAX_MS = 60_000;
/** What is under way may end in this time when the gateway stops; the rest is sent again after the next start. */
const CLOSE_GRACE_MS = 3_000;

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #perDestination: number;
  readonly #inFlight = new Map<
    string,
    { readonly destination: string; readonly ended: Promise<void> }
  >();
  #unsubscribe: () => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;
  /** When it fires, on the clock of durations. */
  #wakeAtMs = 0;
  /** True while a claim is under way; `#again` asks for another after it. */
  #claiming = false;
  #again = false;
  /** True when more was due than could be started. */
  #backlog = false;
  #closed = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#perDestination = Math.max(1, Math.floor(parts.concurrency / 4));
  }

  /** Begins with what an earlier process left. */
  start(): void {
    this.#unsubscribe = this.#parts.outbox.onChange(() => void this.#pump());
    void this.#pump();
  }

  /** Takes nothing more and lets what is under way end, within a grace. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#inFlight.size === 0) return;
    let grace: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(Array.from(this.#inFlight.values(), ({ ended }) => ended)),
      new Promise((resolve) => {
        grace = setTimeout(resolve, CLOSE_GRACE_MS);
      }),
    ]);
    clearTimeout(grace);
  }

  async #pump(): Promise<void> {
    if (this.#claiming) {
      this.#again = true;
      return;
    }
    this.#claiming = true;
    try {
      do {
        this.#again = false;
        await this.#claim();
      } while (this.#again && !this.#closed);
    } catch (error) {
      // A store that cannot be written has said so elsewhere; what is due stays due.
      if (!this.#closed) {
        this.#parts.onFault(error);
        this.#sleep(STORE_PAUSE_MS);
      }
    } finally {
      this.#claiming = false;
    }
  }

  async #claim(): Promise<void> {
    if (this.#closed) return;
    if (this.#inFlight.size >= this.#parts.concurrency) {
      this.#backlog = true;
      return;
    }
    const { outbox, fixed, nowMs } = this.#parts;
    const { due, nextDueAtMs } = await outbox.claim({
      nowMs: nowMs(),
      // Those under way are still due.
      perDestination: 2 * this.#perDestination,
      fixed,
    });
    this.#backlog = false;
    for (const delivery of due) this.#startIfFree(delivery);
    this.#sleep(nextDueAtMs === null ? SLEEP_MAX_MS : nextDueAtMs - nowMs());
  }

  #startIfFree(delivery: DueDelivery): void {
    const { destination, event } = delivery;
    const key = `${destination} ${event.id}`;
    if (this.#closed || this.#inFlight.has(key)) return;
    let ofDestination = 0;
    for (const other of this.#inFlight.values()) {
      if (other.destination === destination) ofDestination += 1;
    }
    if (this.#inFlight.size >= this.#parts.concurrency || ofDestination >= this.#perDestination) {
      this.#backlog = true;
      return;
    }
    const ended = this.#deliver(delivery).finally(() => {
      this.#inFlight.delete(key);
      if (this.#backlog && !this.#closed) void this.#pump();
    });
    this.#inFlight.set(key, { destination, ended });
  }

  /** One attempt. Never rejects. */
  async #deliver(delivery: DueDelivery): Promise<void> {
    const { nowMs, onFault } = this.#parts;
    const startedAtMs = nowMs();
    const startedMs = performance.now();
    let sent: Sent;
    try {
      sent = await this.#parts.send(delivery);
    } catch (error) {
      onFault(error);
      const text = 'the gateway could not send it; its log says why';
      sent = { outcome: 'failed', status: null, error: text, reply: null, retryAfterMs: null };
    }
    try {
      await this.#record(delivery, sent, {
        startedAtMs,
        durationMs: performance.now() - startedMs,
      });
    } catch (error) {
      if (this.#closed) return;
      onFault(error);
      // Still due in the store: without a pause it would be sent again at once.
      await new Promise((resolve) => setTimeout(resolve, STORE_PAUSE_MS).unref());
      this.#backlog = true;
    }
  }

  async #record(
    { event, destination, attempts, queuedAtMs }: DueDelivery,
    sent: Sent,
    took: { readonly startedAtMs: number; readonly durationMs: number },
  ): Promise<void> {
    // A stop breaks connections: that says nothing of the receiver.
    if (this.#closed && sent.outcome !== 'delivered') return;
    const { outbox, policy, random, nowMs, meter } = this.#parts;
    const at = { nowMs: nowMs(), queuedAtMs, attempts, random: random() };
    const next = whatFollows(policy, sent, at);
    const { status, error, reply } = sent;
    const disable = sent.outcome === 'gone' ? 'The receiver answered 410 Gone.' : null;
    const ended = { ...took, status, error, reply, next, disable };
    await outbox.record({ eventId: event.id, destination, ...ended });
    meter.attempted(destination, {
      result: typeof next === 'object' ? 'failed' : next,
      latencyMs: at.nowMs - event.atMs,
    });
    if (typeof next === 'object') this.#sleep(next.retryAtMs - nowMs());
  }

  /** Claims again after `ms` at the latest; an earlier time that was set before stands. */
  #sleep(ms: number): void {
    if (this.#closed) return;
    const waitMs = Math.min(SLEEP_MAX_MS, Math.max(1, Math.ceil(ms)));
    const atMs = performance.now() + waitMs;
    if (this.#timer !== null) {
      if (this.#wakeAtMs <= atMs) return;
      clearTimeout(this.#timer);
    }
    this.#wakeAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#pump();
    }, waitMs);
    this.#timer.unref();
  }
}
