/**
 * Runs the watch by the clock: judgements with each new hour, the ledger's check at its own interval.
 *
 * @module
 */
import type { AlertingServiceParts } from './alerting-service.ts';
import { dropOld, watchForecasts, watchLedger, type WatchParts, watchSpend } from './watch.ts';

const HOUR_MS = 3_600_000;
const TICK_MS = 60_000;

/** The hour's judgements; each by itself, so that one that fails keeps no other from being made. */
export class HourlyWatch {
  readonly #parts: WatchParts;
  readonly #service: AlertingServiceParts;
  #judgedHour = -1;
  #verifiedAtMs: number;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(service: AlertingServiceParts) {
    const { alerting, verify, settings, nowMs } = service;
    this.#service = service;
    this.#parts = { alerts: alerting.alerts, verify, anomaly: settings.anomaly };
    // A start has compared counters and journal already.
    this.#verifiedAtMs = nowMs();
  }

  start(): void {
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** All of it now. */
  async round(): Promise<void> {
    await this.#judge();
    if (this.#service.settings.verifyEveryMs !== null) await this.#verify();
  }

  async #tick(): Promise<void> {
    if (this.#running !== null) return;
    this.#running = this.#due();
    try {
      await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async #due(): Promise<void> {
    const { nowMs, settings } = this.#service;
    const hour = Math.floor(nowMs() / HOUR_MS);
    if (hour !== this.#judgedHour) {
      this.#judgedHour = hour;
      await this.#judge();
    }
    const { verifyEveryMs } = settings;
    if (verifyEveryMs !== null && nowMs() - this.#verifiedAtMs >= verifyEveryMs) {
      await this.#verify();
    }
  }

  async #judge(): Promise<void> {
    for (const judge of [watchForecasts, watchSpend, dropOld]) await this.#guarded(judge);
  }

  async #verify(): Promise<void> {
    this.#verifiedAtMs = this.#service.nowMs();
    await this.#guarded(watchLedger);
  }

  async #guarded(judge: (parts: WatchParts, nowMs: number) => Promise<void>): Promise<void> {
    try {
      await judge(this.#parts, this.#service.nowMs());
    } catch (error) {
      this.#service.onFault(error);
    }
  }
}
