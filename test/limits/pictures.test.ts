/**
 * Limits on tokens judge a picture by what it can count, not by the bytes that it is sent in; and what was never counted
 * is booked by the same rule.
 *
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey, requestOf } from '../support/running-gateway.ts';

/** A PNG with so much behind its end that its base64 has 300,000 letters. */
const PICTURE = `iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg${'A'.repeat(
  300_000,
)}`;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

function seen(stream: boolean) {
  const url = `data:image/png;base64,${PICTURE}`;
  const content = [
    { type: 'text', text: 'What is it?' },
    { type: 'image_url', image_url: { url } },
  ];
  return {
    model: 'openai/gpt-4o-mini',
    max_tokens: 50,
    stream,
    messages: [{ role: 'user', content }],
  };
}

it('admits a large picture where its tokens fit', async () => {
  const { apiKey } = await createCustomerKey(lab.gateway, {
    limits: [{ meter: 'total_tokens', window: 'period', amount: 50_000 }],
  });
  const reply = await lab.call('/v1/chat/completions', { key: apiKey, body: seen(false) });
  expect(reply.status).toBe(200);
  expect(await lab.openHolds()).toBe(0);
});

it('estimates a picture as a picture where the provider never counts', async () => {
  lab.simulator.setFault({ sequence: ['no-usage'], repeat: 'last' });
  const reply = await lab.call('/v1/chat/completions', { body: seen(true) });
  lab.simulator.reset();
  const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
  expect(booked.estimated).toBe(true);
  expect(booked.usage['input_text_tokens']).toBeGreaterThan(1000);
  expect(booked.usage['input_text_tokens']).toBeLessThan(1200);
});
