import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { createSuite, dataOf, expectProblem } from './testing/admin-suite.ts';
import type { TestReply } from './testing/harness.ts';

const HOUR_MS = 3_600_000;

describe('subscriptions over HTTP', () => {
  const suite = createSuite(async ({ now }) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-admin-'));
    const store = await openSqliteStore({ dataDir, durability: 'process', clock: now });
    return {
      ...store,
      close: async () => {
        await store.close();
        rmSync(dataDir, { recursive: true });
      },
    };
  });
  const { get, post } = suite;
  const path = '/customers/user-1/subscription';
  const patch = (body: unknown): Promise<TestReply> => suite.harness.call('PATCH', path, { body });

  describe('changes', () => {
    it('sets, shows and removes the moments of a subscription', async () => {
      await suite.starter();
      const set = await patch({ cancel_at: '2026-12-01' });
      expect(set.body).toMatchObject({
        status: 'active',
        cancel_at: '2026-12-01T00:00:00Z',
        term_end: '2026-12-23T10:00:00Z',
        scheduled: [{ change: 'cancel', plan: null, effective_at: '2026-12-01T00:00:00Z' }],
      });
      expect((await patch({ cancel_at: null })).body).toMatchObject({
        cancel_at: null,
        scheduled: [],
      });
      expect(
        (await patch({ status: 'past_due', grace_until: '2026-11-30T12:00:00+02:00' })).body,
      ).toMatchObject({ status: 'past_due', grace_until: '2026-11-30T10:00:00Z' });
      expect((await patch({ grace_until: null })).body).toMatchObject({ grace_until: null });
      expect((await get(path)).body).toMatchObject({ status: 'past_due', rev: 5 });
    });

    it('turns a trial into a paid subscription at its end', async () => {
      await post('/customers', { externalId: 'user-1', plan: 'free', trial_days: 3 });
      const reply = await patch({ status: 'active', at: 'period_end' });
      expect(reply.body).toMatchObject({
        status: 'trial',
        scheduled: [{ change: 'activate', effective_at: '2026-11-26T10:00:00Z' }],
        change: { effective_at: '2026-11-26T10:00:00Z' },
      });
      expect((await patch({ trial_end: '2026-11-25' })).body).toMatchObject({
        trial_end: '2026-11-25T00:00:00Z',
        period: { end: '2026-11-25T00:00:00Z' },
      });
      suite.harness.advance(48 * HOUR_MS);
      expect((await get(path)).body).toMatchObject({
        status: 'active',
        period: { start: '2026-11-25T00:00:00Z', end: '2026-12-25T00:00:00Z' },
      });
    });

    it('calls scheduled changes off', async () => {
      await post('/customers', { externalId: 'user-1', plan: 'pro' });
      expect((await patch({ plan: 'free' })).body).toMatchObject({
        scheduled: [
          {
            change: 'plan',
            plan: { id: 'free', version: 1 },
            effective_at: '2026-12-23T10:00:00Z',
          },
        ],
      });
      const revoke = (change: string): Promise<TestReply> =>
        suite.harness.call('DELETE', `${path}/scheduled/${change}`);
      expect((await revoke('plan')).body).toMatchObject({ scheduled: [], plan: { id: 'pro' } });
      expectProblem(await revoke('plan'), { status: 404, code: 'not_found', param: 'change' });
      expectProblem(await revoke('expire'), {
        status: 400,
        code: 'invalid_request',
        param: 'change',
      });
    });

    it('takes an anchor, a zone and a cadence for the periods to come', async () => {
      await suite.starter();
      const reply = await patch({
        anchor: '2026-11-30T23:30:00Z',
        timezone: 'Europe/Berlin',
        cadence: 'year',
      });
      expect(reply.body).toMatchObject({
        anchor: '2026-12-01T00:30:00',
        timezone: 'Europe/Berlin',
        cadence: 'year',
        period: { start: '2026-11-23T10:00:00Z', end: '2026-12-23T10:00:00Z' },
      });
    });
  });

  describe('events', () => {
    const EVENT = {
      id: 'evt-1',
      type: 'subscription.past_due',
      occurred_at: '2026-11-23T09:59:00Z',
      customer: 'user-1',
      grace_until: '2026-11-30',
    };
    const tell = (change: Record<string, unknown> = {}): Promise<TestReply> =>
      post('/subscription-events', { ...EVENT, ...change });

    it('are applied once, answered alike and listed', async () => {
      const made = await suite.starter();
      const first = await tell();
      expect(first.body).toEqual({
        id: 'evt-1',
        source: 'api',
        type: 'subscription.past_due',
        customer: made.body['id'],
        occurred_at: '2026-11-23T09:59:00Z',
        received_at: '2026-11-23T10:00:00Z',
        outcome: 'applied',
        reason: null,
        tries: 1,
      });
      suite.harness.advance(HOUR_MS);
      expect((await tell()).text).toBe(first.text);
      expectProblem(await tell({ grace_until: null }), {
        status: 422,
        code: 'idempotency_mismatch',
        param: 'id',
      });
      const older = await tell({ id: 'evt-0', occurred_at: '2026-11-23T09:00:00Z' });
      expect(older.body).toMatchObject({ outcome: 'ignored', reason: expect.any(String) });
      expect((await get(path)).body).toMatchObject({
        status: 'past_due',
        grace_until: '2026-11-30T00:00:00Z',
      });
      const list = await get('/subscription-events?customer=user-1');
      expect(dataOf(list).map((row) => row['id'])).toEqual(['evt-0', 'evt-1']);
      expect(dataOf(list)[1]?.['body']).toEqual(EVENT);
    });

    it('make a customer where that is wished, and are kept where they fail', async () => {
      expectProblem(await tell(), { status: 404, code: 'not_found', param: 'customer' });
      const made = await tell({
        id: 'evt-2',
        type: 'subscription.created',
        unknown_customer: 'create',
        plan: 'pro',
        grace_until: undefined,
      });
      expect(made.body).toMatchObject({ outcome: 'applied' });
      expect(suite.harness.customerChanges.map(({ externalId }) => externalId)).toEqual(['user-1']);
      expect((await tell()).body).toMatchObject({ outcome: 'applied', tries: 2 });
      expectProblem(await tell({ id: 'evt-3', plan: 'nowhere' }), {
        status: 404,
        code: 'not_found',
        param: 'plan',
      });
      const list = await get('/subscription-events');
      expect(dataOf(list).map((row) => row['outcome'])).toEqual(['failed', 'applied', 'applied']);
    });

    describe('refused', () => {
      suite.onOneStore();
      it.each([
        ['no type', { type: undefined }, 'type'],
        ['another type', { type: 'wallet.topped_up' }, 'type'],
        ['the future', { occurred_at: '2026-11-23T11:00:00Z' }, 'occurred_at'],
        ['a trial without end', { type: 'subscription.trial_started' }, 'trial_end'],
        ['a change without plan', { type: 'subscription.plan_changed' }, 'plan'],
        ['an unknown zone', { timezone: 'Mars/Olympus' }, 'timezone'],
        ['an unknown member', { balance: '1.00' }, 'balance'],
      ])('%s', async (_name, change, param) => {
        expectProblem(await tell(change), { status: 400, code: 'invalid_request', param });
      });
    });
  });

  describe('refusals', () => {
    suite.onOneStore();
    it.each([
      ['nothing', {}, undefined],
      ['only when', { at: 'now' }, undefined],
      ['a restart with an anchor', { mode: 'restart', anchor: '2026-12-01' }, 'mode'],
      ['two ends', { status: 'cancelled', cancel_at: '2026-12-01' }, 'cancel_at'],
      ['an end in the past', { cancel_at: '2026-01-01' }, 'cancel_at'],
      ['an end in prose', { cancel_at: 'soon' }, 'cancel_at'],
      ['grace that is not due', { grace_until: '2026-12-01' }, 'grace_until'],
      ['no end of a trial', { trial_end: null }, 'trial_end'],
      ['the end of no trial', { trial_end: '2026-12-01' }, 'trial_end'],
      ['an unknown zone', { timezone: 'Mars/Olympus' }, 'timezone'],
      ['an anchor that is no day', { anchor: '2026-02-30' }, 'anchor'],
      ['an unknown cadence', { cadence: 'week' }, 'cadence'],
    ])('refuses %s', async (_name, body, param) => {
      if ((await get('/customers/user-1')).status === 404) await suite.starter();
      expectProblem(await patch(body), {
        status: 400,
        code: 'invalid_request',
        ...(param === undefined ? {} : { param }),
      });
      expect((await get(path)).body).toMatchObject({ rev: 1 });
    });
  });
});
