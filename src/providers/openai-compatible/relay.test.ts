import { describe, expect, test } from 'vitest';
import type { RelayRequest } from '../../contracts/text-provider.ts';
import { COMMON_QUIRKS, type OpenAiCompatibleQuirks } from './quirks.ts';
import { chatRelay } from './relay.ts';

const target = { model: 'm', baseUrl: 'http://h', credential: 'k', settings: {} };

function relayed(
  text: string,
  quirks: Partial<OpenAiCompatibleQuirks> = {},
  more: Partial<RelayRequest> = {},
): string {
  const relay = chatRelay({
    id: 'here',
    versionSegment: '/v1',
    quirks: { ...COMMON_QUIRKS, ...quirks },
  });
  const request: RelayRequest = {
    bytes: Buffer.from(text),
    body: JSON.parse(text) as Record<string, unknown>,
    edits: new Map(),
    stream: false,
    ...more,
  };
  const sent = relay.request(request, target);
  expect(sent.path).toBe('/v1/chat/completions');
  return Buffer.concat(sent.bodyPieces ?? [sent.body ?? Buffer.alloc(0)]).toString();
}

const BOTH = { maxTokensFields: ['max_tokens', 'max_completion_tokens'] } as const;
const bound = (key: string): Partial<RelayRequest> => ({ edits: new Map([[key, 50]]) });

describe('relayed request', () => {
  test('all but the edited members keep their bytes', () => {
    const rest =
      '"messages":[{"role":"user","content":"\\u00e9 1.0"}],  "big":12345678901234567890,"z":1e0}';
    expect(relayed(`{"model" : "alias",${rest}`)).toBe(`{"model":"m",${rest}`);
  });

  test('a large body is sent as it came, but for what is edited', () => {
    const rest = `"messages":[{"role":"user","content":"${'é'.repeat(40_000)}"}]}`;
    expect(relayed(`{"model":"alias",${rest}`)).toBe(`{"model":"m",${rest}`);
    expect(relayed(`{"model":"alias",${rest}`, { modelFirst: true })).toBe(`{"model":"m",${rest}`);
  });

  test.each<[string, string, Partial<OpenAiCompatibleQuirks>, Partial<RelayRequest>, object]>([
    ['none named', '{}', {}, bound('max_output_tokens'), { max_tokens: 50 }],
    [
      'the field of the client stays',
      '{"max_completion_tokens":9}',
      BOTH,
      bound('max_output_tokens'),
      { max_completion_tokens: 50 },
    ],
    [
      'an unknown field is renamed',
      '{"max_completion_tokens":9}',
      {},
      bound('max_output_tokens'),
      { max_tokens: 50 },
    ],
    ['also without a bound', '{"max_completion_tokens":9}', {}, {}, { max_tokens: 9 }],
    [
      'the gateway names another field',
      '{"max_tokens":9}',
      BOTH,
      bound('max_completion_tokens'),
      { max_tokens: 50 },
    ],
    [
      'both named',
      '{"max_tokens":9,"max_completion_tokens":8}',
      BOTH,
      bound('max_tokens'),
      { max_completion_tokens: 50 },
    ],
    ['null is none', '{"max_completion_tokens":null}', {}, bound('max_tokens'), { max_tokens: 50 }],
    ['untouched', '{"max_tokens":9}', BOTH, {}, { max_tokens: 9 }],
  ])('bound of output: %s', (_name, text, quirks, more, expected) => {
    expect(JSON.parse(relayed(text, quirks, more))).toEqual({ model: 'm', ...expected });
  });

  test.each<[string, string, boolean, boolean, unknown]>([
    ['asked of a server that knows it', '{}', true, true, { include_usage: true }],
    [
      'kept beside other options',
      '{"stream_options":{"include_obfuscation":false}}',
      true,
      true,
      { include_obfuscation: false, include_usage: true },
    ],
    [
      'switched on',
      '{"stream_options":{"include_usage":false}}',
      true,
      true,
      { include_usage: true },
    ],
    [
      'removed for a server that refuses it',
      '{"stream_options":{"include_usage":true}}',
      true,
      false,
      undefined,
    ],
    [
      'removed without a stream',
      '{"stream_options":{"include_usage":true}}',
      false,
      true,
      undefined,
    ],
    ['not added without a stream', '{}', false, true, undefined],
  ])('usage of streams: %s', (_name, text, stream, streamUsageOption, expected) => {
    const sent = JSON.parse(relayed(text, { streamUsageOption }, { stream })) as object;
    expect((sent as Record<string, unknown>)['stream_options']).toEqual(expected);
  });

  test('provider options are unpacked for this server only, without what the gateway decides', () => {
    const text =
      '{"n":1,"provider_options":{"here":{"safe":1,"model":"other","max_tokens":1000000,"n":9},"there":{"x":2}}}';
    expect(JSON.parse(relayed(text))).toEqual({ model: 'm', n: 1, safe: 1 });
  });

  test('roles that the server does not know', () => {
    const text = '{"messages":[{"role":"developer","content":"a"},{"role":"user","content":"b"}]}';
    expect(relayed(text, { developerRole: true })).toContain('"developer"');
    expect(JSON.parse(relayed(text))).toMatchObject({
      messages: [
        { role: 'system', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    });
  });

  test("the gateway's edits go out", () => {
    const edits = new Map<string, unknown>([
      ['user', 'cus_1'],
      ['service_tier', undefined],
    ]);
    expect(JSON.parse(relayed('{"service_tier":"flex","a":1}', {}, { edits }))).toEqual({
      model: 'm',
      a: 1,
      user: 'cus_1',
    });
  });
});
