/**
 * Alerts, webhooks and deliveries in the control plane.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { dataOf, expectProblem, type AdminSuite } from './admin-suite.ts';

const URL = 'https://hooks.example/in';

export function describeWebhooks(suite: AdminSuite): void {
  const { post, get, starter } = suite;
  const patch = (path: string, body: unknown) => suite.harness.call('PATCH', path, { body });
  const raise = async (customerId: string | null, key: string) => {
    const { alerts } = suite.harness.store.alerting;
    const alert = await alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId,
      key,
      atMs: suite.harness.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail: 'key refused' },
    });
    return String(alert?.id);
  };

  describe('webhooks', () => {
    it('are made, read, changed, disabled and removed; the secret is shown once', async () => {
      const { body: customer } = await starter();
      const made = await post('/webhooks', {
        url: URL,
        description: 'billing',
        kinds: ['threshold'],
        customers: ['user-1'],
      });
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        url: URL,
        kinds: ['threshold'],
        customers: [customer['id']],
        status: 'enabled',
      });
      const { id, secret } = made.body;
      expect(String(secret)).toMatch(/^whsec_/);
      const read = await get(`/webhooks/${String(id)}`);
      expect(read.text).not.toMatch(/whsec_|sealed/);
      expect(dataOf(await get('/webhooks'))).toHaveLength(1);
      const changed = await patch(`/webhooks/${String(id)}`, {
        kinds: null,
        customers: null,
        disabled: true,
      });
      expect(changed.body).toMatchObject({
        kinds: null,
        customers: null,
        description: 'billing',
        status: 'disabled',
      });
      const enabled = await patch(`/webhooks/${String(id)}`, { disabled: false });
      expect(enabled.body).toMatchObject({ status: 'enabled', disabled_reason: null });
      const removed = await suite.harness.call('DELETE', `/webhooks/${String(id)}`);
      expect(removed.body).toEqual({ id, deleted: true });
      expectProblem(await get(`/webhooks/${String(id)}`), {
        status: 404,
        code: 'not_found',
        param: 'id',
      });
    });

    it('rotate with an overlap in which both secrets sign', async () => {
      const { body } = await post('/webhooks', { url: URL });
      const rotated = await post(`/webhooks/${String(body['id'])}/rotate`, { overlap_s: 60 });
      expect(rotated.body['secret']).not.toBe(body['secret']);
      expect(rotated.body['secrets']).toHaveLength(2);
      suite.harness.advance(60_000);
      expect((await get(`/webhooks/${String(body['id'])}`)).body['secrets']).toHaveLength(1);
      const atOnce = await post(`/webhooks/${String(body['id'])}/rotate`, { overlap_s: 0 });
      expect(atOnce.body['secrets']).toHaveLength(1);
    });

    it('send a test on demand', async () => {
      const { body } = await post('/webhooks', { url: URL });
      const tested = await suite.harness.call('POST', `/webhooks/${String(body['id'])}/test`);
      expect(tested.body).toMatchObject({ ok: true, event: 'evt_test', status: 200 });
    });

    it('refuse what cannot be', async () => {
      const invalid = { status: 400, code: 'invalid_request' };
      expectProblem(await post('/webhooks', { url: 'http://10.0.0.1/' }), {
        ...invalid,
        param: 'url',
      });
      expectProblem(await post('/webhooks', { url: URL, kinds: ['everything'] }), {
        ...invalid,
        param: 'kinds[0]',
      });
      expectProblem(await post('/webhooks', { url: URL, customers: ['nobody'] }), {
        status: 404,
        code: 'not_found',
        param: 'customers[0]',
      });
      expectProblem(await post('/webhooks', { url: URL, secret: 'mine' }), {
        ...invalid,
        param: 'secret',
      });
      for (const path of ['rotate', 'test', 'redeliver']) {
        const reply = await suite.harness.call('POST', `/webhooks/wh_none/${path}`);
        expectProblem(reply, { status: 404, code: 'not_found' });
      }
    });
  });

  describe('deliveries', () => {
    it('are listed with attempts; dead letters are sent again', async () => {
      const { body } = await post('/webhooks', { url: URL });
      const destination = String(body['id']);
      const eventId = await raise(null, 'one');
      const { outbox } = suite.harness.store.alerting;
      const claim = () =>
        outbox.claim({ nowMs: suite.harness.now(), perDestination: 5, fixed: [] });
      await claim();
      await outbox.record({
        eventId,
        destination,
        startedAtMs: suite.harness.now(),
        durationMs: 7,
        status: 500,
        error: 'answered 500',
        reply: '<b>no</b>',
        next: 'dead',
        disable: null,
      });
      expect(dataOf(await get('/deliveries?state=dead'))).toMatchObject([
        {
          event: eventId,
          destination,
          state: 'dead',
          next_attempt_at: null,
          attempts: [{ n: 1, status: 500, duration_ms: 7, reply: '<b>no</b>' }],
        },
      ]);
      const again = await post(`/webhooks/${destination}/redeliver`, {});
      expect(again.body).toEqual({ queued: 1 });
      expect((await claim()).due).toHaveLength(1);
      const one = await post('/deliveries/redeliver', { destination, event: eventId });
      expect(one.body).toEqual({ queued: 1 });
      expectProblem(await post('/deliveries/redeliver', { destination, event: 'evt_none' }), {
        status: 404,
        code: 'not_found',
        param: 'event',
      });
      const own = await get(`/webhooks/${destination}/deliveries?state=pending`);
      expect(dataOf(own)).toHaveLength(1);
      expectProblem(await get('/deliveries?state=lost'), {
        status: 400,
        code: 'invalid_request',
        param: 'state',
      });
    });
  });

  describe('alerts', () => {
    it('are listed, filtered, read and acknowledged', async () => {
      const { body: customer } = await starter();
      const ours = await raise(null, 'ours');
      const theirs = await raise(String(customer['id']), 'theirs');
      const ids = async (query: string) =>
        dataOf(await get(`/alerts${query}`)).map((alert) => alert['id']);
      expect(await ids('')).toEqual([theirs, ours]);
      expect(await ids('?customer=user-1')).toEqual([theirs]);
      expect(await ids('?kind=threshold')).toEqual([]);
      const read = await get(`/alerts/${theirs}`);
      expect(read.body).toMatchObject({
        kind: 'operator',
        severity: 'critical',
        state: 'open',
        customer: { id: customer['id'], externalId: 'user-1' },
        title: 'provider_auth at sim',
        details: { problem: 'provider_auth' },
      });
      const acknowledged = await suite.harness.call('POST', `/alerts/${theirs}/acknowledge`);
      expect(acknowledged.body).toMatchObject({ state: 'acknowledged' });
      expect(await ids('?state=open')).toEqual([ours]);
      expectProblem(await get('/alerts/evt_none'), { status: 404, code: 'not_found' });
      expectProblem(await suite.harness.call('POST', '/alerts/evt_none/acknowledge'), {
        status: 404,
        code: 'not_found',
      });
      expectProblem(await get('/alerts?customer=none'), { status: 404, code: 'not_found' });
      expectProblem(await get('/alerts?state=new'), {
        status: 400,
        code: 'invalid_request',
        param: 'state',
      });
    });
  });
}
