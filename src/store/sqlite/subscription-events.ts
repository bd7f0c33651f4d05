/**
 * Events by which payment systems drive subscriptions: each is kept with what became of it, in the transaction of
 * the change it makes.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { CustomerRecord, Page } from '../../metering/ports.ts';
import {
  type RecordedEvent,
  RECORDED_EVENT_TYPES,
  type SubscriptionEvent,
  type SubscriptionEventOutcome,
  type SubscriptionEventQuery,
  type SubscriptionEventRecord,
} from '../../metering/subscription-port.ts';
import type { Accounts, Unit } from './accounts.ts';
import { readCustomer } from './directory-rows.ts';
import type { DirectoryWriter } from './directory-writer.ts';
import { statementCache } from './statement-cache.ts';
import {
  type Aspect,
  type AspectClock,
  type AspectClocks,
  aspectsOf,
  changesOf,
  clockOf,
  isReplaced,
} from './subscription-event-rules.ts';
import { integer, nullableText, type SqlRow, text } from './subscriptions.ts';

const OUTCOMES: readonly SubscriptionEventOutcome[] = ['applied', 'ignored', 'failed'];
const MAX_PAGE = 1000;

type Failure = NonNullable<RecordedEvent['failure']>;

/** What became of an event, before it is written. */
type Judged = Pick<SubscriptionEventRecord, 'outcome' | 'reason' | 'customerId'> &
  Pick<RecordedEvent, 'failure' | 'created'>;

function readEvent(row: SqlRow): SubscriptionEventRecord {
  const outcome = text(row, 'outcome');
  const type = text(row, 'type');
  return {
    source: text(row, 'source'),
    id: text(row, 'event_id'),
    type: RECORDED_EVENT_TYPES.find((known) => known === type) ?? 'subscription.created',
    occurredAtMs: integer(row, 'occurred_at'),
    receivedAtMs: integer(row, 'received_at'),
    customerId: nullableText(row, 'customer_id'),
    outcome: OUTCOMES.find((known) => known === outcome) ?? 'failed',
    reason: nullableText(row, 'reason'),
    tries: integer(row, 'tries'),
    body: text(row, 'body'),
  };
}

/** One page of events, newest first. */
export function readSubscriptionEvents(
  database: DatabaseSync,
  query: SubscriptionEventQuery,
): Page<SubscriptionEventRecord> {
  const limit = Math.max(1, Math.min(MAX_PAGE, query.limit));
  const before =
    query.cursor === null || !/^\d{1,15}$/.test(query.cursor)
      ? Number.MAX_SAFE_INTEGER
      : Number(query.cursor);
  const ofCustomer = query.customerId === null ? '' : 'customer_id = ? AND';
  const rows = database
    .prepare(
      `SELECT * FROM subscription_event WHERE ${ofCustomer} row < ? ORDER BY row DESC LIMIT ?`,
    )
    .all(...(query.customerId === null ? [] : [query.customerId]), before, limit + 1);
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    data: kept.map(readEvent),
    nextCursor: rows.length > limit && last !== undefined ? text(last, 'row') : null,
  };
}

export interface SubscriptionEventParts {
  readonly database: DatabaseSync;
  readonly accounts: Accounts;
  readonly directory: DirectoryWriter;
}

export class SubscriptionEvents {
  readonly #accounts: Accounts;
  readonly #directory: DirectoryWriter;
  readonly #sql: (statement: string) => StatementSync;

  constructor({ database, accounts, directory }: SubscriptionEventParts) {
    this.#sql = statementCache(database);
    this.#accounts = accounts;
    this.#directory = directory;
  }

  /** @throws GatewayError `idempotency_mismatch` where another event has the id */
  record(event: SubscriptionEvent, unit: Unit): RecordedEvent {
    const known = this.#find(event);
    if (known !== undefined) {
      if (text(known, 'fingerprint') !== event.fingerprint) {
        throw new GatewayError('idempotency_mismatch', {
          message: `Another event with the id "${event.id}" has come before; an id stands for one event.`,
          param: 'id',
        });
      }
      const kept = readEvent(known);
      if (kept.outcome !== 'failed') {
        return { event: kept, failure: null, created: null, replayed: true };
      }
    }
    const { failure, created, ...judged } = this.#judge(event, unit);
    this.#write(event, { ...judged, failure, created }, unit.nowMs);
    const written = this.#find(event);
    if (written === undefined) throw new Error('an event that was written is there');
    return { event: readEvent(written), failure, created, replayed: false };
  }

  /** An operator's change counts as the newest word on what it set. */
  touch(customerId: string, aspects: readonly Aspect[], nowMs: number): void {
    const clock = { occurredAtMs: nowMs, sequence: 0, reference: null };
    for (const aspect of aspects) this.#setClock(customerId, aspect, clock);
  }

  #judge(event: SubscriptionEvent, unit: Unit): Judged {
    const { planId } = event;
    const known = this.#customerOf(event);
    if (planId !== undefined && !this.#accounts.versions.has(planId)) {
      return failed(known, { message: `There is no plan "${planId}".`, param: 'plan' });
    }
    const found = known ?? this.#create(event, unit);
    if ('message' in found) return failed(null, found);
    const { customer, created } =
      known === null ? { customer: found, created: found } : { customer: found, created: null };
    this.#link(event, customer.id);
    const before = this.#accounts.subscription(customer.id);
    const clocks = this.#clocks(customer.id);
    if (isReplaced(event, clocks)) {
      const reason =
        'Another subscription of this payer has taken the place of the one it tells of.';
      return { customerId: customer.id, outcome: 'ignored', reason, failure: null, created };
    }
    const { fresh, stale } = aspectsOf(event, before, clocks);
    const meet = () => ({
      event,
      before: this.#accounts.subscription(customer.id),
      currentPlanId: this.#directory.subscriptions.record(customer.id, unit.nowMs).planId,
      nowMs: unit.nowMs,
    });
    for (const patch of changesOf(fresh, meet)) {
      this.#directory.subscriptions.patch(customer.id, patch, unit);
    }
    if (event.onlyFrom === null) {
      for (const aspect of fresh) this.#setClock(customer.id, aspect, clockOf(event));
    }
    return {
      customerId: customer.id,
      outcome: fresh.length > 0 || stale.length === 0 ? 'applied' : 'ignored',
      reason: stale.length === 0 ? null : `A newer event or change had set: ${stale.join(', ')}.`,
      failure: null,
      created,
    };
  }

  #create(
    event: SubscriptionEvent,
    unit: Unit,
  ): CustomerRecord | { readonly message: string; readonly param: string } {
    const { customer, payer, planId, source } = event;
    const shown = customer ?? (payer === null ? '' : `${source}:${payer}`);
    const missing = { message: `There is no customer "${shown}".`, param: 'customer' };
    const externalId = customer ?? shown;
    if (event.unknownCustomer === 'refuse' || externalId.startsWith('cus_')) return missing;
    if (planId === undefined) {
      return { message: 'A customer is made with a plan: name "plan".', param: 'plan' };
    }
    const made = this.#directory.createCustomer(
      {
        externalId,
        name: event.name,
        planId,
        trialDays: null,
        cadence: event.cadence ?? 'month',
        timezone: event.timezone ?? 'UTC',
        anchorLocal: event.anchorLocal ?? null,
      },
      unit.nowMs,
    );
    return made.customer;
  }

  #customerOf({ customer, payer, source }: SubscriptionEvent): CustomerRecord | null {
    const column = customer?.startsWith('cus_') === true ? 'id' : 'external_id';
    const row =
      customer === null
        ? this.#sql(
            `SELECT customer.* FROM payment_customer JOIN customer ON customer.id = customer_id
             WHERE source = ? AND reference = ?`,
          ).get(source, payer)
        : this.#sql(`SELECT * FROM customer WHERE ${column} = ?`).get(customer);
    return row === undefined ? null : readCustomer(row);
  }

  #link({ source, payer }: SubscriptionEvent, customerId: string): void {
    if (payer === null) return;
    this.#sql(
      `INSERT INTO payment_customer (source, reference, customer_id) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET customer_id = excluded.customer_id`,
    ).run(source, payer, customerId);
  }

  #clocks(customerId: string): AspectClocks {
    const rows = this.#sql('SELECT * FROM subscription_clock WHERE customer_id = ?').all(
      customerId,
    );
    return Object.fromEntries(
      rows.map((row) => [
        text(row, 'aspect'),
        {
          occurredAtMs: integer(row, 'occurred_at'),
          sequence: integer(row, 'sequence'),
          reference: nullableText(row, 'reference'),
        },
      ]),
    );
  }

  #setClock(customerId: string, aspect: Aspect, clock: AspectClock): void {
    this.#sql(
      `INSERT INTO subscription_clock (customer_id, aspect, occurred_at, sequence, reference)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET occurred_at = excluded.occurred_at, sequence = excluded.sequence,
         reference = coalesce(excluded.reference, reference)`,
    ).run(customerId, aspect, clock.occurredAtMs, clock.sequence, clock.reference);
  }

  #find({ source, id }: SubscriptionEvent): SqlRow | undefined {
    return this.#sql('SELECT * FROM subscription_event WHERE source = ? AND event_id = ?').get(
      source,
      id,
    );
  }

  #write(event: SubscriptionEvent, judged: Judged, nowMs: number): void {
    this.#sql(
      `INSERT INTO subscription_event (source, event_id, fingerprint, type, occurred_at, received_at,
         tries, customer_id, outcome, reason, body) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET received_at = excluded.received_at, tries = tries + 1,
         customer_id = excluded.customer_id, outcome = excluded.outcome, reason = excluded.reason`,
    ).run(
      event.source,
      event.id,
      event.fingerprint,
      event.type,
      event.occurredAtMs,
      nowMs,
      judged.customerId,
      judged.outcome,
      judged.reason,
      event.body,
    );
  }
}

function failed(customer: CustomerRecord | null, failure: Omit<Failure, 'code'>): Judged {
  return {
    customerId: customer?.id ?? null,
    outcome: 'failed',
    reason: failure.message,
    failure: { code: 'not_found', ...failure },
    created: null,
  };
}
