import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, chatBody, openLab, type Lab, type Reply } from '../support/lab.ts';

/** Nano-USD of a decimal string with nine places. */
function nano(text: unknown): bigint {
  return BigInt(String(text).replace('.', ''));
}

function usd(amount: bigint): string {
  const digits = amount.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

describe('credits over HTTP', () => {
  let lab: Lab;

  const admin = (path: string, body?: unknown, method?: string): Promise<Reply> =>
    lab.call(`/admin/v1${path}`, {
      key: ADMIN_KEY,
      ...(body === undefined ? {} : { body }),
      ...(method === undefined ? {} : { method }),
    });
  const chat = (customer: string, maxTokens = 20): Promise<Reply> =>
    lab.call('/v1/chat/completions', {
      body: chatBody('openai/gpt-4o-mini', { max_tokens: maxTokens }),
      headers: { 'x-gateway-customer': customer },
    });
  const topUp = (customer: string, amount: bigint): Promise<Reply> =>
    admin(`/customers/${customer}/wallet/grants`, { amount: usd(amount) });
  /** What one call has to reserve, told by the refusal of an empty wallet. */
  const needOf = async (customer: string): Promise<bigint> => {
    const { error } = await chat(customer);
    const [limit] = error['limits'] as { requested: string }[];
    return nano(limit?.requested);
  };

  beforeAll(async () => {
    lab = await openLab();
    await admin('/plans', { id: 'prepaid', name: 'Prepaid', funding: 'wallet', limits: [] });
    for (const externalId of ['empty', 'many', 'debtor']) {
      expect((await admin('/customers', { externalId, plan: 'prepaid' })).status).toBe(201);
    }
  });

  afterAll(async () => {
    await lab.close();
  });

  it('refuses on an empty wallet with 402 and how much to top up', async () => {
    const before = lab.simulator.log.length;
    const refused = await chat('empty');
    expect(refused.status).toBe(402);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(refused.error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_funds',
      limits: [{ id: 'wallet', window: 'lifetime', remaining: '0.000000000', resets_at: null }],
    });
    const [limit] = refused.error['limits'] as { requested: string }[];
    expect(refused.error['actions']).toContainEqual({ do: 'top_up', amount: limit?.requested });
    expect(lab.simulator.log).toHaveLength(before);
  });

  it('lets 200 calls at once take what is there and no more, and charges to the nano', async () => {
    const need = await needOf('many');
    await topUp('many', need * 100n);
    const replies = await Promise.all(Array.from({ length: 200 }, () => chat('many')));
    const served = replies.filter((reply) => reply.status === 200);
    expect(served.length).toBeGreaterThanOrEqual(100);
    const others = replies.filter((reply) => reply.status !== 200);
    for (const reply of others) expect(reply.error['code']).toBe('insufficient_funds');
    expect(await lab.openHolds()).toBe(0);
    const costs = served.map((reply) => nano(reply.headers.get('x-gateway-cost')));
    const spent = costs.reduce((sum, cost) => sum + cost, 0n);
    const { json } = await admin('/customers/many/wallet');
    expect(nano(json['balance'])).toBe(need * 100n - spent);
    expect([json['held'], json['debt']]).toEqual(['0.000000000', '0.000000000']);
  });

  it('shows the balance to the customer', async () => {
    await topUp('debtor', 5_000_000_000n);
    const headers = { 'x-gateway-customer': 'debtor' };
    const me = await lab.call('/v1/me', { headers });
    expect(me.json['wallet']).toEqual({
      currency: 'USD',
      balance: '5.000000000',
      held: '0.000000000',
      debt: '0.000000000',
    });
    const limits = await lab.call('/v1/limits', { headers });
    expect(limits.json['limits']).toMatchObject([{ id: 'wallet', remaining: '5.000000000' }]);
  });
});
