/**
 * The trail of changes, over a running gateway.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';

interface Row {
  readonly id: string;
  readonly key: string;
  readonly action: string;
  readonly target: string;
  readonly request_id: string;
  readonly details: Readonly<Record<string, unknown>>;
}

describe('GET /admin/v1/audit', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({ providers: 'none' });
  });
  afterAll(() => lab.close());

  const admin = (
    path: string,
    body?: unknown,
    more: { readonly method?: string; readonly headers?: Record<string, string> } = {},
  ): Promise<Reply> =>
    lab.call(`/admin/v1${path}`, {
      key: ADMIN_KEY,
      ...more,
      ...(body === undefined ? {} : { body }),
    });
  const rows = async (query = ''): Promise<readonly Row[]> =>
    (await admin(`/audit${query}`)).json['data'] as Row[];

  const PLAN = { id: 'starter', name: 'Starter', limits: [] };

  it('has one row for each request that changed anything: who, when, what, and no secrets', async () => {
    const before = (await rows()).length;
    const made = await admin('/plans', PLAN);
    await admin('/customers', { externalId: 'user-1', plan: 'starter' });
    const key = await admin('/keys', { customer: 'user-1', name: 'laptop' });
    await admin('/customers/user-1/subscription', { plan: 'pro' }, { method: 'PATCH' });
    await admin('/customers/user-1/wallet/grants', { amount: '5.00', reference: 'invoice-1' });
    await admin('/price-rules', { plan: 'pro', match: 'sim/*', markup_percent: '10' });
    await admin('/webhooks', { url: 'https://example.com/hooks/T0K3N' });
    await admin(`/keys/${String(key.json['id'])}/revoke`, {});
    const trail = await rows();
    expect(trail.slice(0, trail.length - before).map(({ action }) => action)).toEqual([
      'revokeKey',
      'createWebhook',
      'createPriceRule',
      'grantCredit',
      'changeSubscription',
      'createKey',
      'createCustomer',
      'createPlan',
    ]);
    const [plan] = await rows('?action=createPlan');
    expect(plan).toMatchObject({
      target: '/admin/v1/plans',
      request_id: made.headers.get('x-request-id'),
      details: PLAN,
    });
    expect(plan?.key).toMatch(/^key_/);
    const { text } = await admin('/audit?limit=200');
    expect(text).not.toContain('T0K3N');
    expect(text).not.toContain(String(key.json['key']));
  });

  it('tells nothing of what was refused, read, or sent again', async () => {
    const before = await rows();
    expect((await admin('/plans', PLAN)).status).toBe(409);
    expect((await admin('/customers', { externalId: 'user-2', plan: 'nope' })).status).toBe(404);
    await admin('/ledger/verify', {});
    await admin('/prices/explain', { model: 'sim/chat', usage: { input_text_tokens: 1 } });
    expect(await rows()).toEqual(before);
    const once = { headers: { 'idempotency-key': 'make-user-3' } };
    const made = await admin('/customers', { externalId: 'user-3', plan: 'free' }, once);
    const again = await admin('/customers', { externalId: 'user-3', plan: 'free' }, once);
    expect([made.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(await rows()).toHaveLength(before.length + 1);
  });

  it('tells of what leaves the store as it was: a copy of the ledger, a message sent', async () => {
    const before = (await rows()).length;
    await admin('/ledger/backups', {});
    const hook = await admin('/webhooks', { url: 'https://example.invalid/hook' });
    await admin(`/webhooks/${String(hook.json['id'])}/test`, {});
    // Nobody is named by what was refused.
    expect((await admin('/webhooks/whk_nothing/test', {})).status).toBe(404);
    const trail = await rows();
    expect(trail.slice(0, trail.length - before).map(({ action }) => action)).toEqual([
      'testWebhook',
      'createWebhook',
      'backupLedger',
    ]);
  });

  it('comes in pages, by who and when', async () => {
    const all = await rows();
    const first = await admin('/audit?limit=2');
    const cursor = String(first.json['next_cursor']);
    const next = await rows(`?limit=2&cursor=${cursor}`);
    expect([...(first.json['data'] as Row[]), ...next]).toEqual(all.slice(0, 4));
    expect(await rows('?key=key_nobody')).toEqual([]);
    expect(await rows(`?key=${all[0]?.key ?? ''}&to=2020-01-01`)).toEqual([]);
    expect(await rows('?from=2020-01-01')).toEqual(all);
  });
});
