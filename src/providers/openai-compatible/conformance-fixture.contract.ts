/**
 * What servers of the chat completions protocol have in common in their conformance tests.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import type { TextExchangeFixture, TextProviderFixture } from '../provider.contract.ts';

const HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm-served' };

function chunk(delta: object, finish: string | null = null, more: object = {}): object {
  return {
    ...HEAD,
    choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
    ...more,
  };
}

const USAGE = {
  prompt_tokens: 30,
  completion_tokens: 12,
  total_tokens: 42,
  prompt_tokens_details: { cached_tokens: 16, audio_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
const USAGE_VECTOR = {
  input_text_tokens: 10,
  input_audio_tokens: 4,
  cache_read_tokens: 16,
  reasoning_tokens: 5,
  output_text_tokens: 7,
};

function whole(message: object, finish: string, usage: object | null = USAGE): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'm-served',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
    ...(usage === null ? {} : { usage }),
  };
}

const textExchange: TextExchangeFixture = {
  name: 'text',
  reply: whole({ content: 'Grüße, 世界 👋!' }, 'stop'),
  streams: [
    [
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Grüße, ' }, null, { obfuscation: 'abc', usage: null }),
      chunk({ content: '世界 👋' }),
      chunk({ content: '!' }),
      chunk({}, 'stop'),
      { ...HEAD, choices: [], usage: USAGE },
      '[DONE]',
    ],
    // No [DONE]; growing usage in each chunk; finish together with the last text; finish said twice.
    [
      chunk({ content: 'Grüße, 世界' }, null, {
        usage: { ...USAGE, completion_tokens: 1, total_tokens: 31 },
      }),
      chunk({ content: ' 👋!' }, 'stop', { usage: USAGE }),
      chunk({ content: '' }, 'stop', { usage: USAGE }),
    ],
    // Usage before the finish, only in Groq's member; empty and unknown frames.
    [
      { ...HEAD, id: '', model: '', choices: [], prompt_filter_results: [] },
      chunk({ content: 'Grüße, 世界 👋!', role: 'assistant' }, null, { x_groq: { usage: USAGE } }),
      { type: 'ping' },
      chunk({}, 'stop'),
      '[DONE]',
    ],
  ],
  expected: {
    text: 'Grüße, 世界 👋!',
    finishReasons: ['stop'],
    totalTokens: 42,
    usage: USAGE_VECTOR,
  },
};

const toolExchange: TextExchangeFixture = {
  name: 'tool calls',
  reply: whole(
    {
      content: null,
      reasoning_content: 'I need both.',
      tool_calls: [
        {
          id: 'call_a',
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Köln"}' },
        },
        { id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } },
      ],
    },
    'tool_calls',
    null,
  ),
  streams: [
    [
      chunk({ role: 'assistant', content: null, reasoning_content: 'I need ' }),
      chunk({ reasoning_content: 'both.', reasoning: 'both.' }),
      chunk({
        tool_calls: [
          {
            index: 0,
            id: 'call_a',
            type: 'function',
            function: { name: 'weather', arguments: '' },
          },
        ],
      }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
      chunk({
        tool_calls: [
          { index: 0, id: '', type: null, function: { name: null, arguments: '"Köln"}' } },
        ],
      }),
      chunk({
        tool_calls: [
          { index: 1, id: 'call_b', type: 'function', function: { name: 'time', arguments: '{}' } },
        ],
      }),
      chunk({}, 'tool_calls'),
      '[DONE]',
    ],
    // No index, no id, no type; arguments before the name; both calls numbered 0; thoughts as `reasoning`.
    [
      chunk({ reasoning: 'I need both.' }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city"' } }] }),
      chunk({
        tool_calls: [{ index: 0, id: 'x1', function: { name: 'weather', arguments: ':"Köln"}' } }],
      }),
      chunk({ tool_calls: [{ index: 0, id: 'x2', function: { name: 'time', arguments: '{}' } }] }),
      chunk({}, 'tool_calls'),
    ],
    [
      chunk({ reasoning_content: 'I need both.' }),
      chunk({ tool_calls: [{ function: { name: 'weather', arguments: '{"city":' } }] }),
      chunk({ tool_calls: [{ function: { arguments: '"Köln"}' } }] }),
      chunk({ tool_calls: [{ function: { name: 'time' } }] }),
      chunk({}, 'stop'),
    ],
  ],
  expected: {
    text: '',
    reasoning: 'I need both.',
    calls: [
      { name: 'weather', arguments: { city: 'Köln' } },
      { name: 'time', arguments: {} },
    ],
    finishReasons: ['tool-calls'],
    totalTokens: null,
  },
};

const twoChoices: TextExchangeFixture = {
  name: 'two choices',
  options: { n: 2 },
  reply: {
    id: 'chatcmpl-2',
    model: 'm-served',
    choices: [
      { index: 0, message: { content: 'one' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'two' }, finish_reason: 'length' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  },
  streams: [
    [
      { ...HEAD, choices: [{ index: 1, delta: { content: 't' }, finish_reason: null }] },
      { ...HEAD, choices: [{ index: 0, delta: { content: 'one' }, finish_reason: null }] },
      { ...HEAD, choices: [{ index: 1, delta: { content: 'wo' }, finish_reason: 'length' }] },
      { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...HEAD, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
      '[DONE]',
    ],
  ],
  expected: { text: 'onetwo', finishReasons: ['stop', 'length'], totalTokens: 5 },
};

const legacyCall: TextExchangeFixture = {
  name: 'function_call and content parts',
  reply: whole(
    {
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }], closed: true },
        { type: 'text', text: 'Well.' },
      ],
      function_call: { name: 'joke', arguments: '{"a":1}' },
    },
    'function_call',
    null,
  ),
  streams: [
    [
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'h' }] }] }),
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'm' }] }] }),
      chunk({ content: [{ type: 'text', text: 'Well.' }] }),
      chunk({ function_call: { name: 'joke', arguments: '' } }),
      chunk({ function_call: { arguments: '{"a":' } }),
      chunk({ function_call: { arguments: '1}' } }),
      chunk({}, 'function_call'),
      '[DONE]',
    ],
  ],
  expected: {
    text: 'Well.',
    reasoning: 'hm',
    calls: [{ name: 'joke', arguments: { a: 1 } }],
    finishReasons: ['tool-calls'],
    totalTokens: null,
  },
};

const openAiError = (code: string, type = code): string =>
  JSON.stringify({ error: { message: `It is ${code}.`, type, code, param: null } });

/** The fixture of a server; what it does not override is common to all. */
export function chatConformance(
  definition: ProviderDefinition,
  own: Partial<TextProviderFixture> & Pick<TextProviderFixture, 'wirePaths'>,
): TextProviderFixture {
  return {
    definition,
    model: 'org/model-1:fastest',
    exchanges: [textExchange, toolExchange, twoChoices, legacyCall],
    schemasIn: {
      responseFormat: (body) =>
        (body as { response_format: { json_schema: { schema: unknown } } }).response_format
          .json_schema.schema,
      toolParameters: (body) =>
        (body as { tools: { function: { parameters: unknown } }[] }).tools[0]?.function.parameters,
    },
    inBandErrors: [
      {
        name: 'OpenAI object',
        frame: { error: { message: 'Boom', type: 'server_error' } },
        kind: 'server_error',
      },
      {
        name: 'code number',
        frame: { error: { message: 'Slow down', code: 429 } },
        kind: 'rate_limited',
      },
      {
        name: 'insufficient quota',
        frame: {
          error: { message: 'No money', type: 'insufficient_quota', code: 'insufficient_quota' },
        },
        kind: 'credit',
      },
      {
        name: 'object error',
        frame: { object: 'error', message: 'Bad', code: 400 },
        kind: 'invalid_request',
      },
      { name: 'detail', frame: { detail: 'Broken' }, kind: 'server_error' },
      { name: 'message', frame: { message: 'Broken' }, kind: 'server_error' },
      {
        name: 'text',
        frame: { error: 'overloaded', error_type: 'overloaded' },
        kind: 'overloaded',
      },
      {
        name: 'in a choice',
        frame: {
          id: 'x',
          choices: [
            { index: 0, finish_reason: 'error', error: { code: 502, message: 'Upstream' } },
          ],
        },
        kind: 'server_error',
      },
    ],
    refusals: [
      {
        name: '400',
        status: 400,
        body: openAiError('invalid_value'),
        kind: 'invalid_request',
        waitMs: null,
      },
      {
        name: 'context length',
        status: 400,
        body: openAiError('context_length_exceeded'),
        kind: 'context_length',
      },
      {
        name: 'content policy',
        status: 400,
        body: openAiError('content_policy_violation'),
        kind: 'content_filtered',
      },
      {
        name: 'content filter',
        status: 400,
        body: openAiError('content_filter'),
        kind: 'content_filtered',
      },
      { name: '401', status: 401, body: '{"detail":"Invalid API Key"}', kind: 'auth' },
      {
        name: '402',
        status: 402,
        body: '{"error":"You have exceeded your monthly included credits"}',
        kind: 'credit',
      },
      { name: '403', status: 403, body: '{"message":"Forbidden"}', kind: 'auth' },
      { name: 'model', status: 404, body: openAiError('model_not_found'), kind: 'model_not_found' },
      {
        name: 'rate limit',
        status: 429,
        headers: { 'retry-after': '7' },
        body: openAiError('rate_limit_exceeded'),
        kind: 'rate_limited',
        waitMs: 7000,
      },
      {
        name: 'quota',
        status: 429,
        headers: { 'retry-after': '7' },
        body: openAiError('insufficient_quota'),
        kind: 'credit',
        waitMs: null,
      },
      {
        name: 'HTTP-date',
        status: 429,
        headers: {
          date: 'Mon, 23 Nov 2026 12:00:00 GMT',
          'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT',
        },
        body: '{}',
        kind: 'rate_limited',
        waitMs: 9000,
      },
      { name: '500', status: 500, body: '', kind: 'server_error' },
      {
        name: '502 page',
        status: 502,
        body: '<html><body>Bad gateway</body></html>',
        kind: 'server_error',
      },
      { name: '503', status: 503, body: 'upstream connect error', kind: 'overloaded' },
      {
        name: '529',
        status: 529,
        body: '{"error":{"type":"overloaded_error"}}',
        kind: 'overloaded',
      },
      { name: 'redirect', status: 307, body: '', kind: 'server_error' },
    ],
    ...own,
  };
}

/** Options that most servers take under OpenAI's names. */
export const COMMON_WIRE_PATHS = {
  temperature: 'temperature',
  topP: 'top_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  stop: 'stop',
  seed: 'seed',
  n: 'n',
  logprobs: 'logprobs',
  topLogprobs: 'top_logprobs',
  logitBias: 'logit_bias',
  user: 'user',
} as const;
