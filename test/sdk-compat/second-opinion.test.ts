/**
 * The official clients through the gateway to an upstream that this project did not write: `@copilotkit/aimock`
 * serves OpenAI's and Gemini's protocols from its own reading of them.
 *
 * @module
 */
import { LLMock } from '@copilotkit/aimock';
import type OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { clientOf, SDKS } from './sdks.ts';
import { installWireTap, type WireTap } from './wire-tap.ts';

const MODELS = ['openai/gpt-4o-mini', 'gemini/gemini-2.5-flash'];
const CASES = SDKS.flatMap((sdk) => MODELS.map((model) => [sdk.name, model, sdk] as const));

const usage = {
  prompt_tokens: 11,
  completion_tokens: 7,
  total_tokens: 18,
  promptTokenCount: 11,
  candidatesTokenCount: 7,
  totalTokenCount: 18,
};
const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

let mock: LLMock;
let lab: Lab;
let tap: WireTap;
beforeAll(async () => {
  mock = new LLMock({ port: 0, host: '127.0.0.1' });
  mock.on({ userMessage: 'weather', hasToolResult: true }, { content: 'It is sunny.', usage });
  mock.on(
    { userMessage: 'weather' },
    { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }], usage },
  );
  mock.on({ userMessage: 'hello' }, { content: 'Grüße aus dem Fjord – 😀', usage });
  const url = await mock.start();
  lab = await openLab({ environment: { OPENAI_BASE_URL: url, GEMINI_BASE_URL: url } });
  tap = installWireTap(lab.url);
});
afterEach(async () => {
  expect(tap.check().problems).toEqual([]);
  expect(await lab.openHolds()).toBe(0);
});
afterAll(async () => {
  tap.remove();
  await lab.close();
  await mock.stop();
});

const user = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: 'user', content }];

describe.each(CASES)('%s, %s over aimock', (_name, model, sdk) => {
  const client = (): OpenAI => clientOf(sdk, lab.url, SERVICE_KEY);

  it('answers in words, whole and streamed, with the usage that it was told', async () => {
    const body = { model, messages: user('hello there') };
    const whole = await client().chat.completions.create(body);
    expect(whole.choices[0]?.message.content).toBe('Grüße aus dem Fjord – 😀');
    expect(whole.choices[0]?.finish_reason).toBe('stop');
    expect(whole.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7 });
    const stream = client().chat.completions.stream({
      ...body,
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe('Grüße aus dem Fjord – 😀');
    expect(final.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7 });
  });

  it('calls a tool and reads its result, whole and streamed', async () => {
    for (const stream of [false, true]) {
      const messages = user('what is the weather?');
      const body = { model, messages, tools };
      const first = stream
        ? await client().chat.completions.stream(body).finalChatCompletion()
        : await client().chat.completions.create(body);
      const message = first.choices[0]?.message;
      const call = message?.tool_calls?.[0];
      if (message === undefined || call?.type !== 'function') throw new Error('no call');
      expect(first.choices[0]?.finish_reason).toBe('tool_calls');
      expect(call.function.name).toBe('weather');
      expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Oslo' });
      messages.push(message, { role: 'tool', tool_call_id: call.id, content: '{"sky":"clear"}' });
      const second = await client().chat.completions.create({ model, messages, tools });
      expect(second.choices[0]?.message.content).toBe('It is sunny.');
    }
  });

  it('P2: comes back after one rate limit of the mock', async () => {
    mock.nextRequestError(429, { message: 'Slow down', type: 'rate_limit_error' });
    const { data, response } = await client()
      .chat.completions.create({ model, messages: user('hello there') })
      .withResponse();
    expect(data.choices).toHaveLength(1);
    expect(response.headers.get('x-gateway-attempts')).toBe('2');
  });
});
