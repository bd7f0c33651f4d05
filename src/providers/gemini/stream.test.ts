import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { TextStreamPart } from '../../contracts/text.ts';
import { readReply } from './response.ts';
import { GeminiStreamReader } from './stream.ts';

const open = (choices = 1, model = 'gemini-3.8-flash') =>
  new GeminiStreamReader({ model, choices });
const event = (value: unknown) => ({ event: 'message', data: JSON.stringify(value) });
const textPart = (text: string) => ({ candidates: [{ content: { parts: [{ text }] } }] });
const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 };
const stop = { candidates: [{ finishReason: 'STOP' }], usageMetadata };

function readAll(reader: GeminiStreamReader, ...values: unknown[]): TextStreamPart[] {
  return [...values.flatMap((value) => reader.event(event(value))), ...reader.end()];
}
function failureOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure;
    throw error;
  }
  return null;
}
const whole = (body: unknown, choices = 1, model = 'gemini-3.8-flash') =>
  readReply(
    {
      status: 200,
      headers: {},
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    },
    { model, choices },
  );

describe('end of a stream', () => {
  it('is known once every choice has its reason and the usage is there', () => {
    const reader = open();
    reader.event(event(textPart('a')));
    expect(reader.complete).toBe(false);
    const last = reader.event(event(stop)).map(({ type }) => type);
    expect(reader.complete).toBe(true);
    expect(last).toEqual(['usage', 'finish']);
    expect(reader.end()).toEqual([]);
  });

  it('waits for every choice that was asked for', () => {
    const reader = open(2);
    reader.event(event({ ...stop, candidates: [{ index: 0, finishReason: 'STOP' }] }));
    expect(reader.complete).toBe(false);
    reader.event(event({ ...stop, candidates: [{ index: 1, finishReason: 'MAX_TOKENS' }] }));
    expect(reader.complete).toBe(true);
  });

  it('is not a reason alone: text and errors may follow', () => {
    const reader = open();
    const chunk = { candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }] };
    const parts = readAll(reader, chunk, chunk);
    expect(reader.complete).toBe(false);
    expect(parts.map(({ type }) => type)).toEqual([
      'answer-start',
      'text-delta',
      'text-delta',
      'finish',
    ]);
  });

  it.each([
    ['nothing', []],
    ['text without a reason', [textPart('a')]],
    [
      'a reason that says unfinished',
      [{ candidates: [{ finishReason: 'FINISH_REASON_UNSPECIFIED' }] }],
    ],
    [
      'one of two choices open',
      [{ candidates: [{ index: 0, finishReason: 'STOP' }, { index: 1 }] }],
    ],
  ])('after %s is a break', (_name, values) => {
    expect(failureOf(() => readAll(open(), ...values))?.kind).toBe('broken_stream');
  });

  it('tolerates a terminator', () => {
    const reader = open();
    reader.event(event(stop));
    expect(reader.event({ event: 'message', data: '[DONE]' })).toEqual([]);
  });
});

describe('failures', () => {
  it('in mid-stream keep their class, and the usage so far', () => {
    const reader = open();
    reader.event(event({ ...textPart('a'), usageMetadata }));
    const error = { code: 503, status: 'UNAVAILABLE', message: 'overloaded' };
    expect(failureOf(() => reader.event(event({ error })))).toMatchObject({
      kind: 'overloaded',
      status: 503,
      usage: { input_text_tokens: 3, output_text_tokens: 2 },
    });
  });

  it('without a code are theirs', () => {
    expect(failureOf(() => whole({ error: { message: 'x' } }))).toMatchObject({
      kind: 'server_error',
      status: 500,
    });
  });

  it.each(['{', 'null', '7', '"x"', '[1]'])('data %j is malformed', (data) => {
    expect(failureOf(() => open().event({ event: 'message', data }))?.kind).toBe('malformed_reply');
  });

  it.each([
    '',
    '<html>',
    '{}',
    '[]',
    '{"candidates":[]}',
    '{"candidates":[{}]}',
    '{"candidates":{"a":1}}',
    '{"usageMetadata":{"promptTokenCount":1}}',
  ])('a whole body %j is malformed', (body) => {
    expect(failureOf(() => whole(body))?.kind).toBe('malformed_reply');
  });

  it('a blocked prompt is filtered content with its usage', () => {
    const body = {
      promptFeedback: { blockReason: 'SAFETY' },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    };
    const expected = {
      kind: 'content_filtered',
      status: 200,
      providerCode: 'SAFETY',
      usage: { input_text_tokens: 4 },
    };
    expect(failureOf(() => whole(body))).toMatchObject(expected);
    expect(failureOf(() => open().event(event(body)))).toMatchObject(expected);
  });

  it('a block after content ends the answer as filtered', () => {
    const parts = readAll(open(), textPart('a'), { promptFeedback: { blockReason: 'SAFETY' } });
    expect(parts.at(-1)).toEqual({
      type: 'finish',
      choice: 0,
      reason: 'content-filter',
      raw: 'SAFETY',
    });
  });
});

describe('whole answers', () => {
  it('empty ones are answers', () => {
    expect(whole({ candidates: [{ finishReason: 'STOP' }] }).choices).toEqual([
      {
        index: 0,
        parts: [],
        finishReason: 'stop',
        rawFinishReason: 'STOP',
        sources: [],
        logprobs: null,
      },
    ]);
  });

  it('of an image alone are empty, and counted', () => {
    const body = {
      candidates: [
        {
          content: {
            parts: [{ inlineData: { mimeType: 'image/png', data: 'AA' }, thoughtSignature: 's' }],
          },
          finishReason: 'STOP',
        },
      ],
      usageMetadata: {
        candidatesTokenCount: 1120,
        candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
      },
    };
    const result = whole(body);
    expect(result.choices[0]?.parts).toEqual([]);
    expect(result.usage).toEqual({ output_image_tokens: 1120 });
  });

  it('keep every choice, in order', () => {
    const candidates = [
      { index: 1, content: { parts: [{ text: 'b' }] }, finishReason: 'MAX_TOKENS' },
      {
        index: 0,
        content: { parts: [{ functionCall: { name: 'f', args: { n: 1 } } }] },
        finishReason: 'STOP',
      },
    ];
    const { choices } = whole({ candidates, responseId: 'r/1' }, 2);
    expect(choices.map(({ index, finishReason }) => [index, finishReason])).toEqual([
      [0, 'tool-calls'],
      [1, 'length'],
    ]);
    expect(choices[0]?.parts).toEqual([
      { type: 'tool-call', id: 'call_0_r1', name: 'f', argumentsJson: '{"n":1}' },
    ]);
  });

  it('keep signatures with their parts, and join unsigned neighbours', () => {
    const parts = [
      { text: 'th', thought: true },
      { text: 'ought', thought: true },
      { text: 'a' },
      { text: 'b', thoughtSignature: 's1' },
      { text: '', thoughtSignature: 's2' },
      { functionCall: { name: 'f', id: 'call_1' }, thoughtSignature: 's3' },
    ];
    expect(
      whole({ candidates: [{ content: { parts }, finishReason: 'STOP' }] }).choices[0]?.parts,
    ).toEqual([
      { type: 'reasoning', text: 'thought' },
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b', signature: 's1' },
      { type: 'text', text: '', signature: 's2' },
      { type: 'tool-call', id: 'call_1', name: 'f', argumentsJson: '{}', signature: 's3' },
    ]);
  });

  it('keep every digit of arguments', () => {
    const body =
      '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"id":12345678901234567890}}}]},"finishReason":"STOP"}]}';
    expect(whole(body).choices[0]?.parts[0]).toMatchObject({
      argumentsJson: '{"id":12345678901234567890}',
    });
  });

  it('map log probabilities', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'a', logProbability: -0.5 }, { token: 'b' }],
      topCandidates: [
        {
          candidates: [
            { token: 'a', logProbability: -0.5 },
            { token: 'x', logProbability: -1 },
          ],
        },
      ],
    };
    const { choices } = whole({
      candidates: [{ content: { parts: [{ text: 'ab' }] }, finishReason: 'STOP', logprobsResult }],
    });
    expect(choices[0]?.logprobs).toEqual([
      {
        token: 'a',
        logprob: -0.5,
        bytes: null,
        top_logprobs: [
          { token: 'a', logprob: -0.5, bytes: null },
          { token: 'x', logprob: -1, bytes: null },
        ],
      },
      { token: 'b', logprob: 0, bytes: null, top_logprobs: [] },
    ]);
  });

  it('without a reason but with text are answers', () => {
    expect(whole(textPart('a')).choices[0]).toMatchObject({
      finishReason: 'other',
      rawFinishReason: null,
    });
  });

  it('survive members of any kind', () => {
    const odd = [
      null,
      1,
      'x',
      [],
      {},
      { content: 1 },
      { content: { parts: {} } },
      {
        content: {
          parts: [null, 1, { text: 5 }, { functionCall: 1 }, { functionCall: {} }, { new: {} }],
        },
        finishReason: 'STOP',
        groundingMetadata: [1],
        citationMetadata: 'x',
        logprobsResult: 4,
        index: -1,
      },
    ];
    expect(whole({ candidates: odd }).choices).toHaveLength(1);
  });
});

describe('finish reasons', () => {
  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['CONTINUATION', 'length'],
    ['SAFETY', 'content-filter'],
    ['RECITATION', 'content-filter'],
    ['BLOCKLIST', 'content-filter'],
    ['PROHIBITED_CONTENT', 'content-filter'],
    ['SPII', 'content-filter'],
    ['IMAGE_SAFETY', 'content-filter'],
    ['NO_IMAGE', 'content-filter'],
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['OTHER', 'other'],
    ['LANGUAGE', 'other'],
    ['FAKE_ENUM', 'other'],
  ])('%s is %s', (finishReason, expected) => {
    expect(whole({ candidates: [{ finishReason }] }).choices[0]).toMatchObject({
      finishReason: expected,
      rawFinishReason: finishReason,
    });
  });
});

describe('usage', () => {
  it('is the last one, on every chunk', () => {
    const counts = (output: number) => ({
      promptTokenCount: 3,
      candidatesTokenCount: output,
      totalTokenCount: 3 + output,
    });
    const parts = readAll(
      open(),
      { ...textPart('a'), usageMetadata: counts(1) },
      { ...textPart('b'), usageMetadata: counts(5) },
      { candidates: [{ finishReason: 'STOP' }], usageMetadata: { trafficType: 'ON_DEMAND' } },
    );
    const usages = parts.filter((part) => part.type === 'usage');
    expect(usages.map(({ usage }) => usage.output_text_tokens)).toEqual([1, 5]);
  });

  const grounded = (webSearchQueries: string[]) => ({
    candidates: [
      {
        content: { parts: [{ text: 'a' }] },
        finishReason: 'STOP',
        groundingMetadata: { webSearchQueries },
      },
    ],
    usageMetadata,
  });
  it.each([
    ['gemini-3.8-flash', ['a', '', 'b', 'a'], 2],
    ['gemini-2.5-flash', ['a', 'b'], 1],
    ['gemini-3.8-flash', ['', ''], undefined],
  ])('counts the searches %s bills for %j', (model, queries, expected) => {
    expect(whole(grounded(queries), 1, model).usage?.web_searches).toBe(expected);
  });

  it('goes by the model that served', () => {
    expect(
      whole({ ...grounded(['a', 'b']), modelVersion: 'gemini-3.6-flash' }, 1, 'gemini-2.5-flash')
        .usage?.web_searches,
    ).toBe(2);
  });
});

describe('sources', () => {
  const chunk = (uri: string) => ({ web: { uri, title: 't' } });
  const sourcesOf = (parts: object[], groundingMetadata: object) =>
    whole({ candidates: [{ content: { parts }, finishReason: 'STOP', groundingMetadata }] })
      .choices[0]?.sources;

  it('turn bytes of a part into UTF-16 units of the answer', () => {
    const groundingChunks = [chunk('u:0'), {}, chunk('u:2')];
    const groundingSupports = [
      {
        segment: { partIndex: 2, startIndex: 5, endIndex: 9, text: 'brün'.slice(0, 3) },
        groundingChunkIndices: [0],
      },
      {
        segment: { partIndex: 2, startIndex: 5, endIndex: 10, text: 'grün' },
        groundingChunkIndices: [0, 1, 9],
      },
    ];
    const parts = [{ text: 'x', thought: true }, { text: '😀 ' }, { text: '😀 grün' }];
    expect(sourcesOf(parts, { groundingChunks, groundingSupports })).toEqual([
      { url: 'u:0', title: 't', startIndex: 6, endIndex: 10 },
      { url: 'u:2', title: 't' },
    ]);
  });

  it('of later chunks go by the order of all chunks', () => {
    const parts = readAll(
      open(),
      {
        candidates: [
          {
            content: { parts: [{ text: 'ab' }] },
            groundingMetadata: { groundingChunks: [chunk('u:0')] },
          },
        ],
      },
      {
        candidates: [
          {
            content: { parts: [{ text: 'cd' }] },
            finishReason: 'STOP',
            groundingMetadata: {
              groundingChunks: [chunk('u:1')],
              groundingSupports: [
                { segment: { startIndex: 2, endIndex: 4, text: 'cd' }, groundingChunkIndices: [1] },
              ],
            },
          },
        ],
        usageMetadata,
      },
    );
    const sources = parts.flatMap((part) => (part.type === 'source' ? part.source : []));
    expect(sources).toEqual([
      { url: 'u:1', title: 't', startIndex: 2, endIndex: 4 },
      { url: 'u:0', title: 't' },
    ]);
  });

  it('are never made up', () => {
    expect(
      sourcesOf([{ text: 'see https://example.com' }], {
        webSearchQueries: ['q'],
        groundingSupports: [{ groundingChunkIndices: [0] }],
      }),
    ).toEqual([]);
  });
});

describe('calls in pieces', () => {
  const piece = (functionCall: object) => ({
    candidates: [{ content: { parts: [{ functionCall }] } }],
  });
  const argumentsOf = (...calls: object[]) => {
    const parts = readAll(open(), ...calls.map(piece), stop);
    return parts.flatMap((part) =>
      part.type === 'tool-call-delta' ? `${part.index}${part.argumentsDelta}` : [],
    );
  };
  const partial = (jsonPath: string, value: object, more = false) => ({
    partialArgs: [{ jsonPath, ...value, ...(more ? { willContinue: true } : {}) }],
    willContinue: true,
  });

  it('are put together by path', () => {
    expect(
      argumentsOf(
        { name: 'f', willContinue: true },
        partial('$.a[0].b', { stringValue: 'x' }, true),
        partial('$.a[0].b', { stringValue: 'y' }),
        partial('$.a[1]', { numberValue: 0.5 }),
        partial("$['odd name'].c", { boolValue: true }),
        partial('$.n', { nullValue: 'NULL_VALUE' }),
        {},
        { name: 'g', args: { z: 1 } },
      ),
    ).toEqual(['0{"a":[{"b":"xy"},0.5],"odd name":{"c":true},"n":null}', '1{"z":1}']);
  });

  it('end with the next call, and with the answer', () => {
    expect(
      argumentsOf(
        { name: 'f', willContinue: true },
        { name: 'g', willContinue: true },
        partial('$.a', { numberValue: 1 }),
      ),
    ).toEqual(['0{}', '1{"a":1}']);
  });

  it('cannot reach a prototype or fill memory', () => {
    expect(
      argumentsOf(
        { name: 'f', willContinue: true },
        partial('$.__proto__.polluted', { boolValue: true }),
        partial('$.a[999999]', { numberValue: 1 }),
        partial('nonsense', { numberValue: 1 }),
        partial('$', { numberValue: 1 }),
      ),
    ).toEqual(['0{"__proto__":{"polluted":true}}']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('code', () => {
  it('that was run stands in fences that hold it', () => {
    const parts = [
      { text: 'Look:' },
      { executableCode: { language: 'PYTHON', code: 'print("```")' } },
      { codeExecutionResult: { outcome: 'OUTCOME_FAILED', output: 'boom\n' } },
    ];
    const result = whole({ candidates: [{ content: { parts }, finishReason: 'STOP' }] });
    expect(result.choices[0]?.parts).toEqual([
      { type: 'text', text: 'Look:\n````python\nprint("```")\n````\n\n```error\nboom\n```\n' },
    ]);
  });
});

describe('any JSON', () => {
  const names = [
    'candidates',
    'content',
    'parts',
    'text',
    'functionCall',
    'name',
    'args',
    'partialArgs',
    'jsonPath',
    'finishReason',
    'usageMetadata',
    'promptTokenCount',
    'groundingMetadata',
    'groundingChunks',
    'groundingSupports',
    'segment',
    'error',
    'promptFeedback',
    'index',
    'web',
    'uri',
  ];
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<unknown>(null, true, 0, -1, 7, 1.5, '', 'STOP', '$.a[0]', '__proto__'),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 5 }),
    ),
  }));

  it('is read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 4 }), (values) => {
        const reader = open();
        expect(failureOf(() => readAll(reader, ...values))?.kind ?? 'read').toMatch(/^[a-z_]+$/);
      }),
      { numRuns: 500 },
    );
  });
});
