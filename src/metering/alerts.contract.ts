/**
 * What every keeper of alerts and of the outbox must do.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type {
  AlertDraft,
  Alerting,
  AlertRecord,
  AttemptResult,
  LimitStanding,
  WebhookRecord,
} from './alerts-port.ts';
import type { MeteringStore } from './ports.ts';

export interface AlertingSuite {
  readonly name: string;
  /** Makes an empty store. */
  create(clock: () => number): Promise<{
    readonly store: MeteringStore;
    readonly dispose: () => Promise<void>;
  }>;
}

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const HOUR_MS = 3_600_000;

const STANDING: LimitStanding = {
  limit_id: 'requests/period',
  meter: 'requests',
  scope: 'customer',
  starts_at: '2026-03-10T09:30:00Z',
  ends_at: '2026-04-10T09:30:00Z',
  limit: '100',
  used: '80',
  held: '0',
  percent: 80,
};

function draftOf(customerId: string | null, more: Partial<AlertDraft> = {}): AlertDraft {
  return {
    kind: 'threshold',
    severity: 'warning',
    customerId,
    key: 'threshold:1:80',
    atMs: START_MS,
    endsAtMs: null,
    data: { ...STANDING, threshold: 80 },
    ...more,
  } as AlertDraft;
}

function webhookOf(id: string, more: Partial<WebhookRecord> = {}): WebhookRecord {
  return {
    id,
    url: 'https://hooks.example/in',
    description: null,
    kinds: null,
    customerIds: null,
    secrets: [{ sealed: 'sealed', createdAtMs: START_MS, expiresAtMs: null }],
    createdAtMs: START_MS,
    disabledAtMs: null,
    disabledReason: null,
    ...more,
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
  return 'no error';
}

/** Runs the suite. */
export function describeAlerting(suite: AlertingSuite): void {
  describe(`${suite.name} keeps the contract of alerts`, () => {
    let nowMs = START_MS;
    let store: MeteringStore;
    let alerting: Alerting;
    let dispose: () => Promise<void>;
    let customerId: string;

    beforeEach(async () => {
      nowMs = START_MS;
      ({ store, dispose } = await suite.create(() => nowMs));
      ({ alerting } = store);
      const { customer } = await store.directory.createCustomer({
        externalId: 'user-1',
        name: null,
        planId: 'free',
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      customerId = customer.id;
    });

    afterEach(async () => {
      await dispose();
    });

    async function raised(draft: AlertDraft): Promise<AlertRecord> {
      const alert = await alerting.alerts.raise(draft);
      if (alert === null) throw new Error('one of its key stands');
      return alert;
    }

    const list = (more: Partial<Parameters<Alerting['alerts']['list']>[0]> = {}) =>
      alerting.alerts.list({
        customerId: null,
        kind: null,
        state: null,
        limit: 50,
        cursor: null,
        nowMs,
        ...more,
      });

    const claim = (fixed: Parameters<Alerting['outbox']['claim']>[0]['fixed'] = []) =>
      alerting.outbox.claim({ nowMs, perDestination: 10, fixed });

    const ended = (
      eventId: string,
      destination: string,
      next: AttemptResult['next'],
      more: Partial<AttemptResult> = {},
    ) =>
      alerting.outbox.record({
        eventId,
        destination,
        startedAtMs: nowMs,
        durationMs: 12,
        status: next === 'delivered' ? 200 : 500,
        error: next === 'delivered' ? null : 'answered 500',
        reply: null,
        disable: null,
        next,
        ...more,
      });

    describe('alerts', () => {
      it('stand once by their key until they recover', async () => {
        const first = await raised(draftOf(customerId));
        expect(first).toMatchObject({ externalId: 'user-1', customerId, recoveredAtMs: null });
        expect(first.id).toMatch(/^evt_/);
        expect(await alerting.alerts.raise(draftOf(customerId))).toBeNull();
        const over = await alerting.alerts.recover({
          customerId,
          keys: ['threshold:1:80', 'threshold:1:90'],
          standing: { ...STANDING, limit: '200', percent: 40 },
          thresholds: [80],
          atMs: nowMs + 5,
        });
        expect(over).toMatchObject({
          kind: 'recovered',
          data: { percent: 40, thresholds: [80], recovers: [first.id] },
        });
        expect(await alerting.alerts.alert(first.id)).toMatchObject({ recoveredAtMs: nowMs + 5 });
        const second = await raised(draftOf(customerId));
        expect(second.id).not.toBe(first.id);
      });

      it('tell nobody of a recovery where nothing stood or nobody should be told', async () => {
        const recovery = { customerId, keys: ['x'], thresholds: [], atMs: nowMs };
        expect(await alerting.alerts.recover({ ...recovery, standing: STANDING })).toBeNull();
        await raised(draftOf(null, { key: 'x' }));
        expect(await alerting.alerts.recover({ ...recovery, standing: null })).toBeNull();
        expect((await list({ state: 'recovered' })).data).toHaveLength(1);
      });

      it('are listed newest first by customer, kind and state, in pages', async () => {
        const one = await raised(draftOf(customerId, { key: '1', endsAtMs: nowMs + HOUR_MS }));
        const two = await raised(draftOf(null, { key: '2' }));
        const three = await raised(draftOf(customerId, { key: '3' }));
        await alerting.alerts.acknowledge(three.id, nowMs);
        const ids = async (query: Parameters<typeof list>[0]) =>
          (await list(query)).data.map(({ id }) => id);
        expect(await ids({})).toEqual([three.id, two.id, one.id]);
        expect(await ids({ customerId })).toEqual([three.id, one.id]);
        expect(await ids({ kind: 'forecast' })).toEqual([]);
        expect(await ids({ kind: 'threshold', state: 'open' })).toEqual([two.id, one.id]);
        expect(await ids({ state: 'acknowledged' })).toEqual([three.id]);
        expect(await ids({ nowMs: nowMs + HOUR_MS, state: 'past' })).toEqual([one.id]);
        expect(await ids({ nowMs: nowMs + HOUR_MS, state: 'open' })).toEqual([two.id]);
        const page = await list({ limit: 2 });
        expect(page.data).toHaveLength(2);
        const rest = await list({ limit: 2, cursor: page.nextCursor });
        expect(rest.data.map(({ id }) => id)).toEqual([one.id]);
        expect(rest.nextCursor).toBeNull();
      });

      it('are counted and acknowledged once', async () => {
        const alert = await raised(draftOf(customerId));
        await raised(draftOf(customerId, { key: 'other' }));
        expect(await alerting.alerts.counts(customerId)).toEqual({ total: 2, unread: 2 });
        await alerting.alerts.acknowledge(alert.id, nowMs);
        const again = await alerting.alerts.acknowledge(alert.id, nowMs + 9);
        expect(again.acknowledgedAtMs).toBe(nowMs);
        expect(await alerting.alerts.counts(customerId)).toEqual({ total: 2, unread: 1 });
        expect(await codeOf(alerting.alerts.acknowledge('evt_none', nowMs))).toBe('not_found');
        expect(await alerting.alerts.alert('evt_none')).toBeNull();
      });

      it('name those that stand', async () => {
        await raised(draftOf(customerId, { key: 'past', endsAtMs: nowMs - 1 }));
        const alert = await raised(draftOf(customerId, { key: 'now', endsAtMs: nowMs + 1 }));
        const standing = await alerting.alerts.standing('threshold', nowMs);
        expect(standing.map(({ id }) => id)).toEqual([alert.id]);
        expect(await alerting.alerts.standing('forecast', nowMs)).toEqual([]);
      });

      it('are dropped when they are old and closed', async () => {
        await raised(draftOf(customerId, { key: 'closed', endsAtMs: nowMs - HOUR_MS }));
        const open = await raised(draftOf(customerId, { key: 'open' }));
        await claim();
        await alerting.alerts.prune({ deliveriesMs: nowMs + 1, alertsMs: nowMs + 1 });
        expect((await list()).data.map(({ id }) => id)).toEqual([open.id]);
      });
    });

    describe('the outbox', () => {
      it('gives every event to every destination that wants it', async () => {
        await alerting.webhooks.create(webhookOf('wh_all'));
        await alerting.webhooks.create(webhookOf('wh_kind', { kinds: ['anomaly'] }));
        await alerting.webhooks.create(webhookOf('wh_mine', { customerIds: [customerId] }));
        await alerting.webhooks.create(webhookOf('wh_other', { customerIds: ['cus_other'] }));
        const mine = await raised(draftOf(customerId));
        const ours = await raised(draftOf(null, { key: 'ours' }));
        const { due } = await claim([
          { id: 'email', kinds: ['threshold'] },
          { id: 'slack', kinds: ['operator'] },
        ]);
        const pairs = due.map(({ destination, event }) => `${destination} ${event.id}`);
        expect(pairs.toSorted()).toEqual(
          [
            `email ${mine.id}`,
            `email ${ours.id}`,
            `wh_all ${mine.id}`,
            `wh_all ${ours.id}`,
            `wh_mine ${mine.id}`,
          ].toSorted(),
        );
        expect(due[0]).toMatchObject({
          attempts: 0,
          queuedAtMs: nowMs,
          event: { topic: 'alert.threshold' },
        });
        expect(due.find(({ destination }) => destination === 'wh_all')?.webhook?.url).toBe(
          'https://hooks.example/in',
        );
        const found = due.find(({ event }) => event.id === mine.id)?.event;
        expect(found).toMatchObject({
          customerId,
          externalId: 'user-1',
          atMs: nowMs,
          body: { severity: 'warning', data: mine.data },
        });
      });

      it('keeps what was claimed due until its end is recorded', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        const { id } = await raised(draftOf(customerId));
        expect((await claim()).due).toHaveLength(1);
        expect((await claim()).due).toHaveLength(1);
        await ended(id, 'wh_1', { retryAtMs: nowMs + 5_000 });
        expect(await claim()).toEqual({ due: [], nextDueAtMs: nowMs + 5_000 });
        nowMs += 5_000;
        expect((await claim()).due).toMatchObject([{ attempts: 1, event: { id } }]);
        await ended(id, 'wh_1', 'delivered');
        expect(await claim()).toEqual({ due: [], nextDueAtMs: null });
        const [delivery] = (
          await alerting.outbox.deliveries({
            destination: 'wh_1',
            state: null,
            limit: 9,
            cursor: null,
          })
        ).data;
        expect(delivery).toMatchObject({
          eventId: id,
          topic: 'alert.threshold',
          state: 'delivered',
          nextAttemptAtMs: null,
          endedAtMs: nowMs + 12,
          attempts: [
            { n: 1, status: 500, error: 'answered 500' },
            { n: 2, status: 200, error: null },
          ],
        });
      });

      it('keeps dead letters and queues them again', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        const one = await raised(draftOf(customerId));
        const two = await raised(draftOf(customerId, { key: '2' }));
        await claim();
        await ended(one.id, 'wh_1', 'dead');
        await ended(two.id, 'wh_1', 'delivered');
        expect(await alerting.outbox.depth()).toEqual({ pending: 0, dead: 1 });
        const dead = { destination: null, state: 'dead', limit: 9, cursor: null } as const;
        expect((await alerting.outbox.deliveries(dead)).data).toMatchObject([{ eventId: one.id }]);
        const heard: number[] = [];
        const stop = alerting.outbox.onChange(() => heard.push(nowMs));
        nowMs += 1000;
        const all = { destination: 'wh_1', eventId: null, nowMs };
        expect(await alerting.outbox.redeliver(all)).toBe(1);
        expect((await claim()).due).toMatchObject([
          { event: { id: one.id }, attempts: 0, queuedAtMs: nowMs },
        ]);
        expect(await alerting.outbox.redeliver({ ...all, eventId: two.id })).toBe(1);
        expect(await alerting.outbox.redeliver({ ...all, eventId: 'evt_none' })).toBe(0);
        expect((await claim()).due).toHaveLength(2);
        // The word of it may come after the answer.
        await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0), { timeout: 10_000 });
        stop();
      });

      it('tells when it has something new', async () => {
        const heard = new Promise<void>((resolve) => {
          alerting.outbox.onChange(resolve);
        });
        await raised(draftOf(customerId));
        await heard;
        expect(await alerting.outbox.depth()).toEqual({ pending: 1, dead: 0 });
      });

      it('bounds a claim by destination, so that none stands in the way of another', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        await alerting.webhooks.create(webhookOf('wh_2', { kinds: ['anomaly'] }));
        for (let n = 0; n < 12; n += 1) await raised(draftOf(customerId, { key: `${n}` }));
        await raised(
          draftOf(customerId, {
            key: 'last',
            kind: 'anomaly',
            data: { hour: 'x', spent_usd: '1', usual_usd: '1', hours: 9 },
          }),
        );
        const { due } = await claim();
        expect(due.filter(({ destination }) => destination === 'wh_1')).toHaveLength(10);
        expect(due.filter(({ destination }) => destination === 'wh_2')).toHaveLength(1);
      });
    });

    describe('webhooks', () => {
      it('are kept, changed, listed', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        await alerting.webhooks.create(webhookOf('wh_2', { kinds: ['anomaly'] }));
        expect(await alerting.webhooks.webhook('wh_1')).toEqual(webhookOf('wh_1'));
        const changed = await alerting.webhooks.patch('wh_1', {
          url: 'https://hooks.example/new',
          kinds: ['operator'],
          customerIds: ['cus_1'],
        });
        expect(changed).toMatchObject({ url: 'https://hooks.example/new', kinds: ['operator'] });
        expect(await alerting.webhooks.webhook('wh_1')).toEqual(changed);
        const first = await alerting.webhooks.list({ limit: 1, cursor: null });
        expect(first.data).toEqual([changed]);
        const rest = await alerting.webhooks.list({ limit: 1, cursor: first.nextCursor });
        expect(rest).toEqual({
          data: [webhookOf('wh_2', { kinds: ['anomaly'] })],
          nextCursor: null,
        });
        expect(await codeOf(alerting.webhooks.patch('wh_none', {}))).toBe('not_found');
        expect(await alerting.webhooks.webhook('wh_none')).toBeNull();
      });

      it('rest while disabled and go on when they are enabled', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        const { id } = await raised(draftOf(customerId));
        await claim();
        await ended(
          id,
          'wh_1',
          { retryAtMs: nowMs },
          { status: 410, disable: 'answered 410 Gone' },
        );
        expect(await alerting.webhooks.webhook('wh_1')).toMatchObject({
          disabledAtMs: nowMs + 12,
          disabledReason: 'answered 410 Gone',
        });
        expect((await claim()).due).toEqual([]);
        await raised(draftOf(customerId, { key: 'meanwhile' }));
        expect((await claim()).due).toEqual([]);
        await alerting.webhooks.patch('wh_1', { disabledAtMs: null, disabledReason: null });
        expect((await claim()).due).toMatchObject([{ event: { id } }]);
      });

      it('are removed, and what waited for them dies', async () => {
        await alerting.webhooks.create(webhookOf('wh_1'));
        await raised(draftOf(customerId));
        await claim();
        await alerting.webhooks.remove('wh_1', nowMs);
        expect(await alerting.webhooks.webhook('wh_1')).toBeNull();
        expect((await claim()).due).toEqual([]);
        expect(await alerting.outbox.depth()).toEqual({ pending: 0, dead: 1 });
        expect(await codeOf(alerting.webhooks.remove('wh_1', nowMs))).toBe('not_found');
      });
    });
  });
}
