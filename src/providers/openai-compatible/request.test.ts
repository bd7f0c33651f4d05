import { describe, expect, test } from 'vitest';
import type { ProviderWarning, TextOptions } from '../../contracts/text.ts';
import { COMMON_QUIRKS, type OpenAiCompatibleQuirks } from './quirks.ts';
import { chatRequest } from './request.ts';

const target = { model: 'm', baseUrl: 'http://h', credential: null, settings: {} };

function built(
  options: Partial<TextOptions>,
  quirks: Partial<OpenAiCompatibleQuirks> = {},
  stream = false,
): { readonly body: Record<string, unknown>; readonly warnings: readonly ProviderWarning[] } {
  const server = { id: 'here', versionSegment: '', quirks: { ...COMMON_QUIRKS, ...quirks } };
  const { request, warnings } = chatRequest(
    { messages: [], ...options },
    { server, target, stream },
  );
  return { body: JSON.parse(request.body?.toString() ?? '') as Record<string, unknown>, warnings };
}

describe('body of a request', () => {
  test('streams ask for usage where the server knows the option', () => {
    expect(built({}, {}, true).body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(built({}, { streamUsageOption: false }, true).body).not.toHaveProperty('stream_options');
    expect(built({}).body).toEqual({ model: 'm', messages: [], stream: false });
  });

  test('messages with media, calls and results', () => {
    const { body, warnings } = built({
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'Look' },
            {
              type: 'image',
              detail: 'low',
              source: { kind: 'data', mimeType: 'image/png', base64: 'AA==' },
            },
            { type: 'audio', source: { kind: 'data', mimeType: 'audio/mpeg', base64: 'BB==' } },
            { type: 'file', filename: 'a.pdf', source: { kind: 'provider-file', id: 'file-1' } },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'text', text: 'Let me ' },
            { type: 'text', text: 'see.' },
            { type: 'tool-call', id: 'c1', name: 'f', argumentsJson: '' },
          ],
        },
        { role: 'tool', toolCallId: 'c1', parts: [{ type: 'text', text: '42' }] },
      ],
    });
    expect(warnings).toEqual([]);
    expect(body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
          { type: 'input_audio', input_audio: { data: 'BB==', format: 'mp3' } },
          { type: 'file', file: { file_id: 'file-1', filename: 'a.pdf' } },
        ],
      },
      {
        role: 'assistant',
        content: 'Let me see.',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '42' },
    ]);
  });

  test.each<[OpenAiCompatibleQuirks['assistantReasoning'], object]>([
    ['dropped', { role: 'assistant', content: 'ok' }],
    ['reasoning_content', { role: 'assistant', content: 'ok', reasoning_content: 'hm' }],
    ['reasoning', { role: 'assistant', content: 'ok', reasoning: 'hm' }],
    [
      'thinking-parts',
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'ok' },
        ],
      },
    ],
  ])('thoughts of earlier turns: %s', (assistantReasoning, expected) => {
    const { body, warnings } = built(
      {
        messages: [
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'hm' },
              { type: 'text', text: 'ok' },
            ],
          },
        ],
      },
      { assistantReasoning },
    );
    expect(body['messages']).toEqual([expected]);
    expect(warnings.length).toBe(assistantReasoning === 'dropped' ? 1 : 0);
  });

  test('refusals of earlier turns', () => {
    const messages = [
      { role: 'assistant', parts: [{ type: 'refusal', text: 'I will not.' }] },
    ] as const;
    expect(built({ messages }, { refusalParts: true })).toMatchObject({
      body: { messages: [{ content: [{ type: 'refusal', refusal: 'I will not.' }] }] },
      warnings: [],
    });
    expect(built({ messages })).toMatchObject({
      body: { messages: [{ content: 'I will not.' }] },
      warnings: [{ option: 'messages[].refusal', action: 'mapped' }],
    });
  });

  test.each<[OpenAiCompatibleQuirks['reasoning'], TextOptions['reasoning'], object, number]>([
    ['effort', { effort: 'xhigh' }, { reasoning_effort: 'xhigh' }, 0],
    ['effort', { budgetTokens: 0 }, { reasoning_effort: 'none' }, 1],
    ['effort', { budgetTokens: 5000 }, { reasoning_effort: 'medium' }, 1],
    ['effort', { effort: 'low', budgetTokens: 9 }, { reasoning_effort: 'low' }, 1],
    ['effort', { includeThoughts: true }, {}, 1],
    [
      'reasoning-object',
      { effort: 'high', includeThoughts: false },
      { reasoning: { effort: 'high', exclude: true } },
      0,
    ],
    ['reasoning-object', { budgetTokens: 77 }, { reasoning: { max_tokens: 77 } }, 0],
    ['reasoning-object', { effort: 'low', budgetTokens: 77 }, { reasoning: { effort: 'low' } }, 1],
    ['thinking-switch', { effort: 'none' }, { thinking: { type: 'disabled' } }, 0],
    [
      'thinking-switch',
      { effort: 'high' },
      { thinking: { type: 'enabled' }, reasoning_effort: 'high' },
      0,
    ],
  ])('reasoning as %s: %j', (style, reasoning, expected, warned) => {
    const { body, warnings } = built({ ...(reasoning && { reasoning }) }, { reasoning: style });
    expect(body).toEqual({ model: 'm', messages: [], stream: false, ...expected });
    expect(warnings.length).toBe(warned);
  });

  test('web search in each style', () => {
    const tools = [{ type: 'web-search', contextSize: 'high' }] as const;
    expect(built({ tools }).warnings).toMatchObject([
      { option: 'tools.web-search', action: 'dropped' },
    ]);
    expect(built({ tools }, { webSearch: { kind: 'options' } }).body['web_search_options']).toEqual(
      {
        search_context_size: 'high',
      },
    );
    expect(
      built({ tools }, { webSearch: { kind: 'tool', type: 'x:search' } }).body['tools'],
    ).toEqual([{ type: 'x:search', parameters: { search_context_size: 'high' } }]);
  });

  test('a schema for a server without schemas goes after the instructions', () => {
    const { body, warnings } = built(
      {
        messages: [
          { role: 'system', parts: [{ type: 'text', text: 'S' }] },
          { role: 'user', parts: [{ type: 'text', text: 'U' }] },
        ],
        responseFormat: { type: 'json-schema', name: 'order', schema: { type: 'object' } },
      },
      { jsonSchema: false },
    );
    const messages = body['messages'] as { role: string; content: string }[];
    expect(messages.map((message) => message.role)).toEqual(['system', 'system', 'user']);
    expect(messages[1]?.content).toContain('{"type":"object"}');
    expect(body['response_format']).toEqual({ type: 'json_object' });
    expect(warnings).toMatchObject([{ option: 'responseFormat', action: 'mapped' }]);
  });

  test('one choice needs no support', () => {
    expect(built({ n: 1 }, { unsupported: ['n'] })).toEqual({
      body: { model: 'm', messages: [], stream: false },
      warnings: [],
    });
    expect(built({ n: 2 }, { unsupported: ['n'] }).warnings).toHaveLength(1);
  });

  test('provider options may add, but not decide for the gateway', () => {
    const { body, warnings } = built({
      maxOutputTokens: 5,
      providerOptions: { here: { store: false, max_tokens: 1e6, stream: true, temperature: 1.5 } },
    });
    expect(body).toEqual({
      model: 'm',
      messages: [],
      max_tokens: 5,
      store: false,
      temperature: 1.5,
      stream: false,
    });
    expect(warnings.map((warning) => warning.option)).toEqual([
      'providerOptions.here.max_tokens',
      'providerOptions.here.stream',
    ]);
  });
});
