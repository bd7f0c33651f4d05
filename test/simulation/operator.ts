/**
 * Everything beside calls in the simulation: the operator's acts, payment systems' events, top-ups, and the receiver of
 * alerts. What was acknowledged is remembered, to be held against the books in the end.
 *
 * @module
 */
import { isGatewayError } from '../../src/contracts/gateway-error.ts';
import { quoteCommand, quotedOperation } from '../../src/metering/testing/quote-samples.ts';
import type {
  SubscriptionEvent,
  SubscriptionEventType,
} from '../../src/metering/subscription-port.ts';
import type { NewCredit } from '../../src/metering/wallet-port.ts';
import type { InProcessStore, TestClock } from './in-process-store.ts';
import type { QuoteBook } from './quote-book.ts';
import type { Chance } from './random.ts';
import { isUnavailable, SimulationFault } from './simulated-call.ts';
import { KEY_LIMITS, PEOPLE } from './worlds.ts';

const HOUR_MS = 3_600_000;
const DESTINATION = { id: 'receiver', kinds: null };

export interface OperatorParts {
  readonly random: Chance;
  readonly clock: TestClock;
  readonly store: () => InProcessStore;
  readonly customers: ReadonlyMap<string, string>;
  readonly quotes: QuoteBook;
}

export class Operator {
  readonly #parts: OperatorParts;
  /** Amounts by reference of the grants that were acknowledged, by customer id. */
  readonly granted = new Map<string, Map<string, bigint>>();
  /** References of all that were asked for. */
  readonly asked = new Map<string, NewCredit>();
  /** Ids of events that the receiver of alerts has got, once or more. */
  readonly received = new Set<string>();
  readonly #told = new Map<string, { readonly event: SubscriptionEvent; answer: string | null }>();
  #count = 0;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  /** One act, begun; it may never be answered. Rejects with what the simulation has found out. */
  async act(): Promise<void> {
    const { random } = this.#parts;
    this.#count += 1;
    try {
      switch (random.integer(0, 10)) {
        case 0:
          return await this.#changePlan();
        case 1:
        case 2:
          return await this.#grant();
        case 3:
          return await this.#withdraw();
        case 4:
          return await this.#changeLimits();
        case 5:
          return await this.#tellOfPayment();
        case 6:
        case 7:
        case 8:
          return await this.#quote();
        default:
          return void (await this.deliver());
      }
    } catch (error) {
      // The disk may be full just then, or what was meant be gone.
      if (!isUnavailable(error) && !(isGatewayError(error) && error.code === 'not_found')) {
        throw error;
      }
    }
  }

  #customer(name: string): string {
    return this.#parts.customers.get(name) ?? '';
  }

  async #changePlan(): Promise<void> {
    const { random, store } = this.#parts;
    const planId = random.pick(['small', 'pro', 'basic']);
    const mode = random.pick(['keep_used', 'prorate', 'restart'] as const);
    const at = random.pick(['now', 'now', 'period_end'] as const);
    const customerId = this.#customer('default');
    await store().directory.patchSubscription(customerId, { planId, at, mode });
  }

  /** Grants credit, or asks again for what was asked for before: it must be the same grant. */
  async #grant(): Promise<void> {
    const { random, clock, store } = this.#parts;
    const known = [...this.asked.values()];
    const again = known.length > 0 && random.onceIn(4);
    const credit = again ? random.pick(known as [NewCredit, ...NewCredit[]]) : this.#newCredit();
    const reference = credit.reference ?? '';
    this.asked.set(reference, credit);
    const terms = await store().wallets.grant(credit);
    if (terms.amountNanoUsd !== credit.amountNanoUsd || terms.reference !== reference) {
      throw new SimulationFault(`grant ${reference}: answered with another one`);
    }
    if (terms.grantedAtMs > clock.nowMs) throw new SimulationFault('granted in times to come');
    const own = this.granted.get(credit.customerId) ?? new Map<string, bigint>();
    this.granted.set(credit.customerId, own.set(reference, credit.amountNanoUsd));
  }

  #newCredit(): NewCredit {
    const { random, clock } = this.#parts;
    return {
      customerId: this.#customer(random.pick(['payer', 'payer', 'saver'])),
      reference: `g${this.#count}`,
      kind: 'top_up',
      amountNanoUsd: BigInt(random.integer(1, 120)) * 1_000_000n + 1n,
      reason: null,
      priority: random.integer(0, 2),
      effectiveAtMs: random.onceIn(6) ? clock.nowMs + HOUR_MS : null,
      expiresAtMs: random.onceIn(3) ? clock.nowMs + random.integer(2, 60) * HOUR_MS : null,
    };
  }

  async #withdraw(): Promise<void> {
    const { random, store } = this.#parts;
    const [credit] = [...this.asked.values()].slice(random.integer(0, 5));
    if (credit !== undefined) {
      await store().wallets.withdraw(credit.customerId, credit.reference ?? '');
    }
  }

  async #changeLimits(): Promise<void> {
    const { random, clock, store } = this.#parts;
    if (random.onceIn(2)) {
      const limits = KEY_LIMITS[random.integer(0, KEY_LIMITS.length - 1)] ?? [];
      await store().limitBook.setKeyLimits('key_1', limits);
      return;
    }
    const amount = random.integer(1, 40);
    await store().limitBook.patchOverrides(this.#customer('default'), {
      'requests/minute': random.onceIn(3) ? null : { amount, untilMs: clock.nowMs + HOUR_MS },
    });
  }

  /** A payment system tells something new, or the same again: then the answer is the first one. */
  async #tellOfPayment(): Promise<void> {
    const { random, store } = this.#parts;
    const known = [...this.#told.keys()];
    const id =
      known.length > 0 && random.onceIn(3)
        ? random.pick(known as [string, ...string[]])
        : `e${this.#count}`;
    const told = this.#told.get(id) ?? { event: this.#newEvent(id), answer: null };
    this.#told.set(id, told);
    const { event } = await store().subscriptions.recordEvent(told.event);
    const answer = JSON.stringify({ ...event, tries: 0 });
    if (told.answer !== null && told.answer !== answer) {
      throw new SimulationFault(`event ${id} was answered otherwise when it came again`);
    }
    told.answer = answer;
  }

  #newEvent(id: string): SubscriptionEvent {
    const { random, clock } = this.#parts;
    const type = random.pick(['renewed', 'past_due', 'plan_changed', 'paused', 'resumed']);
    return {
      source: 'shop',
      id,
      type: `subscription.${type}` as SubscriptionEventType,
      // Older ones come late.
      occurredAtMs: clock.nowMs - random.integer(0, 20) * HOUR_MS,
      sequence: 0,
      customer: this.#customer('default'),
      payer: null,
      reference: null,
      onlyFrom: null,
      graceStands: false,
      unknownCustomer: 'refuse',
      name: null,
      at: 'now',
      mode: 'keep_used',
      trialConverts: false,
      graceUntilMs: type === 'past_due' ? clock.nowMs + 30 * HOUR_MS : null,
      fingerprint: id,
      body: '{}',
      ...(type === 'plan_changed' ? { planId: random.pick(['small', 'pro']) } : {}),
    };
  }

  /** Makes a quote that holds, or deletes one. */
  async #quote(): Promise<void> {
    const { random, store, quotes } = this.#parts;
    const [open] = quotes.uses.filter((use) => !use.isReleased).slice(random.integer(0, 4));
    if (open !== undefined && random.onceIn(4)) {
      quotes.released(open.quoteId);
      await store().quotes.release(open.customerId, open.quoteId);
      return;
    }
    const quoteId = `qt_${this.#count}`;
    const name = random.pick([...PEOPLE]);
    const customerId = this.#customer(name);
    const costNanoUsd = BigInt(random.integer(1, 8)) * 1_000_000n;
    const counts = new Map(
      ['a', 'b'].slice(random.integer(0, 1)).map((id) => [id, random.integer(1, 3)]),
    );
    const operations = [...counts].map(([id, count]) =>
      quotedOperation(quoteId, id, { costNanoUsd, count }),
    );
    const ttlMs = random.pick(name === 'default' ? [20, 900] : [20, 900, 86_400]) * 1_000;
    const command = { ...quoteCommand(customerId, quoteId, operations), ttlMs };
    const made = await store().quotes.create(command);
    quotes.note(made, { quoteId, customerId, costNanoUsd, counts });
  }

  /** The receiver of alerts takes what is due; what it says of that may be lost, and then it gets them again. */
  async deliver(): Promise<number> {
    const { clock, store } = this.#parts;
    const { outbox } = store().alerting;
    const claim = { nowMs: clock.nowMs, perDestination: 20, fixed: [DESTINATION] };
    const { due } = await outbox.claim(claim);
    for (const { event, destination } of due) {
      this.received.add(event.id);
      await outbox.record({
        eventId: event.id,
        destination,
        startedAtMs: clock.nowMs,
        durationMs: 1,
        status: 200,
        error: null,
        reply: null,
        next: 'delivered',
        disable: null,
      });
    }
    return due.length;
  }
}
