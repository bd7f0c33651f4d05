import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { countTokens, createSimulator, type Simulator } from '../index.ts';
import { isValidJson } from '../testing/json-schema.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterAll(() => simulator.close());

interface Part {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  functionCall?: { name: string; args: unknown; id?: string };
}
interface Reply {
  candidates?: {
    content: { parts?: Part[]; role: string };
    finishReason?: string;
    index: number;
  }[];
  usageMetadata: Record<string, number>;
  promptFeedback?: { blockReason: string };
  modelVersion: string;
  responseId: string;
}

async function post(path: string, body: object, base = '/gemini/v1beta'): Promise<Response> {
  return fetch(`${simulator.url}${base}/models/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-goog-api-key': 'k' },
    body: JSON.stringify(body),
  });
}
async function generate(model: string, body: object): Promise<Reply> {
  const reply = await post(`${model}:generateContent`, body);
  expect(reply.status).toBe(200);
  return (await reply.json()) as Reply;
}
async function stream(model: string, body: object): Promise<{ text: string; events: Reply[] }> {
  const text = await (await post(`${model}:streamGenerateContent?alt=sse`, body)).text();
  const blocks = text.split('\r\n\r\n').filter(Boolean);
  return { text, events: blocks.map((block) => JSON.parse(block.slice('data: '.length)) as Reply) };
}
const textOf = (reply: Reply): string =>
  (reply.candidates?.[0]?.content.parts ?? [])
    .filter((part) => part.thought !== true)
    .map((part) => part.text ?? '')
    .join('');

const contents = [{ role: 'user', parts: [{ text: 'Say hello to Ann' }] }];

test('counts input, visible output and thoughts apart', async () => {
  const reply = await generate('gemini-2.5-flash', { contents });
  const visible = countTokens(textOf(reply));
  expect(reply.usageMetadata).toMatchObject({
    promptTokenCount: countTokens('Say hello to Ann'),
    candidatesTokenCount: visible,
    thoughtsTokenCount: 32,
    totalTokenCount: countTokens('Say hello to Ann') + visible + 32,
  });
  expect(reply.candidates?.[0]?.finishReason).toBe('STOP');
  const counted = await post('gemini-2.5-flash:countTokens', { contents });
  expect(await counted.json()).toEqual({
    totalTokens: reply.usageMetadata['promptTokenCount'],
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: reply.usageMetadata['promptTokenCount'] },
    ],
  });
});

test('a conversation gets the same text as on the OpenAI wire', async () => {
  const reply = await generate('chat', { contents });
  const openai = await fetch(`${simulator.url}/openai/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'chat',
      messages: [{ role: 'user', content: 'Say hello to Ann' }],
    }),
  });
  const completion = z
    .object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) })
    .parse(await openai.json());
  expect(textOf(reply)).toBe(completion.choices[0]?.message.content);
});

test('streams with CRLF, usage on every event, cumulative, no sentinel', async () => {
  const whole = await generate('gemini-2.5-flash', { contents });
  const { text, events } = await stream('gemini-2.5-flash', { contents });
  expect(text.replaceAll('\r\n', '')).not.toContain('\n');
  expect(text).toContain('"finishReason": "STOP"');
  expect(text).not.toContain('[DONE]');
  expect(events.map(textOf).join('')).toBe(textOf(whole));
  const counts = events.map((event) => event.usageMetadata['candidatesTokenCount'] ?? 0);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(events.at(-1)?.usageMetadata).toEqual(whole.usageMetadata);
  expect(events.at(-1)?.candidates?.[0]?.finishReason).toBe('STOP');
  expect(events.slice(0, -1).some((event) => event.candidates?.[0]?.finishReason)).toBe(false);
});

test('without alt=sse the stream is one JSON array', async () => {
  const reply = await post('chat:streamGenerateContent', { contents });
  expect(reply.headers.get('content-type')).toContain('application/json');
  const items = z.array(z.object({ usageMetadata: z.object({}) })).parse(await reply.json());
  expect(items.length).toBeGreaterThan(5);
});

test('Gemini 3 ends with an empty text that carries the signature', async () => {
  const { events } = await stream('gemini-3.8-flash', { contents });
  const parts = events.at(-1)?.candidates?.[0]?.content.parts ?? [];
  expect(parts).toEqual([{ text: '', thoughtSignature: expect.any(String) }]);
});

test('shows thoughts when asked', async () => {
  const generationConfig = { thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' } };
  const reply = await generate('gemini-3.8-flash', { contents, generationConfig });
  const thought = reply.candidates?.[0]?.content.parts?.find((part) => part.thought === true);
  expect(countTokens(thought?.text ?? '')).toBe(16);
  expect(reply.usageMetadata['thoughtsTokenCount']).toBe(16);
  const { events } = await stream('gemini-3.8-flash', { contents, generationConfig });
  expect(events[0]?.candidates?.[0]?.content.parts?.[0]?.thought).toBe(true);
  expect(events[0]?.usageMetadata).not.toHaveProperty('thoughtsTokenCount');
});

test('thoughts count against maxOutputTokens; nothing visible may be left', async () => {
  const generationConfig = { maxOutputTokens: 20 };
  const reply = await generate('gemini-2.5-flash', { contents, generationConfig });
  expect(reply.candidates?.[0]).toMatchObject({
    content: { role: 'model' },
    finishReason: 'MAX_TOKENS',
  });
  expect(reply.usageMetadata['thoughtsTokenCount']).toBe(20);
  const off = { ...generationConfig, thinkingConfig: { thinkingBudget: 0 } };
  const plain = await generate('gemini-2.5-flash', { contents, generationConfig: off });
  expect(plain.usageMetadata['candidatesTokenCount']).toBe(20);
  expect(plain.usageMetadata).not.toHaveProperty('thoughtsTokenCount');
});

test('structured output by both kinds of schema', async () => {
  const json = {
    type: 'object',
    properties: { result: { type: 'integer' } },
    required: ['result'],
  };
  const google = {
    type: 'OBJECT',
    properties: { result: { type: 'INTEGER' } },
    required: ['result'],
  };
  const responseMimeType = 'application/json';
  for (const generationConfig of [
    { responseMimeType, responseJsonSchema: json },
    { responseMimeType, responseSchema: google },
  ]) {
    const reply = await generate('chat', { contents, generationConfig });
    expect(isValidJson(json, JSON.parse(textOf(reply)))).toBe(true);
  }
});

test('calls functions and wants their signature back', async () => {
  const parametersJsonSchema = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  };
  const tools = [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema }] }];
  const asked = [{ role: 'user', parts: [{ text: 'call weather' }] }];
  const reply = await generate('gemini-3.8-flash', { contents: asked, tools });
  const [part] = reply.candidates?.[0]?.content.parts ?? [];
  expect(part?.functionCall).toEqual({
    name: 'weather',
    args: { city: expect.any(String) },
    id: expect.any(String),
  });
  const answer = {
    role: 'user',
    parts: [{ functionResponse: { name: 'weather', response: { ok: true } } }],
  };
  const turn = (parts: Part[]): object => ({
    contents: [...asked, { role: 'model', parts }, answer],
    tools,
  });
  expect((await post('gemini-3.8-flash:generateContent', turn([part ?? {}]))).status).toBe(200);
  const { thoughtSignature: _signature, ...unsigned } = part ?? {};
  const refused = await post('gemini-3.8-flash:generateContent', turn([unsigned]));
  expect(refused.status).toBe(400);
  expect(JSON.stringify(await refused.json())).toContain('thought_signature');
  const any = { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] } };
  const forced = await generate('gemini-2.5-flash', { contents, tools, toolConfig: any });
  expect(forced.candidates?.[0]?.content.parts?.[0]?.functionCall?.name).toBe('weather');
});

test('counts media by modality', async () => {
  const parts = [
    { text: 'Look' },
    { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    { inlineData: { mimeType: 'audio/wav', data: 'A'.repeat(60_000) } },
  ];
  const reply = await generate('chat', { contents: [{ role: 'user', parts }] });
  expect(reply.usageMetadata).toMatchObject({
    promptTokenCount: 1 + 258 + 64,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 1 },
      { modality: 'IMAGE', tokenCount: 258 },
      { modality: 'AUDIO', tokenCount: 64 },
    ],
  });
});

test('a blocked prompt is HTTP 200 without candidates and bills its input', async () => {
  for (const model of ['fault-blocked', 'fault-400-content-policy']) {
    simulator.reset();
    const reply = await generate(model, { contents });
    expect(reply.candidates).toBeUndefined();
    expect(reply.promptFeedback?.blockReason).toBe('SAFETY');
    await simulator.idle();
    expect(simulator.log[0]?.billed).toMatchObject({ inputTokens: 4, outputTokens: 0 });
  }
  const { events } = await stream('fault-blocked', { contents });
  expect(events).toHaveLength(1);
});

test.each([
  [{ contents, surprise: 1 }, 'Unknown name \\"surprise\\"'],
  [{ contents, generationConfig: { max_tokens: 1 } }, 'Unknown name \\"maxTokens\\"'],
  [{ contents: [] }, 'contents is not specified'],
  [{ contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 'valid role'],
  [{ contents, generationConfig: { responseSchema: {} } }, 'response_mime_type'],
])('refuses %j', async (body, message) => {
  const reply = await post('gemini-2.5-flash:generateContent', body);
  expect(reply.status).toBe(400);
  expect(JSON.stringify(await reply.json())).toContain(message);
});

test('Gemini 4 has levels, not budgets', async () => {
  const call = async (thinkingConfig: object): Promise<number> =>
    (
      await post('gemini-4-argon:generateContent', {
        contents,
        generationConfig: { thinkingConfig },
      })
    ).status;
  expect(await call({ thinkingBudget: 0 })).toBe(400);
  expect(await call({ thinkingLevel: 'MINIMAL' })).toBe(400);
  expect(await call({ thinkingLevel: 'HIGH' })).toBe(200);
});

test('a bad key is 400 with API_KEY_INVALID', async () => {
  const reply = await fetch(`${simulator.url}/gemini/v1beta/models?key=bad-key`);
  expect(reply.status).toBe(400);
  expect(JSON.stringify(await reply.json())).toContain('API_KEY_INVALID');
});

test('serves the root and /v1 as well, and pages the list of models', async () => {
  expect((await post('chat:generateContent', { contents }, '/v1beta')).status).toBe(200);
  expect((await post('chat:generateContent', { contents }, '/v1')).status).toBe(200);
  const page = async (
    query: string,
  ): Promise<{ models: { name: string }[]; nextPageToken?: string }> => {
    const reply = await fetch(`${simulator.url}/gemini/v1beta/models${query}`);
    return (await reply.json()) as { models: { name: string }[]; nextPageToken?: string };
  };
  const first = await page('?pageSize=10');
  const second = await page(`?pageSize=10&pageToken=${first.nextPageToken ?? ''}`);
  expect(first.models).toHaveLength(10);
  expect(second.nextPageToken).toBeUndefined();
  expect(new Set([...first.models, ...second.models].map((model) => model.name)).size).toBe(
    first.models.length + second.models.length,
  );
});

test.each([
  ['429-retry-info-34.4s', '34.4s'],
  ['429-retry-after-7', '7s'],
  ['429-retry-after-ms-1500', '1.5s'],
  ['429-negative', '-5s'],
  ['429-huge', '1000000000s'],
  ['429-garbage', 'soon-ish'],
])('%s says its wait in RetryInfo alone', async (fault, delay) => {
  const reply = await post(`fault-${fault}:generateContent`, { contents });
  expect(reply.status).toBe(429);
  expect(reply.headers.get('retry-after')).toBeNull();
  const body = JSON.stringify(await reply.json());
  expect(body).toContain(`"retryDelay":"${delay}"`);
  expect(body).toContain(`Please retry in ${delay}.`);
});

test('a spent daily quota is told from a rate', async () => {
  const rate = await (await post('fault-429:generateContent', { contents })).text();
  const day = await (await post('fault-429-per-day:generateContent', { contents })).text();
  expect(rate).toContain('PerMinute');
  expect(rate).not.toContain('RetryInfo');
  expect(day).toContain('PerDay');
});
