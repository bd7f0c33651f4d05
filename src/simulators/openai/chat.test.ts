import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSimulator, SIMULATED_LABEL, type Simulator } from '../index.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterAll(() => simulator.close());

test('the official client reads a whole answer', async () => {
  const client = new OpenAI({ baseURL: `${simulator.url}/openai/v1`, apiKey: 'k', maxRetries: 0 });
  const reply = await client.chat.completions.create({
    model: 'chat',
    messages: [{ role: 'user', content: 'Hello there' }],
  });
  expect(reply.choices[0]?.message.content?.startsWith(SIMULATED_LABEL)).toBe(true);
  expect(reply.choices[0]?.finish_reason).toBe('stop');
});
