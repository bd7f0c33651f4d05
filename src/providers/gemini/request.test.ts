import { describe, expect, it } from 'vitest';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TextMessage, TextOptions } from '../../contracts/text.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import { buildRequest } from './request.ts';

type Body = Record<string, unknown>;

const targetOf = (model: string): ProviderTarget => ({
  model,
  baseUrl: 'http://127.0.0.1:1',
  credential: 'secret-key',
  settings: {},
});
const user = (text: string): TextMessage => ({ role: 'user', parts: [{ type: 'text', text }] });

function build(options: Partial<TextOptions>, model = 'gemini-3.8-flash', stream = false) {
  const built = buildRequest({ messages: [user('hi')], ...options }, targetOf(model), stream);
  const body = JSON.parse(built.request.body?.toString('utf8') ?? '') as Body;
  return {
    ...built,
    body,
    warned: built.warnings.map(({ option, action }) => `${option} ${action}`),
  };
}

describe('path and headers', () => {
  it('keeps the key out of the URL', () => {
    const { request } = build({}, 'gemini-3.8-flash', true);
    expect(request.path).toBe('/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse');
    expect(request.headers['x-goog-api-key']).toBe('secret-key');
    expect(request.path).not.toContain('secret');
  });

  it.each([
    ['models/gemini-3.8-flash', '/v1beta/models/gemini-3.8-flash:generateContent'],
    ['tunedModels/my model', '/v1beta/tunedModels/my%20model:generateContent'],
    ['a:countTokens?x=1#', '/v1beta/models/a%3AcountTokens%3Fx%3D1%23:generateContent'],
  ])('%s becomes %s', (model, expected) => {
    expect(build({}, model).request.path).toBe(expected);
  });

  it.each(['', '..', '../files/x', 'models/../x', 'models//x'])(
    'refuses the model id %j',
    (model) => {
      expect(() => build({}, model)).toThrow(/model id/);
    },
  );

  it('adds the operator’s headers, but neither framing nor another key', () => {
    const settings = {
      'header.X-Team': 'blue',
      'header.content-length': '5',
      'header.x-goog-api-key': 'other',
      'header.bad name': 'x',
      'header.x-split': 'a\r\nb: c',
      region: 'eu',
    };
    const target = { ...targetOf('m'), settings };
    const { request } = buildRequest({ messages: [user('x')] }, target, false);
    expect(request.headers).toEqual({
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'alwrity-gateway',
      'x-goog-api-key': 'secret-key',
      'x-team': 'blue',
    });
  });

  it('sends no key where there is none', () => {
    const built = buildRequest(
      { messages: [user('x')] },
      { ...targetOf('m'), credential: null },
      false,
    );
    expect(built.request.headers).not.toHaveProperty('x-goog-api-key');
  });
});

describe('body', () => {
  it('sends the conversation, and store: false', () => {
    expect(build({}).body).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      store: false,
    });
  });

  it('maps every setting', () => {
    const { body, warnings } = build({
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      stop: ['a', 'b'],
      seed: 7,
      n: 2,
      logprobs: true,
      topLogprobs: 3,
      serviceTier: 'flex',
      responseFormat: { type: 'json' },
      reasoning: { effort: 'low', includeThoughts: true },
    });
    expect(body['generationConfig']).toEqual({
      candidateCount: 2,
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 7,
      stopSequences: ['a', 'b'],
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
      thinkingConfig: { thinkingLevel: 'LOW', includeThoughts: true },
    });
    expect(body['serviceTier']).toBe('flex');
    expect(warnings).toEqual([]);
  });

  it('names every option it cannot send', () => {
    const { warned, body } = build({
      logitBias: { 5: 1 },
      user: 'u',
      parallelToolCalls: false,
      serviceTier: 'scale',
      seed: 2 ** 40 + 3,
      stop: ['1', '2', '3', '4', '5', '6'],
      toolChoice: { type: 'required' },
      tools: [{ type: 'web-search', maxUses: 1, contextSize: 'low' }],
    });
    expect(warned.toSorted()).toEqual([
      'logitBias dropped',
      'parallelToolCalls dropped',
      'seed mapped',
      'serviceTier dropped',
      'stop clamped',
      'toolChoice dropped',
      'tools.web-search.contextSize dropped',
      'tools.web-search.maxUses dropped',
      'user dropped',
    ]);
    expect(body['tools']).toEqual([{ googleSearch: {} }]);
    expect(JSON.stringify(body)).not.toContain('logitBias');
  });
});

describe('provider options', () => {
  it('reach the body, whichever spelling they have', () => {
    const { body, warnings } = build({
      temperature: 1,
      providerOptions: {
        safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
        generationConfig: { media_resolution: 'MEDIA_RESOLUTION_LOW' },
        store: true,
        tools: [{ urlContext: {} }],
      },
      tools: [{ type: 'function', name: 'f' }],
    });
    expect(body).toMatchObject({
      safetySettings: [{ threshold: 'BLOCK_NONE' }],
      generationConfig: { temperature: 1, mediaResolution: 'MEDIA_RESOLUTION_LOW' },
      store: true,
      tools: [{ functionDeclarations: [{ name: 'f' }] }, { urlContext: {} }],
    });
    expect(warnings).toEqual([]);
  });

  it.each([
    { generationConfig: { maxOutputTokens: 1e6, candidateCount: 8 } },
    { generation_config: { max_output_tokens: 1e6, candidate_count: 8 } },
  ])('never widen what was held: %j', (providerOptions) => {
    const { body, warned } = build({ maxOutputTokens: 10, providerOptions });
    expect(body['generationConfig']).toEqual({ maxOutputTokens: 10 });
    expect(warned).toHaveLength(2);
  });

  it('never replace the conversation', () => {
    const { body, warned } = build({ providerOptions: { contents: [], system_instruction: {} } });
    expect(body['contents']).toEqual([{ role: 'user', parts: [{ text: 'hi' }] }]);
    expect(body).not.toHaveProperty('systemInstruction');
    expect(warned).toEqual([
      'providerOptions.contents dropped',
      'providerOptions.systemInstruction dropped',
    ]);
  });
});

describe('tools', () => {
  const strict = { type: 'function', name: 'f', strict: true } as const;
  it.each([
    [{ type: 'auto' }, { mode: 'AUTO' }],
    [{ type: 'none' }, { mode: 'NONE' }],
    [{ type: 'required' }, { mode: 'ANY' }],
    [
      { type: 'function', name: 'g' },
      { mode: 'ANY', allowedFunctionNames: ['g'] },
    ],
  ] as const)('choice %j', (toolChoice, functionCallingConfig) => {
    const { body } = build({ toolChoice, tools: [{ type: 'function', name: 'f' }] });
    expect(body['toolConfig']).toEqual({ functionCallingConfig });
  });

  it('holds strict functions to their schema', () => {
    expect(build({ tools: [strict] }).body['toolConfig']).toEqual({
      functionCallingConfig: { mode: 'VALIDATED' },
    });
  });

  it('says from Gemini 3 on that functions and searches go together', () => {
    const tools = [{ type: 'function', name: 'f' }, { type: 'web-search' }] as const;
    expect(build({ tools }).body['toolConfig']).toEqual({ includeServerSideToolInvocations: true });
    expect(build({ tools }, 'gemini-2.5-flash').body).not.toHaveProperty('toolConfig');
  });

  it('does not search when no tool may be used', () => {
    const { body, warnings } = build({
      toolChoice: { type: 'none' },
      tools: [{ type: 'web-search' }],
    });
    expect(body).not.toHaveProperty('tools');
    expect(warnings).toEqual([]);
  });
});

// The description of the API, walked by a checker that knows nothing of the adapter.
interface SpecSchema {
  $ref?: string;
  type?: string;
  enum?: string[];
  properties?: Record<string, SpecSchema>;
  items?: SpecSchema;
}
const recordedDirectory =
  process.env['GATEWAY_RECORDED_DIR'] ??
  path.resolve(import.meta.dirname, '../../../../shared/fixtures/recorded');
const specFile = path.join(recordedDirectory, '../specs/gemini.openapi.json');
const hasSpec = existsSync(specFile);
if (!hasSpec)
  process.stderr.write(`the API description is absent at ${specFile}: its test is skipped\n`);

function faultsOf(value: unknown, schema: SpecSchema, at: string): string[] {
  const spec = JSON.parse(specText) as { components: { schemas: Record<string, SpecSchema> } };
  const walk = (node: unknown, raw: SpecSchema, place: string): string[] => {
    const known =
      raw.$ref === undefined ? raw : spec.components.schemas[raw.$ref.split('/').at(-1) ?? ''];
    if (known === undefined) return [`${place}: no schema`];
    if (known.enum !== undefined && !known.enum.includes(String(node)))
      return [`${place}: ${String(node)}`];
    if (Array.isArray(node)) {
      if (known.type !== 'array') return [`${place}: list`];
      return node.flatMap((entry, index) => walk(entry, known.items ?? {}, `${place}[${index}]`));
    }
    if (known.type === 'array') return [`${place}: no list`];
    if (typeof node !== 'object' || node === null) {
      const type = known.type === 'integer' ? 'number' : known.type;
      return type === undefined || type === typeof node ? [] : [`${place}: ${typeof node}`];
    }
    const { properties } = known;
    if (properties === undefined) return [];
    return Object.entries(node).flatMap(([name, member]) => {
      const next = properties[name];
      return next === undefined
        ? [`${place}.${name}: unknown`]
        : walk(member, next, `${place}.${name}`);
    });
  };
  return walk(value, schema, at);
}
const specText = hasSpec ? readFileSync(specFile, 'utf8') : '{}';

describe.skipIf(!hasSpec)('the API description', () => {
  const schema = { $ref: '#/components/schemas/GenerateContentRequest' };
  it('has every member that a full request sends', () => {
    const { body } = build({
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'be brief' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'look' },
            {
              type: 'image',
              source: { kind: 'data', mimeType: 'image/png', base64: 'AAAA' },
              detail: 'high',
            },
            { type: 'audio', source: { kind: 'url', url: 'https://example.com/a.mp3' } },
            {
              type: 'video',
              source: { kind: 'provider-file', id: 'files/abc', mimeType: 'video/mp4' },
            },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: 'c2ln' },
            {
              type: 'tool-call',
              id: 'call_883098',
              name: 'f',
              argumentsJson: '{"a":1}',
              signature: 'c2ln',
            },
          ],
        },
        {
          role: 'tool',
          toolCallId: 'call_883098',
          parts: [
            { type: 'text', text: '{"ok":true}' },
            { type: 'image', source: { kind: 'data', mimeType: 'image/png', base64: 'AAAA' } },
          ],
        },
      ],
      tools: [
        {
          type: 'function',
          name: 'f',
          description: 'd',
          parameters: { type: 'object' },
          strict: true,
        },
        { type: 'web-search' },
      ],
      toolChoice: { type: 'function', name: 'f' },
      responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } },
      reasoning: { effort: 'high', includeThoughts: true },
      logprobs: true,
      topLogprobs: 2,
      stop: ['x'],
      seed: 1,
      n: 2,
      temperature: 1,
      topP: 1,
      topK: 1,
      presencePenalty: 1,
      frequencyPenalty: 1,
      maxOutputTokens: 5,
      serviceTier: 'priority',
    });
    expect(Object.keys(body).length).toBeGreaterThan(6);
    expect(faultsOf(body, schema, 'body')).toEqual([]);
    expect(faultsOf({ contents: [{ prats: 1 }], serviceTier: 'x' }, schema, 'body')).toHaveLength(
      2,
    );
  });
});

describe.skipIf(!existsSync(recordedDirectory))('recorded requests', () => {
  const recordedBody = (id: string): Body => {
    const text = readFileSync(path.join(recordedDirectory, `gemini/${id}.json`), 'utf8');
    return (JSON.parse(text) as { request: { body: Body } }).request.body;
  };
  it('structured output is asked for as recorded', () => {
    const recorded = recordedBody('generatecontent-structured-02');
    const { responseJsonSchema } = recorded['generationConfig'] as { responseJsonSchema: null };
    const { body } = build({
      messages: [user('Generate a person named Alice who is 28 years old')],
      responseFormat: { type: 'json-schema', name: 'person', schema: responseJsonSchema },
    });
    expect(body).toEqual({ ...recorded, store: false });
  });

  it('a tool loop is told as recorded, but for words of our own choice', () => {
    const recorded = recordedBody('generatecontent-tools-03');
    const [, called] = recorded['contents'] as { parts: { thoughtSignature: string }[] }[];
    const { body, warnings } = build(
      {
        messages: [
          user("What's the weather in Berlin? (52.5200, 13.4050)"),
          {
            role: 'assistant',
            parts: [
              {
                type: 'tool-call',
                id: 'call_0_x',
                name: 'weather',
                argumentsJson: '{"latitude":"52.5200","longitude":"13.4050"}',
                signature: called?.parts[0]?.thoughtSignature ?? '',
              },
            ],
          },
          {
            role: 'tool',
            toolCallId: 'call_0_x',
            parts: [
              {
                type: 'text',
                text: JSON.stringify({
                  name: 'weather',
                  content: [{ text: 'Current weather at 52.5200, 13.4050: 15°C, Wind: 10 km/h' }],
                }),
              },
            ],
          },
        ],
        reasoning: { effort: 'low', includeThoughts: true },
      },
      'gemini-3.1-pro-preview',
    );
    expect(body['contents']).toEqual(recorded['contents']);
    expect(warnings).toEqual([]);
  });
});
