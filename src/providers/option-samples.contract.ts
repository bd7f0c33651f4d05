/**
 * One sample of every option and message part, for conformance tests.
 *
 * @module
 */
import type { Json, TextMessage, TextOptions } from '../contracts/text.ts';

/** JSON Schema with everything that translators like to lose. */
export const RICH_SCHEMA: Json = {
  type: 'object',
  description: 'An order',
  properties: {
    status: { type: 'string', enum: ['open', 'paid', 'sent'], description: 'State' },
    count: { type: 'integer', minimum: 1, maximum: 99 },
    price: { type: ['number', 'null'], minimum: 0 },
    lines: {
      type: 'array',
      minItems: 1,
      maxItems: 5,
      items: { $ref: '#/$defs/line' },
    },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
  },
  required: ['status', 'count', 'price', 'lines', 'note'],
  additionalProperties: false,
  $defs: {
    line: {
      type: 'object',
      properties: { sku: { type: 'string' }, child: { $ref: '#/$defs/leaf' } },
      required: ['sku', 'child'],
      additionalProperties: false,
    },
    leaf: { type: 'object', properties: { deep: { type: 'boolean' } }, required: ['deep'] },
  },
};

export const HELLO: readonly TextMessage[] = [
  { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
];
export const WEATHER_TOOL = {
  type: 'function',
  name: 'weather',
  description: 'canary-tool-description',
  parameters: RICH_SCHEMA,
} as const;

/** One value for each option, unlike any default. */
export const OPTION_SAMPLES: readonly (readonly [string, Partial<TextOptions>])[] = [
  ['tools', { tools: [WEATHER_TOOL] }],
  ['tools.strict', { tools: [{ ...WEATHER_TOOL, strict: true }] }],
  ['tools.web-search', { tools: [{ type: 'web-search' }] }],
  ['tools.web-search.maxUses', { tools: [{ type: 'web-search', maxUses: 3 }] }],
  ['tools.web-search.contextSize', { tools: [{ type: 'web-search', contextSize: 'high' }] }],
  ['toolChoice', { tools: [WEATHER_TOOL], toolChoice: { type: 'required' } }],
  ['toolChoice', { tools: [WEATHER_TOOL], toolChoice: { type: 'none' } }],
  ['toolChoice', { tools: [WEATHER_TOOL], toolChoice: { type: 'function', name: 'weather' } }],
  ['parallelToolCalls', { tools: [WEATHER_TOOL], parallelToolCalls: false }],
  ['responseFormat', { responseFormat: { type: 'json' } }],
  [
    'responseFormat',
    {
      responseFormat: { type: 'json-schema', name: 'order', schema: RICH_SCHEMA, strict: true },
    },
  ],
  ['maxOutputTokens', { maxOutputTokens: 4321 }],
  ['temperature', { temperature: 0.3127 }],
  ['topP', { topP: 0.8123 }],
  ['topK', { topK: 37 }],
  ['presencePenalty', { presencePenalty: 0.4177 }],
  ['frequencyPenalty', { frequencyPenalty: 0.5193 }],
  ['stop', { stop: ['canary-stop'] }],
  ['seed', { seed: 918_273 }],
  ['n', { n: 2 }],
  ['logprobs', { logprobs: true }],
  ['topLogprobs', { logprobs: true, topLogprobs: 3 }],
  ['logitBias', { logitBias: { '5021': 7 } }],
  ['reasoning.effort', { reasoning: { effort: 'high' } }],
  ['reasoning.effort', { reasoning: { effort: 'none' } }],
  ['reasoning.budgetTokens', { reasoning: { budgetTokens: 2048 } }],
  ['reasoning.includeThoughts', { reasoning: { includeThoughts: true } }],
  ['user', { user: 'canary-user' }],
  ['serviceTier', { serviceTier: 'flex' }],
];

const BASE64 = Buffer.from('canary-media').toString('base64');
const call = {
  type: 'tool-call',
  id: 'call_1',
  name: 'weather',
  argumentsJson: '{"canary":1}',
} as const;

/** Messages, each with a mark that must be found in the body or be warned of. */
export const MESSAGE_SAMPLES: readonly (readonly [string, readonly TextMessage[], string])[] = [
  [
    'system',
    [{ role: 'system', parts: [{ type: 'text', text: 'canary-system' }] }],
    'canary-system',
  ],
  [
    'developer',
    [{ role: 'developer', parts: [{ type: 'text', text: 'canary-dev' }] }],
    'canary-dev',
  ],
  [
    'name',
    [{ role: 'user', name: 'canary-name', parts: [{ type: 'text', text: 'x' }] }],
    'canary-name',
  ],
  [
    'several texts',
    [
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'first' },
          { type: 'text', text: 'canary-second' },
        ],
      },
    ],
    'canary-second',
  ],
  [
    'image data',
    [
      {
        role: 'user',
        parts: [{ type: 'image', source: { kind: 'data', mimeType: 'image/png', base64: BASE64 } }],
      },
    ],
    BASE64,
  ],
  [
    'image URL',
    [
      {
        role: 'user',
        parts: [{ type: 'image', source: { kind: 'url', url: 'https://x.test/canary.png' } }],
      },
    ],
    'https://x.test/canary.png',
  ],
  [
    'audio',
    [
      {
        role: 'user',
        parts: [{ type: 'audio', source: { kind: 'data', mimeType: 'audio/wav', base64: BASE64 } }],
      },
    ],
    BASE64,
  ],
  [
    'video',
    [
      {
        role: 'user',
        parts: [{ type: 'video', source: { kind: 'url', url: 'https://x.test/canary.mp4' } }],
      },
    ],
    'https://x.test/canary.mp4',
  ],
  [
    'file',
    [
      {
        role: 'user',
        parts: [
          {
            type: 'file',
            filename: 'a.pdf',
            source: { kind: 'data', mimeType: 'application/pdf', base64: BASE64 },
          },
        ],
      },
    ],
    BASE64,
  ],
  [
    'thoughts',
    [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'canary-thought' },
          { type: 'text', text: 'yes' },
        ],
      },
    ],
    'canary-thought',
  ],
  [
    'refusal',
    [{ role: 'assistant', parts: [{ type: 'refusal', text: 'canary-refusal' }] }],
    'canary-refusal',
  ],
  ['signature', [{ role: 'assistant', parts: [{ ...call, signature: 'Y2FuYXJ5' }] }], 'Y2FuYXJ5'],
  ['tool call', [{ role: 'assistant', parts: [call] }], 'canary'],
  [
    'tool result',
    [
      { role: 'assistant', parts: [call] },
      {
        role: 'tool',
        toolCallId: 'call_1',
        toolName: 'weather',
        parts: [{ type: 'text', text: 'canary-result' }],
      },
    ],
    'canary-result',
  ],
];
