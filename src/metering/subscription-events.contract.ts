/**
 * What every store must do with the events of payment systems: once each, in any order, all or nothing.
 *
 * @module
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { MeteringStore, SubscriptionRecord } from './ports.ts';
import type { StoreSuite, StoreUnderTest } from './store.contract.ts';
import type {
  RecordedEvent,
  SubscriptionEvent,
  SubscriptionEventType,
} from './subscription-port.ts';

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Told = Partial<SubscriptionEvent>;

/** Runs the suite. */
export function describeSubscriptionEvents(suite: StoreSuite): void {
  describe(`${suite.name} keeps the contract of subscription events`, () => {
    let nowMs = START_MS;
    let test: StoreUnderTest;
    let store: MeteringStore;
    let count = 0;
    let customer: string;

    /** An event `hours` after the start. */
    const eventOf = (type: string, hours: number, more: Told = {}): SubscriptionEvent => ({
      source: 'api',
      id: `evt-${(count += 1)}`,
      type: `subscription.${type}` as SubscriptionEventType,
      occurredAtMs: START_MS + hours * HOUR_MS,
      sequence: 0,
      customer,
      payer: null,
      reference: null,
      onlyFrom: null,
      graceStands: false,
      unknownCustomer: 'refuse',
      name: null,
      at: 'now',
      mode: 'keep_used',
      trialConverts: false,
      fingerprint: 'one',
      body: '{}',
      ...more,
    });
    const record = (event: SubscriptionEvent): Promise<RecordedEvent> =>
      store.subscriptions.recordEvent(event);
    const tell = (...event: Parameters<typeof eventOf>): Promise<RecordedEvent> =>
      record(eventOf(...event));

    async function read(name = customer): Promise<SubscriptionRecord> {
      const found = await store.directory.customer(name);
      if (found === null) throw new Error('there is no such customer');
      return found.subscription;
    }

    async function codeOf(promise: Promise<unknown>): Promise<string> {
      try {
        await promise;
      } catch (error) {
        return isGatewayError(error) ? error.code : String(error);
      }
      return 'no error';
    }

    async function create(planId = 'free'): Promise<string> {
      const made = await store.directory.createCustomer({
        externalId: `payer-${(count += 1)}`,
        name: null,
        planId,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      return made.customer.id;
    }

    beforeAll(async () => {
      test = await suite.create(() => nowMs);
      ({ store } = test);
    });

    beforeEach(async () => {
      nowMs = START_MS;
      customer = await create();
      nowMs = START_MS + 30 * DAY_MS;
    });

    afterEach(async () => {
      expect(await store.ledger.verify()).toMatchObject({ ok: true, mismatches: [] });
    });

    afterAll(async () => {
      await test.dispose();
    });

    it('drives a subscription through its life', async () => {
      nowMs = START_MS + HOUR_MS;
      await tell('trial_started', 1, { trialEndMs: START_MS + 7 * DAY_MS, planId: 'pro' });
      expect(await read()).toMatchObject({ status: 'trial', planId: 'pro' });
      nowMs = START_MS + 7 * DAY_MS + 5000;
      expect(await read()).toMatchObject({ status: 'expired' });
      await tell('activated', 7 * 24);
      expect(await read()).toMatchObject({
        status: 'active',
        // Paid a moment late: the paid periods count from the trial's end all the same.
        period: { startMs: START_MS + 7 * DAY_MS },
      });
      await tell('past_due', 7 * 24 + 1, { graceUntilMs: nowMs + DAY_MS });
      expect(await read()).toMatchObject({ status: 'past_due', graceUntilMs: nowMs + DAY_MS });
      await tell('renewed', 7 * 24 + 2);
      expect(await read()).toMatchObject({ status: 'active', graceUntilMs: null });
      await tell('paused', 7 * 24 + 3);
      expect(await read()).toMatchObject({ status: 'paused' });
      await tell('resumed', 7 * 24 + 4);
      await tell('cancelled', 7 * 24 + 5, { cancelAtMs: nowMs + DAY_MS });
      expect(await read()).toMatchObject({ status: 'active', cancelAtMs: nowMs + DAY_MS });
      await tell('cancellation_revoked', 7 * 24 + 6);
      expect(await read()).toMatchObject({ cancelAtMs: null });
      await tell('cancelled', 7 * 24 + 7);
      expect(await read()).toMatchObject({ status: 'cancelled' });
      nowMs += DAY_MS;
      await tell('activated', 9 * 24, { planId: 'basic' });
      expect(await read()).toMatchObject({
        status: 'active',
        planId: 'basic',
        cancelAtMs: null,
        period: { startMs: nowMs },
      });
      await tell('expired', 10 * 24);
      expect(await read()).toMatchObject({ status: 'expired' });
    });

    it('lets a trial convert, and pays for what had not been paid before', async () => {
      nowMs = START_MS;
      await tell('created', 0, {
        planId: 'basic',
        trialEndMs: START_MS + DAY_MS,
        trialConverts: true,
      });
      expect((await read()).scheduled).toEqual([{ change: 'activate', atMs: START_MS + DAY_MS }]);
      nowMs = START_MS + DAY_MS;
      expect(await read()).toMatchObject({ status: 'active', planId: 'basic' });
      customer = await create();
      nowMs += DAY_MS;
      await tell('created', 48, { planId: 'pro' });
      expect(await read()).toMatchObject({ planId: 'pro', period: { startMs: nowMs } });
    });

    it('answers a repeated event from the first, and refuses another one of its id', async () => {
      const event = eventOf('plan_changed', 1, { planId: 'pro' });
      const first = await record(event);
      expect(first.event).toMatchObject({ outcome: 'applied', tries: 1, customerId: customer });
      await store.directory.patchSubscription(customer, {
        planId: 'basic',
        at: 'now',
        mode: 'keep_used',
      });
      const { rev } = await read();
      nowMs += 1000;
      const again = await Promise.all([record(event), record(event)]);
      for (const answer of again) {
        expect(answer).toEqual({ ...first, created: null, replayed: true });
      }
      expect(await read()).toMatchObject({ rev, planId: 'basic' });
      expect(await codeOf(record({ ...event, fingerprint: 'other' }))).toBe('idempotency_mismatch');
      // Another system's ids are its own.
      expect((await record({ ...event, source: 'shop', fingerprint: 'other' })).event.outcome).toBe(
        'ignored',
      );
    });

    it('never undoes what is newer, thing by thing', async () => {
      await tell('renewed', 5);
      const late = await tell('past_due', 4);
      expect(late.event).toMatchObject({
        outcome: 'ignored',
        reason: expect.stringMatching(/state/),
      });
      const mixed = await tell('past_due', 3, { planId: 'pro' });
      expect(mixed.event).toMatchObject({
        outcome: 'applied',
        reason: expect.stringMatching(/state/),
      });
      expect(await read()).toMatchObject({ status: 'active', planId: 'pro' });
      await store.directory.patchSubscription(customer, {
        status: 'paused',
        at: 'now',
        mode: 'keep_used',
      });
      expect((await tell('renewed', 29 * 24)).event.outcome).toBe('ignored');
      expect(await read()).toMatchObject({ status: 'paused' });
    });

    it('says what it cannot do, keeps the event, and tries it anew', async () => {
      const event = eventOf('renewed', 1, { customer: 'late-payer' });
      expect(await record(event)).toMatchObject({
        event: { outcome: 'failed', customerId: null, tries: 1 },
        failure: { code: 'not_found', param: 'customer' },
      });
      const unknownPlan = await tell('plan_changed', 1, { planId: 'nowhere' });
      expect(unknownPlan).toMatchObject({
        event: { outcome: 'failed', customerId: customer },
        failure: { code: 'not_found', param: 'plan' },
      });
      const noPlan = await record({ ...event, id: 'no-plan', unknownCustomer: 'create' });
      expect(noPlan.failure).toMatchObject({ param: 'plan' });
      await record({ ...event, id: 'first', unknownCustomer: 'create', planId: 'basic' });
      expect(await read('late-payer')).toMatchObject({ status: 'active', planId: 'basic' });
      expect(await record(event)).toMatchObject({
        event: { outcome: 'applied', tries: 2 },
        failure: null,
      });
    });

    it('remembers the payer of a customer', async () => {
      await tell('renewed', 1, { source: 'shop', payer: 'p-7' });
      const event = { source: 'shop', payer: 'p-7', customer: null };
      expect((await tell('past_due', 2, event)).event.customerId).toBe(customer);
      const other = await tell('past_due', 2, { ...event, source: 'other' });
      expect(other.failure).toMatchObject({ message: 'There is no customer "other:p-7".' });
    });

    it('lets no replaced subscription of a payer end anything, and payments only settle debts', async () => {
      await tell('activated', 1, { reference: 'old' });
      await tell('activated', 2, { reference: 'new' });
      expect((await tell('cancelled', 3, { reference: 'old' })).event).toMatchObject({
        outcome: 'ignored',
        reason: expect.stringMatching(/taken the place/),
      });
      const paid = { onlyFrom: ['past_due'] as const };
      await tell('past_due', 4, { reference: 'new', graceUntilMs: nowMs + 1, graceStands: true });
      await tell('past_due', 5, { reference: 'new', graceUntilMs: nowMs + 2, graceStands: true });
      expect(await read()).toMatchObject({ graceUntilMs: nowMs + 1 });
      await tell('renewed', 7, paid);
      expect(await read()).toMatchObject({ status: 'active' });
      await tell('cancelled', 6, { reference: 'new' });
      expect(await read()).toMatchObject({ status: 'cancelled' });
      await tell('renewed', 8, paid);
      expect(await read()).toMatchObject({ status: 'cancelled' });
    });

    it('lists events newest first, of all or of one customer', async () => {
      for (const hours of [1, 2, 3]) await tell('renewed', hours);
      const first = await store.subscriptions.events({
        customerId: customer,
        limit: 2,
        cursor: null,
      });
      const rest = await store.subscriptions.events({
        customerId: customer,
        limit: 2,
        cursor: first.nextCursor,
      });
      const hours = [...first.data, ...rest.data].map(
        (event) => (event.occurredAtMs - START_MS) / HOUR_MS,
      );
      expect(hours).toEqual([3, 2, 1]);
      expect(rest.nextCursor).toBeNull();
      const all = await store.subscriptions.events({ customerId: null, limit: 200, cursor: null });
      expect(all.data.length).toBeGreaterThan(3);
    });

    it('ends the same in whatever order events arrive, and however often', async () => {
      const laterMs = START_MS + 90 * DAY_MS;
      const kinds: readonly (readonly [string, Told])[] = [
        ['activated', {}],
        ['renewed', { planId: 'basic' }],
        ['past_due', { graceUntilMs: laterMs }],
        ['paused', {}],
        ['plan_changed', { planId: 'pro' }],
        ['plan_changed', { planId: 'enterprise', mode: 'prorate' }],
        ['cancelled', { cancelAtMs: laterMs }],
        ['cancelled', {}],
        ['cancellation_revoked', {}],
        ['expired', {}],
      ];
      const story = fc
        .uniqueArray(
          fc.record({ kind: fc.constantFrom(...kinds), hours: fc.integer({ min: 1, max: 700 }) }),
          {
            selector: ({ hours }) => hours,
            minLength: 2,
            maxLength: 6,
          },
        )
        .chain((events) =>
          fc.record({
            inOrder: fc.constant(events.toSorted((one, other) => one.hours - other.hours)),
            shuffled: fc.shuffledSubarray([...events, ...events], {
              minLength: events.length * 2,
            }),
          }),
        );
      await fc.assert(
        fc.asyncProperty(story, async ({ inOrder, shuffled }) => {
          const ends: unknown[] = [];
          for (const events of [inOrder, shuffled]) {
            customer = await create();
            const prefix = `story-${(count += 1)}`;
            for (const { kind, hours } of events) {
              const [type, more] = kind;
              await tell(type, hours, { ...more, id: `${prefix}-${hours}` });
            }
            const { status, planId, cancelAtMs, graceUntilMs } = await read();
            // When an end took effect is the moment at which it was told.
            ends.push({ status, planId, cancelAtMs: cancelAtMs === laterMs, graceUntilMs });
          }
          expect(ends[1]).toEqual(ends[0]);
        }),
        { numRuns: 400, seed: 11 },
      );
    });
  });
}
