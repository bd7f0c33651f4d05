/**
 * The bench as an operator of this gateway: a plan with real limits, a customer, a key, and afterwards
 * the proof that every call was booked once.
 *
 * @module
 */
import { USAGE } from './workload.ts';

/** High but finite: every limit is looked up, reserved and settled on each call. */
const PLAN = {
  id: 'bench',
  name: 'Bench',
  limits: [
    { meter: 'requests', window: 'period', amount: 1_000_000_000 },
    { meter: 'cost_usd', window: 'period', amount: '10000000.00' },
    { meter: 'total_tokens', window: 'period', amount: 1_000_000_000_000 },
    { meter: 'requests', window: 'minute', amount: 100_000_000 },
    { meter: 'requests', window: 'concurrent', amount: 10_000 },
  ],
};
const CUSTOMER = 'bench-customer';
const CALL_LIMIT_MS = 60_000;

export interface BookingProof {
  readonly ledgerOk: boolean;
  readonly ledgerEvents: unknown;
  readonly openHolds: unknown;
  readonly requestsBooked: number;
  readonly requestsExpected: number;
  readonly tokensBooked: number | null;
  readonly tokensExpected: number;
  readonly costUsd: string | null;
  /** True when every figure that the gateway gave agrees. */
  readonly exact: boolean;
}

export class GatewayControl {
  readonly #origin: string;
  readonly #adminKey: string;

  constructor(origin: string, adminKey: string) {
    this.#origin = origin;
    this.#adminKey = adminKey;
  }

  /** Creates plan, customer and key. @returns the customer's API key @throws Error on any refusal */
  async setUp(): Promise<string> {
    await this.#call('POST', '/admin/v1/plans', PLAN);
    await this.#call('POST', '/admin/v1/customers', { externalId: CUSTOMER, plan: PLAN.id });
    const created = await this.#call('POST', '/admin/v1/keys', {
      customer: CUSTOMER,
      name: 'bench',
    });
    const key = created['key'];
    if (typeof key !== 'string') throw new Error('POST /admin/v1/keys returned no key');
    return key;
  }

  /** Compares the ledger with the number of successful calls. */
  async prove(requestsExpected: number): Promise<BookingProof> {
    const verified = await this.#call('POST', '/admin/v1/ledger/verify', {});
    const usage = await this.#call('GET', `/admin/v1/usage?customer=${CUSTOMER}`);
    const totals = (usage['totals'] ?? {}) as Record<string, unknown>;
    const requestsBooked = Number(totals['requests'] ?? 0);
    const tokens = totals['total_tokens'];
    const tokensBooked = tokens === undefined ? null : Number(tokens);
    const tokensExpected = requestsExpected * USAGE.total_tokens;
    const cost = totals['cost_usd'];
    return {
      ledgerOk: verified['ok'] === true,
      ledgerEvents: verified['events'],
      openHolds: verified['open_holds'],
      requestsBooked,
      requestsExpected,
      tokensBooked,
      tokensExpected,
      costUsd: typeof cost === 'string' ? cost : null,
      exact:
        verified['ok'] === true &&
        requestsBooked === requestsExpected &&
        (tokensBooked === null || tokensBooked === tokensExpected),
    };
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#adminKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 400)}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}
