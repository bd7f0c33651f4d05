import { describe, expect, test } from 'vitest';
import type { RelayRequest } from '../../contracts/text-provider.ts';
import { scanObject } from '../../http/json-members.ts';
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
  const bytes = Buffer.from(text);
  const scan = scanObject(bytes, { depth: 8, values: 100 });
  if (typeof scan === 'string') throw new Error(`exceeds ${scan}`);
  const request: RelayRequest = {
    bytes,
    members: scan.members,
    letters: null,
    body: JSON.parse(text) as Record<string, unknown>,
    maxOutputTokens: null,
    stream: false,
    ...more,
  };
  const sent = relay.request(request, target);
  expect(sent.path).toBe('/v1/chat/completions');
  return Buffer.concat(sent.bodyPieces ?? [Buffer.from(sent.bodyText ?? '', 'latin1')]).toString();
}

const BOTH = { maxTokensFields: ['max_tokens', 'max_completion_tokens'] } as const;
const bound: Partial<RelayRequest> = { maxOutputTokens: 50 };

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
    ['none named', '{}', {}, bound, { max_tokens: 50 }],
    [
      'the field of the client stays',
      '{"max_completion_tokens":9}',
      BOTH,
      bound,
      { max_completion_tokens: 50 },
    ],
    ['an unknown field is renamed', '{"max_completion_tokens":9}', {}, bound, { max_tokens: 50 }],
    ['also without a bound', '{"max_completion_tokens":9}', {}, {}, { max_tokens: 9 }],
    ['unknown fields leave', '{"max_output_tokens":7}', {}, bound, { max_tokens: 50 }],
    ['one of two leaves', '{"max_tokens":9,"max_completion_tokens":8}', {}, {}, { max_tokens: 9 }],
    [
      'both named',
      '{"max_tokens":9,"max_completion_tokens":8}',
      BOTH,
      bound,
      { max_completion_tokens: 50 },
    ],
    ['null is none', '{"max_completion_tokens":null}', {}, bound, { max_tokens: 50 }],
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

  test.each([
    ['', 'b'],
    ['of a large body', 'b'.repeat(20_000)],
  ])('roles that the server does not know %s', (_size, content) => {
    for (const role of ['developer', 'd\\u0065veloper']) {
      const text = `{"messages":[{"role":"${role}","content":"a"},{"role":"user","content":"${content}"}]}`;
      expect(relayed(text, { developerRole: true })).toContain(`"${role}"`);
      expect(JSON.parse(relayed(text))).toMatchObject({
        messages: [
          { role: 'system', content: 'a' },
          { role: 'user', content },
        ],
      });
    }
  });

  test('messages of a large body are not looked at where no role has to be renamed', () => {
    const text = `{"messages":[{"role":"user","content":"${'b'.repeat(20_000)}"}]}`;
    const body = Object.defineProperty({}, 'messages', {
      enumerable: true,
      get: () => expect.fail('parses the body again'),
    });
    expect(relayed(text, {}, { body })).toBe(`{"model":"m",${text.slice(1)}`);
  });
});

describe('relayed reply', () => {
  const relay = chatRelay({ id: 'here', versionSegment: '/v1', quirks: COMMON_QUIRKS });

  function lettersOf(...content: readonly Buffer[]): string | null {
    const before = Buffer.from('{"choices":[{"message":{"content":"');
    const body = Buffer.concat([before, ...content, Buffer.from('"}}]}')]);
    return relay.read({ status: 200, headers: {}, body }).letters;
  }

  test('has its letters where each of them is one byte, and it is small', () => {
    const ascii = Buffer.from(' a\\u00e9\\n~');
    expect(lettersOf(ascii)).toBe(`{"choices":[{"message":{"content":"${ascii.toString()}"}}]}`);
    expect(lettersOf(Buffer.from('é'))).toBeNull();
    expect(lettersOf(Buffer.from('a\ufffdb'))).toBeNull();
    expect(lettersOf(Buffer.from('a'.repeat(16 * 1024)))).toBeNull();
  });

  test('has none where a byte is no UTF-8 but read as one letter all the same', () => {
    expect(lettersOf(Buffer.from([0x61, 0xff, 0x62]))).toBeNull();
  });
});

describe('relayed reply', () => {
  test.each([[], [null], [{}], [{ message: null }], 'none'])(
    'choices %j are no answer, and what was counted is told',
    (...choices) => {
      const relay = chatRelay({ id: 'here', versionSegment: '/v1', quirks: COMMON_QUIRKS });
      const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
      const body = Buffer.from(JSON.stringify({ choices, usage }));
      expect(() => relay.read({ status: 200, headers: {}, body })).toThrow(
        expect.objectContaining({
          failure: expect.objectContaining({
            kind: 'malformed_reply',
            usage: { input_text_tokens: 3, output_text_tokens: 2 },
          }),
        }),
      );
    },
  );
});
