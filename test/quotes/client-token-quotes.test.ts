/**
 * Quotes that a client token asks for: its bound and its scopes hold for them as for its calls.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, verifyLedger } from '../support/running-gateway.ts';

interface ShownQuote {
  readonly can_proceed: boolean;
  readonly total: Readonly<Record<'max', string>>;
  readonly operations: readonly {
    readonly allowed: boolean;
    readonly blocked_by: readonly string[];
    readonly reason: { readonly code: string; readonly message: string } | null;
  }[];
  readonly hold: { readonly token: string } | null;
}

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
});
afterAll(async () => {
  await lab.close();
});

async function mint(more: Readonly<Record<string, unknown>>): Promise<string> {
  const { externalId: customer } = await createCustomerKey(lab.gateway);
  const body = { customer, expires_in_s: 600, ...more };
  const { status, json, text } = await lab.call('/v1/client-tokens', { body });
  expect(status, text).toBe(200);
  return String(json['token']);
}

const draft = {
  id: 'draft',
  type: 'text.generate',
  model: 'sim/chat',
  input: { tokens: 1000 },
  output: { max_tokens: 500 },
};

async function quote(token: string, more: Readonly<Record<string, unknown>> = {}) {
  const reply = await lab.call('/v1/quotes', {
    key: token,
    body: { operations: [draft], ...more },
  });
  expect(reply.status, reply.text).toBe(200);
  return reply.json as unknown as ShownQuote;
}

const chat = (token: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  lab.call('/v1/chat/completions', {
    key: token,
    headers,
    body: {
      model: 'sim/chat',
      messages: [{ role: 'user', content: 'Say hello' }],
      max_tokens: 40,
    },
  });

describe('a quote asked with a client token', () => {
  it('is refused beyond the token’s bound, and holds of it what it promises', async () => {
    const { total } = await quote(await mint({}));
    expect(Number(total.max)).toBeGreaterThan(0);
    const narrow = await quote(await mint({ max_spend_usd: (Number(total.max) / 2).toFixed(9) }));
    expect(narrow).toMatchObject({
      can_proceed: false,
      operations: [{ allowed: false, blocked_by: ['max_spend_usd'] }],
    });
    const token = await mint({ max_spend_usd: total.max });
    const held = await quote(token, { hold: { mode: 'all_or_nothing', ttl_s: 60 } });
    expect(held).toMatchObject({ can_proceed: true, operations: [{ allowed: true }] });
    // All of the bound stands behind the quote: nothing is left beside it, and what is quoted runs.
    expect(await quote(token)).toMatchObject({ can_proceed: false });
    expect((await chat(token)).error).toMatchObject({ code: 'limit_held' });
    expect((await chat(token, { 'x-gateway-quote': held.hold?.token ?? '' })).status).toBe(200);
    expect((await verifyLedger(lab.gateway)).mismatches).toEqual([]);
  });

  it.each([
    ['operations', 'forbidden', { operations: ['image.*'] }],
    ['models', 'model_not_allowed', { models: ['openai/*'] }],
  ])('respects the token’s %s', async (_scope, code, scopes) => {
    const token = await mint(scopes);
    const refused = await quote(token);
    expect(refused).toMatchObject({
      can_proceed: false,
      operations: [{ allowed: false, reason: { code } }],
    });
    const call = await chat(token);
    expect(call.error['code']).toBe(code);
  });
});
