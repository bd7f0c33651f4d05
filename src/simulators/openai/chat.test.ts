import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countTokens, createSimulator, SIMULATED_LABEL, type Simulator } from '../index.ts';
import { isValidJson } from '../testing/json-schema.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterAll(() => simulator.close());

async function post(body: object): Promise<Response> {
  return fetch(`${simulator.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer key' },
    body: JSON.stringify(body),
  });
}

async function postJson(body: object): Promise<OpenAI.ChatCompletion> {
  const reply = await post(body);
  expect(reply.status).toBe(200);
  return (await reply.json()) as OpenAI.ChatCompletion;
}

const hello = { model: 'chat', messages: [{ role: 'user', content: 'Say hello to Ann' }] } as const;

test('equal requests get equal bytes; another seed or prompt gets another answer', async () => {
  const [first, second] = [await post(hello), await post(hello)];
  expect(await first.text()).toBe(await second.text());
  const stream = { ...hello, stream: true };
  const events = await (await post(stream)).text();
  expect(await (await post(stream)).text()).toBe(events);
  const other = await createSimulator({ seed: 2 });
  const reply = await fetch(`${other.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify(hello),
  });
  const theirs = (await reply.json()) as OpenAI.ChatCompletion;
  await other.close();
  const ours = await postJson(hello);
  expect(theirs.choices[0]?.message.content).not.toBe(ours.choices[0]?.message.content);
  const fallback = await postJson({ ...hello, model: 'another-model' });
  expect(fallback.choices[0]?.message.content).toBe(ours.choices[0]?.message.content);
  expect(fallback.id).not.toBe(ours.id);
});

describe.each([
  [
    'openai 7',
    (): OpenAI => new OpenAI({ baseURL: `${simulator.url}/openai/v1`, apiKey: 'k', maxRetries: 0 }),
  ],
  [
    'openai 6',
    (): OpenAI6 => new OpenAI6({ baseURL: `${simulator.url}/v1`, apiKey: 'k', maxRetries: 0 }),
  ],
])('%s', (_name, makeClient) => {
  test('reads a whole answer and a stream with the same text and usage', async () => {
    const client = makeClient() as OpenAI;
    const whole = await client.chat.completions.create({ ...hello, messages: [...hello.messages] });
    const text = whole.choices[0]?.message.content ?? '';
    expect(text.startsWith(SIMULATED_LABEL)).toBe(true);
    expect(whole.usage?.completion_tokens).toBe(countTokens(text));
    expect(whole.usage?.prompt_tokens).toBe(countTokens('Say hello to Ann') + 4 + 3);
    const runner = client.chat.completions.stream({
      ...hello,
      messages: [...hello.messages],
      stream_options: { include_usage: true },
    });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(text);
    expect(final.choices[0]?.finish_reason).toBe('stop');
    expect(final.usage).toEqual(whole.usage);
  });

  test('reads tool calls, parallel ones too', async () => {
    const client = makeClient() as OpenAI;
    const parameters = {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 5 } },
      required: ['city', 'days'],
      additionalProperties: false,
    };
    const tool = (name: string) => ({ type: 'function' as const, function: { name, parameters } });
    const runner = client.chat.completions.stream({
      model: 'chat',
      messages: [{ role: 'user', content: 'call weather, then call news' }],
      tools: [tool('weather'), tool('news'), tool('other')],
    });
    const final = await runner.finalChatCompletion();
    const calls = final.choices[0]?.message.tool_calls ?? [];
    expect(final.choices[0]?.finish_reason).toBe('tool_calls');
    expect(calls.map((call) => (call.type === 'function' ? call.function.name : ''))).toEqual([
      'weather',
      'news',
    ]);
    for (const call of calls) {
      const text = call.type === 'function' ? call.function.arguments : '';
      expect(isValidJson(parameters, JSON.parse(text))).toBe(true);
    }
  });

  test('reads errors with their members', async () => {
    const client = makeClient() as OpenAI;
    const call = client.chat.completions.create({
      model: 'fault-429-retry-after-7',
      messages: [...hello.messages],
    });
    await expect(call).rejects.toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
      type: 'requests',
    });
  });

  test('lists models', async () => {
    const client = makeClient() as OpenAI;
    const page = await client.models.list();
    expect(page.data.map((model) => model.id)).toContain('chat');
    expect((await client.models.retrieve('gpt-4o')).id).toBe('gpt-4o');
  });
});

test('max tokens cut the text and are all that is counted', async () => {
  const full = await postJson({ ...hello, model: 'chat--tokens-30' });
  expect(full.usage?.completion_tokens).toBe(30);
  expect(full.choices[0]?.finish_reason).toBe('stop');
  const cut = await postJson({ ...hello, model: 'chat--tokens-30', max_tokens: 9 });
  expect(cut.choices[0]?.finish_reason).toBe('length');
  expect(cut.usage?.completion_tokens).toBe(9);
  expect(full.choices[0]?.message.content?.startsWith(cut.choices[0]?.message.content ?? '?')).toBe(
    true,
  );
  expect(countTokens(cut.choices[0]?.message.content ?? '')).toBe(9);
  const exact = await postJson({ ...hello, model: 'chat--tokens-30', max_completion_tokens: 30 });
  expect(exact.choices[0]?.finish_reason).toBe('stop');
});

test('stop sequences end the text before them', async () => {
  const full = await postJson(hello);
  const text = full.choices[0]?.message.content ?? '';
  const stopped = await postJson({ ...hello, stop: ['never-there', '. '] });
  expect(stopped.choices[0]?.finish_reason).toBe('stop');
  expect(stopped.choices[0]?.message.content).toBe(text.slice(0, text.indexOf('. ')));
  expect(stopped.usage?.completion_tokens).toBe(countTokens(text.slice(0, text.indexOf('. '))));
});

test('n choices differ and are all counted', async () => {
  const reply = await postJson({ ...hello, n: 3 });
  const texts = reply.choices.map((choice) => choice.message.content ?? '');
  expect(new Set(texts).size).toBe(3);
  const total = texts.reduce((sum, text) => sum + countTokens(text), 0);
  expect(reply.usage?.completion_tokens).toBe(total);
  expect(reply.usage?.total_tokens).toBe(total + (reply.usage?.prompt_tokens ?? 0));
});

test('structured output is valid for its schema', async () => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      tags: { type: 'array', items: { enum: ['a', 'b'] }, minItems: 2 },
      score: { type: 'number', minimum: 0, maximum: 1 },
    },
    required: ['title', 'tags', 'score'],
    additionalProperties: false,
  };
  const reply = await postJson({
    ...hello,
    response_format: { type: 'json_schema', json_schema: { name: 'post', schema, strict: true } },
  });
  const value: unknown = JSON.parse(reply.choices[0]?.message.content ?? '');
  expect(isValidJson(schema, value)).toBe(true);
  const object = await postJson({ ...hello, response_format: { type: 'json_object' } });
  expect(JSON.parse(object.choices[0]?.message.content ?? '')).toMatchObject({ simulated: true });
});

test('tool choice decides', async () => {
  const tools = ['one', 'two'].map((name) => ({ type: 'function', function: { name } }));
  const called = async (extra: object): Promise<string[]> => {
    const reply = await postJson({ ...hello, tools, ...extra });
    const calls = reply.choices[0]?.message.tool_calls ?? [];
    return calls.map((call) => (call.type === 'function' ? call.function.name : ''));
  };
  expect(await called({})).toEqual([]);
  expect(await called({ tool_choice: 'required' })).toEqual(['one']);
  expect(await called({ tool_choice: { type: 'function', function: { name: 'two' } } })).toEqual([
    'two',
  ]);
  const asked = [{ role: 'user', content: 'call one and call two' }];
  expect(await called({ messages: asked })).toEqual(['one', 'two']);
  expect(await called({ messages: asked, parallel_tool_calls: false })).toEqual(['one']);
  expect(await called({ messages: asked, tool_choice: 'none' })).toEqual([]);
  const answered = [...asked, { role: 'tool', tool_call_id: 'x', content: 'done' }];
  expect(await called({ messages: answered })).toEqual([]);
});

test('reasoning is counted inside the completion and inside its limit', async () => {
  const request = { ...hello, model: 'gpt-5-nano', reasoning_effort: 'low' };
  const reply = await postJson(request);
  const text = reply.choices[0]?.message.content ?? '';
  expect(reply.usage?.completion_tokens_details?.reasoning_tokens).toBe(16);
  expect(reply.usage?.completion_tokens).toBe(16 + countTokens(text));
  const cut = await postJson({ ...request, max_completion_tokens: 10 });
  expect(cut.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } });
  expect(cut.usage?.completion_tokens).toBe(10);
  const refused = await post({ ...request, max_tokens: 10 });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: { code: 'unsupported_parameter', param: 'max_tokens' },
  });
});

test('images, audio and cached input are counted apart', async () => {
  const content = [
    { type: 'text', text: 'Look' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    { type: 'input_audio', input_audio: { data: 'A'.repeat(8532), format: 'wav' } },
  ];
  const reply = await postJson({ model: 'chat--cached-5', messages: [{ role: 'user', content }] });
  expect(reply.usage?.prompt_tokens).toBe(1 + 4 + 3 + 85 + 765 + 20);
  expect(reply.usage?.prompt_tokens_details).toMatchObject({ cached_tokens: 5, audio_tokens: 20 });
});

test('log probabilities have one entry a token, in streams too', async () => {
  const request = { ...hello, logprobs: true, top_logprobs: 2 };
  const reply = await postJson(request);
  const entries = reply.choices[0]?.logprobs?.content ?? [];
  expect(entries.map((entry) => entry.token).join('')).toBe(reply.choices[0]?.message.content);
  expect(entries[0]?.top_logprobs).toHaveLength(2);
  const client = new OpenAI({ baseURL: `${simulator.url}/openai/v1`, apiKey: 'k' });
  const stream = await client.chat.completions.create({
    ...request,
    messages: [...hello.messages],
    stream: true,
  });
  const streamed: string[] = [];
  for await (const chunk of stream) {
    for (const entry of chunk.choices[0]?.logprobs?.content ?? []) streamed.push(entry.token);
  }
  expect(streamed).toEqual(entries.map((entry) => entry.token));
});

test('a stream has a role first, usage only when asked, an end, and LF framing', async () => {
  const text = await (await post({ ...hello, stream: true })).text();
  const events = text.split('\n\n').filter(Boolean);
  expect(events[0]).toContain('"delta":{"role":"assistant","content":"","refusal":null}');
  expect(events.at(-1)).toBe('data: [DONE]');
  expect(text).not.toContain('"usage"');
  expect(text).not.toContain('\r');
  const asked = await (
    await post({ ...hello, stream: true, stream_options: { include_usage: true } })
  ).text();
  const chunks = asked.split('\n\n').filter((event) => event.startsWith('data: {'));
  const last = JSON.parse(chunks.at(-1)?.slice(6) ?? '') as OpenAI.ChatCompletionChunk;
  expect(last.choices).toEqual([]);
  expect(last.usage?.total_tokens).toBeGreaterThan(0);
  for (const chunk of chunks.slice(0, -1)) expect(chunk).toContain('"usage":null');
});

test.each([
  [{ messages: [] }, 400, 'you must provide a model parameter'],
  [{ model: 'm' }, 400, "Missing required parameter: 'messages'."],
  [{ ...hello, max_tokens: 0 }, 400, 'max_tokens'],
  [{ ...hello, temperature: 3 }, 400, 'temperature'],
])('refuses %j', async (body, status, message) => {
  const reply = await post(body);
  expect(reply.status).toBe(status);
  expect(JSON.stringify(await reply.json())).toContain(message);
});

test('traits limit the context and refuse a prefill', async () => {
  const long = await post({ ...hello, model: 'chat--context-5' });
  expect(long.status).toBe(400);
  expect(await long.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  const messages = [...hello.messages, { role: 'assistant', content: 'Hel' }];
  expect((await post({ model: 'chat--no-prefill', messages })).status).toBe(400);
  expect((await post({ model: 'chat', messages })).status).toBe(200);
});

test('keys with "bad" are refused, and a required key is required', async () => {
  const client = new OpenAI({
    baseURL: `${simulator.url}/openai/v1`,
    apiKey: 'sk-bad',
    maxRetries: 0,
  });
  await expect(client.models.list()).rejects.toMatchObject({
    status: 401,
    code: 'invalid_api_key',
  });
  const strict = await createSimulator({ seed: 1, apiKey: 'right' });
  const listed = async (apiKey: string): Promise<number> => {
    const headers = { authorization: `Bearer ${apiKey}` };
    return (await fetch(`${strict.url}/v1/models`, { headers })).status;
  };
  expect([await listed('right'), await listed('wrong')]).toEqual([200, 401]);
  expect((await fetch(`${strict.url}/v1/models`)).status).toBe(401);
  await strict.close();
});

test('the log has what was received, sent and billed', async () => {
  simulator.reset();
  const reply = await post({ ...hello, stream: true });
  await reply.text();
  await simulator.idle();
  const [entry] = simulator.log;
  expect(simulator.log).toHaveLength(1);
  expect(entry).toMatchObject({
    family: 'openai',
    model: 'chat',
    stream: true,
    status: 200,
    outcome: 'completed',
    clientClosedEarly: false,
    keyLast4: 'key',
  });
  expect(reply.headers.get('x-request-id')).toBe(entry?.id);
  const whole = await postJson(hello);
  expect(entry?.billed).toMatchObject({
    inputTokens: whole.usage?.prompt_tokens,
    outputTokens: whole.usage?.completion_tokens,
  });
  expect(entry?.contentEventsSent).toBe(whole.usage?.completion_tokens);
});
