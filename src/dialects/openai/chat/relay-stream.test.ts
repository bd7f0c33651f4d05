import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providerFailure } from '../../../contracts/provider-failure.ts';
import type { TextRelay } from '../../../contracts/text-provider.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { ChatRelayStream } from './relay-stream.ts';

/** Reads usage by the plain rule of the protocol; enough to drive the stream. */
const relay: TextRelay = {
  protocol: 'openai-chat',
  request: () => ({ method: 'POST', path: '/', headers: {}, body: null }),
  read: () => ({ usage: null, modelServed: null, serviceTier: null, letters: null }),
  usageOf: (frame) => {
    const usage = frame['usage'] as
      | { prompt_tokens: number; completion_tokens: number }
      | null
      | undefined;
    return usage
      ? { input_text_tokens: usage.prompt_tokens, output_text_tokens: usage.completion_tokens }
      : null;
  },
  failureOf: (frame) =>
    providerFailure({
      kind: 'overloaded',
      status: 503,
      message: JSON.stringify(frame['error'] ?? frame),
    }),
};

const receipt: Receipt = {
  requestId: 'req_1',
  costNanoUsd: 1_230_000n,
  usage: { input_text_tokens: 3, output_text_tokens: 2 },
  estimated: false,
  model: 'openai/x',
  createdAtMs: 0,
};

function open(includeUsage = false, choices = 1): ChatRelayStream {
  return new ChatRelayStream({
    relay,
    context: { requestId: 'req_1', model: 'x', createdAtMs: 0 },
    includeUsage,
    choices,
  });
}

function chunk(
  delta: unknown,
  finish: string | null = null,
  extra: object = {},
  index = 0,
): string {
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'x-1', choices: [{ index, delta, finish_reason: finish }], ...extra })}\n\n`;
}

const USAGE =
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n';
const DONE = 'data: [DONE]\n\n';
const HELLO = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Héllo' }),
  chunk({ content: ' wörld' }),
  chunk({}, 'stop'),
  USAGE,
  DONE,
];

function feed(stream: ChatRelayStream, chunks: readonly Buffer[]): string {
  let out = '';
  for (const bytes of chunks) {
    const lent = Buffer.from(bytes);
    out += stream.push(lent)?.toString() ?? '';
    lent.fill('!');
  }
  return out;
}

function frames(text: string): Record<string, unknown>[] {
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as Record<string, unknown>);
}

function textOf(text: string): string {
  return frames(text)
    .map(
      (frame) => (frame['choices'] as { delta?: { content?: string } }[])[0]?.delta?.content ?? '',
    )
    .join('');
}

describe('ChatRelayStream', () => {
  it('R2 R11 forwards frames as they came and withholds the terminal ones', () => {
    const stream = open();
    const out = feed(
      stream,
      HELLO.map((frame) => Buffer.from(frame)),
    );
    expect(out).toBe(HELLO.slice(0, 3).join(''));
    expect(stream.isComplete && stream.isDone).toBe(true);
    expect(stream.usage).toEqual({ input_text_tokens: 3, output_text_tokens: 2 });
    expect(stream.modelServed).toBe('x-1');
  });

  it('R10 puts usage and cost on the finish chunk when the caller asked for no usage chunk', () => {
    const stream = open();
    feed(stream, [Buffer.from(HELLO.join(''))]);
    const tail = stream.close(receipt).toString();
    expect(tail.endsWith(DONE)).toBe(true);
    const [finish, ...rest] = frames(tail);
    expect(rest).toEqual([]);
    expect(finish).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      usage: { total_tokens: 5, cost: '0.001230000' },
    });
  });

  it('R10 sends a usage chunk with no choices when the caller asked for it', () => {
    const stream = open(true);
    feed(stream, [Buffer.from(HELLO.join(''))]);
    const [finish, usage] = frames(stream.close(receipt).toString());
    expect(finish).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(finish).not.toHaveProperty('usage');
    expect(usage).toMatchObject({ choices: [], usage: { prompt_tokens: 3, cost: '0.001230000' } });
  });

  it('gives the same bytes for every cut of the upstream, inside UTF-8 too', () => {
    const bytes = Buffer.from(HELLO.join(''));
    const whole = open();
    const expected = feed(whole, [bytes]) + whole.close(receipt).toString();
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const points = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const stream = open();
        const pieces = points.slice(1).map((point, index) => bytes.subarray(points[index], point));
        expect(feed(stream, pieces) + stream.close(receipt).toString()).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('F17 normalises framings that clients may misread', () => {
    const data = (frame: string): string => frame.slice(6).trim();
    const odd = [
      `\ufeffevent: message\r\ndata:${data(HELLO[0] ?? '')}\r\n\r\n`,
      `: ping\n\n`,
      `id: 7\nretry: 5\ndata: ${data(HELLO[1] ?? '')}\n\n`,
      `data: ${data(HELLO[2] ?? '').replace(',"object"', ',\ndata: "object"')}\n\n`,
      `data: ${data(HELLO[3] ?? '')}\r\r`,
      HELLO[4] ?? '',
    ].join('');
    const stream = open();
    const out = feed(stream, [Buffer.from(odd)]);
    expect(stream.failure).toBeNull();
    expect(textOf(out)).toBe('Héllo wörld');
    expect(stream.isComplete).toBe(true);
    expect(out.split('\n\n').every((frame) => frame === '' || frame.startsWith('data: {'))).toBe(
      true,
    );
  });

  it('R5 adds a missing role and says a finish reason once', () => {
    const stream = open();
    const out = feed(stream, [
      Buffer.from(chunk({ content: 'a' }) + chunk({}, 'stop') + chunk({}, 'stop') + DONE),
    ]);
    expect(frames(out)[0]).toMatchObject({
      choices: [{ delta: { role: 'assistant', content: 'a' } }],
    });
    const finishes = frames(out + stream.close(receipt).toString()).filter(
      (frame) =>
        (frame['choices'] as { finish_reason: string | null }[])[0]?.finish_reason === 'stop',
    );
    expect(finishes).toHaveLength(1);
  });

  it('R6 completes tool deltas that lack index, id or type', () => {
    const stream = open();
    const out = feed(stream, [
      Buffer.from(
        chunk({ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '' } }] }) +
          chunk({ tool_calls: [{ function: { arguments: '{"a":' } }] }) +
          chunk({ tool_calls: [{ function: { arguments: '1}' } }] }) +
          chunk({ tool_calls: [{ id: 'own', function: { name: 'g', arguments: '{}' } }] }) +
          chunk({}, 'tool_calls'),
      ),
    ]);
    const tools = frames(out).flatMap(
      (frame) =>
        (frame['choices'] as { delta: { tool_calls: unknown[] } }[])[0]?.delta.tool_calls ?? [],
    );
    expect(tools).toEqual([
      { index: 0, id: 'call_1_0_0', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{"a":' } },
      { index: 0, function: { arguments: '1}' } },
      { index: 1, id: 'own', type: 'function', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it('is complete only when every choice has finished (n = 2)', () => {
    const stream = open(false, 2);
    feed(stream, [
      Buffer.from(
        chunk({ role: 'assistant', content: 'a' }) +
          chunk({ role: 'assistant', content: 'b' }, null, {}, 1) +
          chunk({}, 'stop'),
      ),
    ]);
    expect(stream.isComplete).toBe(false);
    const out = feed(stream, [
      Buffer.from(chunk({ content: 'c' }, null, {}, 1) + chunk({}, 'length', {}, 1)),
    ]);
    expect(textOf(out)).toBe('c');
    expect(stream.finishReasons).toEqual(['stop', 'length']);
  });

  it('U2 F10 takes a clean end before the finish for a break, and after it for the end', () => {
    const broken = open();
    feed(broken, [Buffer.from(HELLO.slice(0, 2).join(''))]);
    broken.end();
    expect(broken.failure?.kind).toBe('broken_stream');
    const whole = open();
    feed(whole, [Buffer.from(HELLO.slice(0, 4).join(''))]);
    whole.end();
    expect(whole.failure).toBeNull();
  });

  it('U6 F16 stops at invalid JSON and forwards nothing of it', () => {
    const stream = open();
    const out = feed(stream, [
      Buffer.from(
        HELLO.slice(0, 2).join('') + 'data: {"choices":[{"delta":{"content":"x"}}\n\n' + HELLO[2],
      ),
    ]);
    expect(stream.failure?.kind).toBe('malformed_reply');
    expect(textOf(out)).toBe('Héllo');
  });

  it('refuses invalid UTF-8', () => {
    const stream = open();
    const good = Buffer.from(HELLO.slice(0, 2).join(''));
    stream.push(good);
    const bad = Buffer.from(chunk({ content: 'xx' }));
    bad[bad.indexOf('xx')] = 0xff;
    expect(stream.push(bad)).toBeNull();
    expect(stream.failure?.kind).toBe('malformed_reply');
  });

  it.each([
    ['data: {"error":{"message":"busy"}}\n\n'],
    ['event: error\ndata: {"error":{"message":"busy"}}\n\n'],
    ['data: {"object":"error","message":"busy","code":50001}\n\n'],
    ['data: {"detail":"busy"}\n\n'],
  ])('U4 F24 reads %j as a failure', (frame) => {
    const stream = open();
    feed(stream, [Buffer.from(HELLO.slice(0, 2).join('') + frame)]);
    expect(stream.failure?.kind).toBe('overloaded');
  });

  it('F25 reads a bare JSON error after the last event', () => {
    const stream = open();
    feed(stream, [Buffer.from(`${HELLO.slice(0, 2).join('')}{"error":{"message":"gone"}}`)]);
    stream.end();
    expect(stream.failure?.kind).toBe('overloaded');
  });

  it('B7 sees no content in a role-only first frame', () => {
    const stream = open();
    feed(stream, [Buffer.from(HELLO[0] ?? '')]);
    expect(stream.hasContent).toBe(false);
    feed(stream, [Buffer.from(HELLO[1] ?? '')]);
    expect(stream.hasContent).toBe(true);
  });

  it('F28 keeps the last usage and never sums', () => {
    const stream = open();
    feed(stream, [
      Buffer.from(
        HELLO.slice(0, 4).join('') +
          USAGE.replace('"completion_tokens":2', '"completion_tokens":1') +
          USAGE +
          DONE,
      ),
    ]);
    expect(stream.usage).toEqual({ input_text_tokens: 3, output_text_tokens: 2 });
  });

  it('counts delivered tokens for when usage never comes', () => {
    const stream = open();
    const text = 'word '.repeat(40);
    feed(stream, [
      Buffer.from((HELLO[0] ?? '') + chunk({ content: 'a' }) + chunk({ content: text })),
    ]);
    expect(stream.estimatedOutputTokens).toBeGreaterThan(40);
    expect(stream.estimatedOutputTokens).toBeLessThan(70);
  });

  it.each<[string, (text: string) => object]>([
    ['content', (text) => ({ content: text })],
    ['thoughts', (text) => ({ content: null, reasoning_content: text })],
    ['thoughts of other servers', (text) => ({ content: '', reasoning: text })],
    ['a refusal', (text) => ({ refusal: text })],
    ['arguments', (text) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })],
  ])('counts what was said, not what is around it: %s', (_name, deltaOf) => {
    for (const [frameCount, text] of [
      [50, 'word'],
      [10, 'twenty bytes of text'],
    ] as const) {
      const stream = open();
      const first = chunk({ role: 'assistant', ...deltaOf(text) });
      feed(stream, [Buffer.from(first + chunk(deltaOf(text)).repeat(frameCount - 1))]);
      expect(stream.estimatedOutputTokens).toBe(50);
    }
  });
});

describe('servers that go their own way', () => {
  const feedAll = (stream: ChatRelayStream, all: readonly string[]): string =>
    feed(
      stream,
      all.map((frame) => Buffer.from(frame)),
    );

  it('takes one choice for a whole answer where more were asked for, and says what it cost', () => {
    for (const usage of [USAGE, '']) {
      const stream = open(false, 2);
      const out = feedAll(stream, [
        chunk({ role: 'assistant', content: 'a' }),
        chunk({}, 'stop'),
        usage,
        DONE,
      ]);
      expect(stream.end()).toBeNull();
      expect([stream.isComplete, stream.failure]).toEqual([true, null]);
      expect(frames(out)).toHaveLength(2);
      const tail = frames(stream.close(receipt).toString());
      expect(tail).toMatchObject([
        {
          object: 'chat.completion.chunk',
          model: 'x-1',
          choices: [{ index: 0, delta: {}, finish_reason: null }],
          usage: { cost: '0.001230000' },
        },
      ]);
    }
  });

  it('does not take a stream for whole that ends without its marker, or with a choice begun', () => {
    for (const rest of [[], [chunk({ role: 'assistant', content: 'b' }, null, {}, 1), DONE]]) {
      const stream = open(false, 2);
      feedAll(stream, [chunk({ role: 'assistant', content: 'a' }, 'stop'), ...rest]);
      stream.end();
      expect(stream.failure?.kind).toBe('broken_stream');
    }
  });

  it('says usage once where the chunk that carries it comes with a choice of its own', () => {
    const stream = open();
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, cost: 0.5 };
    feedAll(stream, [
      chunk({ role: 'assistant', content: 'a' }),
      chunk({ content: '' }, 'stop'),
      chunk({ role: 'assistant', content: '' }, null, { usage }),
      DONE,
    ]);
    const [finish, last] = frames(stream.close(receipt).toString());
    expect(finish).toMatchObject({ usage: { total_tokens: 5, cost: '0.001230000' } });
    expect(last).not.toHaveProperty('usage');
  });

  it('knows errors that stand beside a finish reason', () => {
    const beside = [
      chunk({}, 'stop', { x_groq: { id: 'req', error: 'over capacity' } }),
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502 } }] })}\n\n`,
    ];
    for (const frame of beside) {
      const stream = open();
      feedAll(stream, [chunk({ role: 'assistant', content: 'a' }), frame, DONE]);
      expect(stream.failure).not.toBeNull();
    }
  });

  it.each([
    ['no blank line', -1],
    ['no line end at all', -2],
  ])('takes a last event with %s, and half of one for a break', (_name, end) => {
    const last = [
      USAGE,
      chunk({}, 'stop', JSON.parse(`{${/"usage":.*?}/.exec(USAGE)?.[0] ?? ''}}`) as object),
    ];
    for (const [at, frame] of last.entries()) {
      const before = HELLO.slice(0, 4 - at).join('');
      const whole = open();
      feedAll(whole, [before, frame.slice(0, end)]);
      expect(whole.end()).toBeNull();
      expect([whole.isComplete, whole.failure]).toEqual([true, null]);
      expect(whole.usage).toEqual({ input_text_tokens: 3, output_text_tokens: 2 });
    }
    const half = open();
    feedAll(half, [HELLO.slice(0, 3).join(''), last[1]?.slice(0, -3) ?? '']);
    half.end();
    expect(half.failure?.kind).toBe('broken_stream');
    const halfUsage = open();
    feedAll(halfUsage, [HELLO.slice(0, 4).join(''), USAGE.slice(0, -3)]);
    halfUsage.end();
    expect([halfUsage.failure, halfUsage.usage]).toEqual([null, null]);
  });

  it.each([
    'event: error\ndata: {"code":500,"msg":"busy"}\n\n',
    'event: error\ndata: busy\n\n',
    '{"error":{"message":"busy"}}\n\n',
  ])('U4 knows the error in %j', (frame) => {
    const stream = open();
    feedAll(stream, [...HELLO.slice(0, 2), frame, ...HELLO.slice(2)]);
    expect(stream.failure?.kind).toBe('overloaded');
  });

  it('reads over events without data', () => {
    const stream = open();
    const out = feedAll(
      stream,
      HELLO.map((frame) => `data:\n\ndata: \n\n${frame}`),
    );
    expect([textOf(out), stream.failure, stream.isDone]).toEqual(['Héllo wörld', null, true]);
  });

  it.each([
    '{"choices":[null]}',
    '{"choices":{}}',
    '{"choices":7}',
    '{"choices":[{"delta":"x"}]}',
    '{"choices":[{"delta":{"tool_calls":[null]}}]}',
    '{"choices":[{"delta":{"tool_calls":"x"}}]}',
  ])('U5 throws at nothing: %s', (data) => {
    const stream = open();
    feedAll(stream, [`data: ${data}\n\n`, ...HELLO]);
    expect(stream.failure?.kind).toBe('malformed_reply');
  });

  it('R15 takes no character for another in frames that are written anew', () => {
    const bad = Buffer.from(chunk({ content: 'xx' }, 'stop'));
    bad[bad.indexOf('xx')] = 0xff;
    const stream = open();
    feed(stream, [Buffer.from(HELLO.slice(0, 2).join('')), bad]);
    expect(stream.failure?.kind).toBe('malformed_reply');
    const marked = open();
    feedAll(marked, [...HELLO.slice(0, 2), chunk({ content: '\ufffd' }, 'stop'), DONE]);
    expect([marked.failure, marked.isComplete]).toEqual([null, true]);
  });

  it('R1 knows at its end marker that an answer has broken off', () => {
    const stream = open();
    feedAll(stream, [...HELLO.slice(0, 3), DONE]);
    expect(stream.failure?.kind).toBe('broken_stream');
  });

  it('R5 gives a choice that is only finished its delta and its role', () => {
    for (const choice of [{}, { delta: null }]) {
      const stream = open();
      const finish = { index: 0, finish_reason: 'content_filter', ...choice };
      feedAll(stream, [`data: ${JSON.stringify({ id: 'c', choices: [finish] })}\n\n`, DONE]);
      expect(frames(stream.close(receipt).toString())).toMatchObject([
        { choices: [{ delta: { role: 'assistant' }, finish_reason: 'content_filter' }] },
      ]);
    }
  });

  it('R6 keeps calls apart that all have one index, and calls that go on together', () => {
    const stream = open();
    const calls = (...tool_calls: object[]): string => chunk({ tool_calls });
    const out = feedAll(stream, [
      calls({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }),
      calls({ index: 0, id: 'b', type: 'function', function: { name: 'g', arguments: '{"y":' } }),
      calls({ index: 0, function: { arguments: '2' } }),
      calls({ index: 0, id: 'b', function: { name: 'g', arguments: '}' } }),
      calls({ index: 1, id: 'c', type: 'function', function: { name: 'h', arguments: { z: 3 } } }),
      chunk({}, 'tool_calls'),
    ]);
    const seen = frames(out).flatMap((frame) =>
      (frame['choices'] as { delta: { tool_calls?: object[] } }[]).flatMap(
        ({ delta }) => delta.tool_calls ?? [],
      ),
    );
    expect(seen).toMatchObject([
      { index: 0, id: 'a', function: { name: 'f' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{"y":' } },
      { index: 1, function: { arguments: '2' } },
      { index: 1, id: 'b', function: { arguments: '}' } },
      { index: 2, id: 'c', type: 'function', function: { name: 'h', arguments: '{"z":3}' } },
    ]);
  });

  it('takes a whole message in place of a delta for what it is', () => {
    const stream = open();
    const choice = {
      index: 0,
      message: { role: 'assistant', content: 'all of it' },
      finish_reason: 'stop',
    };
    feedAll(stream, [`data: ${JSON.stringify({ id: 'c', choices: [choice] })}\n\n`, DONE]);
    expect(textOf(stream.close(receipt).toString())).toBe('all of it');
  });

  it('takes the function call of old clients for content', () => {
    const stream = open();
    feedAll(stream, [
      chunk({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }),
    ]);
    expect(stream.hasContent).toBe(true);
    const empty = open();
    feedAll(empty, [chunk({ role: 'assistant', content: null, function_call: null })]);
    expect(empty.hasContent).toBe(false);
  });
});
