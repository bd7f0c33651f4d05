/**
 * Quotes under other settings: an alias with fallbacks, whose bound is the dearest candidate's while any of them may
 * answer; and customers that are made when they are first named.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

const CONFIG = `
customers:
  autoCreate: free
models:
  aliases:
    - alias: smart
      candidates: [gemini/gemini-2.5-flash, openai/gpt-4o]
`;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: CONFIG });
});
afterAll(async () => {
  await lab.close();
});

it('covers the dear fallback, so that an outage of the first is no reason for a refusal', async () => {
  const operation = {
    type: 'text.generate',
    model: 'smart',
    input: { tokens: 400 },
    output: { max_tokens: 100 },
  };
  const { apiKey: free } = await createCustomerKey(lab.gateway);
  const dear = await lab.call('/v1/quotes', {
    key: free,
    body: { operations: [{ ...operation, model: 'openai/gpt-4o' }] },
  });
  const { max } = dear.json['total'] as { max: string };
  const { apiKey: key } = await createCustomerKey(lab.gateway, {
    limits: [{ meter: 'cost_usd', window: 'period', amount: max }],
  });
  const made = await lab.call('/v1/quotes', {
    key,
    body: { operations: [operation], hold: { mode: 'all' } },
  });
  expect(made.json).toMatchObject({
    can_proceed: true,
    total: { max },
    operations: [{ model: 'gemini/gemini-2.5-flash', resolved_from: 'alias' }],
    limits: [{ id: 'cost_usd/period', requested: max, after: '0.000000000' }],
  });
  const { token } = made.json['hold'] as { token: string };
  lab.simulator.setFault({
    match: { model: 'gemini-2.5-flash' },
    sequence: ['500'],
    repeat: 'last',
  });
  const reply = await lab.call('/v1/chat/completions', {
    key,
    headers: { 'x-gateway-quote': token },
    body: { model: 'smart', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 },
  });
  expect(reply.status, reply.text).toBe(200);
  expect(reply.headers.get('x-gateway-provider')).toBe('openai');
  expect(await lab.openHolds()).toBe(0);
});

it('may be the first that a new customer asks, where customers are made when they are named', async () => {
  const reply = await lab.call('/v1/quotes', {
    headers: { 'x-gateway-customer': 'new-here' },
    body: {
      operations: [
        { type: 'text.generate', model: 'smart', input: { tokens: 1 }, output: { max_tokens: 1 } },
      ],
    },
  });
  expect(reply.json).toMatchObject({ object: 'quote', plan: { id: 'free' } });
});
