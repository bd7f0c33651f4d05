import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createSimulator, type Simulator } from '../index.ts';

let simulator: Simulator;
let client: OpenAI;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
  client = new OpenAI({
    baseURL: `${simulator.url}/huggingface/v1`,
    apiKey: 'hf_x',
    maxRetries: 0,
  });
});
afterAll(() => simulator.close());

const messages = [{ role: 'user' as const, content: 'Say hello to Ann' }];

test('answers under the name without suffix, with a retry-after that means nothing', async () => {
  const { data, response } = await client.chat.completions
    .create({ model: 'openai/gpt-oss-120b:cheapest', messages })
    .withResponse();
  expect(data.model).toBe('openai/gpt-oss-120b');
  expect(response.headers.get('retry-after')).toBe('30');
  expect(data).not.toHaveProperty('system_fingerprint');
  expect(data.choices[0]?.message).toHaveProperty('reasoning_content');
  expect(data.usage?.completion_tokens_details?.reasoning_tokens).toBe(32);
});

test('usage is bare where there is nothing to detail', async () => {
  const reply = await client.chat.completions.create({ model: 'simulated/chat', messages });
  expect(Object.keys(reply.usage ?? {})).toEqual([
    'prompt_tokens',
    'completion_tokens',
    'total_tokens',
  ]);
});

test('streams reasoning before the answer', async () => {
  const stream = await client.chat.completions.create({
    model: 'openai/gpt-oss-120b',
    messages,
    stream: true,
  });
  const members: string[] = [];
  for await (const chunk of stream) {
    for (const name of Object.keys(chunk.choices[0]?.delta ?? {})) {
      if (members.at(-1) !== name) members.push(name);
    }
  }
  expect(members).toEqual(['role', 'content', 'reasoning_content', 'content']);
});

test('an unknown suffix is not supported', async () => {
  const call = client.chat.completions.create({ model: 'org/name:nowhere', messages });
  await expect(call).rejects.toMatchObject({ status: 400, code: 'model_not_supported' });
});

test.each([
  ['401', 401, '{"error":"Invalid username or password."}'],
  ['402', 402, 'monthly included credits'],
  ['404', 404, 'does not exist'],
  ['422', 422, 'Failed to deserialize'],
  ['503', 503, 'estimated_time'],
  ['529', 529, '"detail"'],
  ['504', 504, '"message"'],
])('fault %s has its own shape', async (fault, status, text) => {
  const reply = await fetch(`${simulator.url}/huggingface/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: `org/fault-${fault}`, messages }),
  });
  expect(reply.status).toBe(status);
  expect(await reply.text()).toContain(text);
});

test('lists models with price, latency and throughput', async () => {
  const reply = await fetch(`${simulator.url}/huggingface/v1/models`);
  const provider = z.object({
    provider: z.string(),
    status: z.literal('live'),
    pricing: z.object({ input: z.number(), output: z.number() }),
    first_token_latency_ms: z.number(),
    throughput: z.number(),
  });
  const list = z.object({
    data: z.array(z.object({ id: z.string(), providers: z.array(provider).min(1) })),
  });
  expect(list.parse(await reply.json()).data.length).toBeGreaterThan(1);
});
