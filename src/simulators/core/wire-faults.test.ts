import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator, type SimulatorLogEntry } from '../index.ts';
import { rawCall, writeCall, type RawReply } from '../testing/raw-call.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const messages = [{ role: 'user', content: 'Say hello to Ann' }];
const TOKENS = 12;

interface CallOptions {
  readonly fault: string;
  readonly stream?: boolean;
  readonly patienceMs?: number;
  readonly until?: string;
}

/** One call on the OpenAI wire with an answer of 12 tokens. */
function call({ fault, stream = true, ...rest }: CallOptions): Promise<RawReply> {
  return rawCall({
    port: simulator.port,
    path: '/openai/v1/chat/completions',
    body: { model: `gpt-4o--tokens-${String(TOKENS)}--fault-${fault}`, messages, stream },
    ...rest,
  });
}

function contents(reply: RawReply): string[] {
  const matches = reply.payload
    .toString('utf8')
    .matchAll(/"delta":\{"content":("(?:[^"\\]|\\.)*")\}/g);
  return Array.from(matches, (match) => String(JSON.parse(match[1] ?? '""')));
}

async function entry(): Promise<SimulatorLogEntry> {
  await simulator.idle();
  const last = simulator.log.at(-1);
  if (last === undefined) throw new Error('Nothing was logged');
  return last;
}

test('a healthy stream over the same path is whole', async () => {
  const reply = await call({ fault: 'retry-after-on-200' });
  expect(reply.head).toContain('retry-after: 30');
  expect(contents(reply)).toHaveLength(TOKENS);
  expect(reply).toMatchObject({ whole: true, ended: 'end' });
});

describe('connections', () => {
  test('reset before any byte', async () => {
    const reply = await call({ fault: 'reset-before-headers' });
    expect(reply).toMatchObject({ ended: 'reset', text: '' });
    expect(await entry()).toMatchObject({ outcome: 'reset', billed: null, status: null });
  });

  test('reset inside the headers', async () => {
    const reply = await call({ fault: 'reset-in-headers', stream: false });
    expect(reply.ended).toBe('reset');
    expect(reply.text).toBe('HTTP/1.1 200 OK\r\ncontent-type: applica');
    expect((await entry()).billed).toMatchObject({ outputTokens: TOKENS });
  });

  test('reset inside a JSON body', async () => {
    const reply = await call({ fault: 'reset-in-body', stream: false });
    const length = Number(/content-length: (\d+)/.exec(reply.head)?.[1]);
    expect(reply.ended).toBe('reset');
    expect(reply.payload.length).toBe(Math.ceil(length / 2));
    expect((await entry()).outcome).toBe('reset');
  });

  test('reset on a reused connection only, before anything is sent', async () => {
    const socket = connect(simulator.port, '127.0.0.1');
    const options = {
      port: simulator.port,
      path: '/openai/v1/chat/completions',
      body: { model: 'fault-reset-reused', messages },
      keepAlive: true,
    };
    const { promise, resolve } = Promise.withResolvers<string>();
    let received = '';
    socket.on('data', (data: Buffer) => {
      received += data.toString('utf8');
      if (received.endsWith('}')) writeCall(socket, options);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    writeCall(socket, options);
    expect(await promise).toBe('ECONNRESET');
    expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    expect(simulator.log.map((item) => item.connectionReused)).toEqual([false, true]);
  });

  test.each([
    ['reset-after-5', 'reset', false],
    ['close-after-5', 'end', false],
    ['eof-after-5', 'end', true],
  ])('%s', async (fault, ended, whole) => {
    const reply = await call({ fault });
    expect(contents(reply)).toHaveLength(5);
    expect(reply).toMatchObject({ ended, whole });
    expect(reply.text).not.toContain('finish_reason":"stop');
    const { billed, contentEventsSent, outcome } = await entry();
    expect({ produced: billed?.outputTokens, contentEventsSent }).toEqual({
      produced: 5,
      contentEventsSent: 5,
    });
    expect(outcome).toBe(ended === 'reset' ? 'reset' : 'completed');
  });

  test('half an event, then a clean end', async () => {
    const reply = await call({ fault: 'half-event-after-3' });
    const payload = reply.payload.toString('utf8');
    expect(reply).toMatchObject({ ended: 'end', whole: true });
    expect(contents(reply)).toHaveLength(3);
    expect(payload.endsWith('\n\n')).toBe(false);
    expect(payload.split('\n\n').at(-1)).toMatch(/^data: \{"id"/);
  });

  test('an end inside a character', async () => {
    const reply = await call({ fault: 'half-utf8-after-2' });
    const last = reply.payload.at(-1) ?? 0;
    expect(last & 0xc0).toBe(0xc0);
    expect(reply.payload.toString('utf8').endsWith('\uFFFD')).toBe(true);
  });
});

describe('time', () => {
  test('silence before the headers', async () => {
    const reply = await call({ fault: 'stall-headers', patienceMs: 100 });
    expect(reply).toMatchObject({ ended: 'open', text: '' });
    expect(await entry()).toMatchObject({
      outcome: 'client_closed',
      clientClosedEarly: true,
      billed: null,
    });
  });

  test('silence before the headers for a while', async () => {
    const reply = await call({ fault: 'stall-headers-30', stream: false });
    expect(reply.whole).toBe(true);
    const { startedAtMs, firstByteAtMs } = await entry();
    expect((firstByteAtMs ?? 0) - startedAtMs).toBeGreaterThanOrEqual(29);
  });

  test.each([true, false])('headers, then silence (stream %s)', async (stream) => {
    const reply = await call({ fault: 'stall-first', stream, patienceMs: 150 });
    expect(reply.ended).toBe('open');
    expect(reply.head).toContain('200 ok');
    expect(reply.payload.length).toBe(0);
  });

  test.each([true, false])(
    'headers, a while of silence, then the answer (stream %s)',
    async (stream) => {
      const reply = await call({ fault: 'stall-first-40', stream });
      expect(reply.whole).toBe(true);
      expect(reply.pieces.length).toBeGreaterThan(1);
    },
  );

  test('silence between tokens for ever; the caller leaving is logged and billed as produced', async () => {
    const reply = await call({ fault: 'stall-after-4', patienceMs: 150 });
    expect(reply.ended).toBe('open');
    expect(contents(reply)).toHaveLength(4);
    expect(await entry()).toMatchObject({
      outcome: 'client_closed',
      billed: { outputTokens: 4 },
      contentEventsSent: 4,
    });
  });

  test('silence between tokens, then the end, or the rest', async () => {
    const broken = await call({ fault: 'stall-after-4-30-eof' });
    expect(contents(broken)).toHaveLength(4);
    expect(broken).toMatchObject({ ended: 'end', whole: true });
    const reset = await call({ fault: 'stall-after-4-30-reset' });
    expect(reset.ended).toBe('reset');
    const resumed = await call({ fault: 'stall-after-4-30' });
    expect(contents(resumed)).toHaveLength(TOKENS);
  });

  test('a slow drip leaves piece by piece', async () => {
    const reply = await call({ fault: 'drip-1-200' });
    const sizes = Array.from(reply.body.matchAll(/(?:^|\r\n)([0-9a-f]+)\r\n/g), (match) =>
      Number.parseInt(match[1] ?? '', 16),
    );
    expect(sizes.length).toBe(Math.ceil(reply.payload.length / 200) + 1);
    expect(Math.max(...sizes)).toBe(200);
    expect(contents(reply)).toHaveLength(TOKENS);
    const whole = await call({ fault: 'drip-1-200', stream: false });
    expect(whole.whole).toBe(true);
  });
});

describe('content', () => {
  test('characters are split over chunks', async () => {
    const reply = await call({ fault: 'split-utf8' });
    const chunks = reply.body.split(/\r\n[0-9a-f]+\r\n/);
    const inside = chunks.filter((chunk) => ((chunk.charCodeAt(0) ?? 0) & 0xc0) === 0x80);
    expect(inside.length).toBeGreaterThan(3);
    expect(contents(reply).join('')).toContain('Grüße');
  });

  test('one byte a chunk', async () => {
    const reply = await call({ fault: 'one-byte' });
    expect(reply.body.startsWith('1\r\nd\r\n1\r\na\r\n')).toBe(true);
    expect(contents(reply)).toHaveLength(TOKENS);
  });

  test('malformed JSON as a body and as the nth event', async () => {
    const body = await call({ fault: 'bad-json', stream: false });
    expect(body.whole).toBe(true);
    expect(() => void JSON.parse(body.payload.toString('utf8'))).toThrow(SyntaxError);
    const stream = await call({ fault: 'bad-event-10' });
    const events = stream.payload.toString('utf8').split('\n\n').filter(Boolean).slice(0, -1);
    const bad = events.flatMap((event, index) => {
      try {
        JSON.parse(event.slice(6));
        return [];
      } catch {
        return [index];
      }
    });
    // Index 0 is the role.
    expect(bad).toEqual([10]);
    expect(stream.payload.toString('utf8')).toContain('[DONE]');
  });

  test('wrong content lengths', async () => {
    const long = await call({ fault: 'content-length-long', stream: false });
    expect(long).toMatchObject({ ended: 'end', whole: false });
    expect(JSON.parse(long.payload.toString('utf8'))).toHaveProperty('choices');
    const short = await call({ fault: 'content-length-short', stream: false });
    const announced = Number(/content-length: (\d+)/.exec(short.head)?.[1]);
    expect(short.payload.length).toBeGreaterThan(announced);
    const both = await call({ fault: 'content-length-chunked', stream: false });
    expect(both.head).toContain('content-length:');
    expect(both.head).toContain('transfer-encoding: chunked');
  });

  test.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
    ['zstd', zstdDecompressSync],
  ])('%s: true, lying, truncated', async (encoding, decompress) => {
    const honest = await call({ fault: encoding, stream: false });
    expect(honest.head).toContain(`content-encoding: ${encoding}`);
    expect(JSON.parse(decompress(honest.payload).toString('utf8'))).toHaveProperty('choices');
    const stream = await call({ fault: encoding });
    expect(decompress(stream.payload).toString('utf8')).toContain('[DONE]');
    const lie = await call({ fault: `${encoding}-lie`, stream: false });
    expect(lie.head).toContain(`content-encoding: ${encoding}`);
    expect(JSON.parse(lie.payload.toString('utf8'))).toHaveProperty('choices');
    const cut = await call({ fault: `${encoding}-truncated`, stream: false });
    expect(cut.whole).toBe(true);
    expect(() => decompress(cut.payload)).toThrow();
  });

  test('a bomb is small on the wire and large unpacked', async () => {
    const reply = await call({ fault: 'gzip-bomb-20', stream: false });
    expect(reply.payload.length).toBeLessThan(40_000);
    expect(gunzipSync(reply.payload).length).toBeGreaterThan(20_000_000);
  });

  test('a huge event and a huge body', async () => {
    const stream = await call({ fault: 'huge-3' });
    expect(stream.payload.length).toBeGreaterThan(3_000_000);
    expect(stream.whole).toBe(true);
    const body = await call({ fault: 'huge-3', stream: false });
    expect(body.payload.length).toBeGreaterThan(3_000_000);
  });

  test('errors inside HTTP 200', async () => {
    const body = await call({ fault: 'error-200', stream: false });
    expect(body.head).toContain('200 ok');
    expect(JSON.parse(body.payload.toString('utf8'))).toMatchObject({
      error: { code: 'server_error' },
    });
    expect((await entry()).billed).toBeNull();
    const first = await call({ fault: 'error-200-429-insufficient-quota' });
    const payload = first.payload.toString('utf8');
    expect(payload.startsWith('data: {"error":')).toBe(true);
    expect(payload).toContain('insufficient_quota');
    expect(payload.split('\n\n').filter(Boolean)).toHaveLength(1);
    const later = await call({ fault: 'error-after-3-429' });
    expect(contents(later)).toHaveLength(3);
    expect(later.payload.toString('utf8')).not.toContain('[DONE]');
    expect((await entry()).billed).toMatchObject({ outputTokens: 3 });
  });

  test('a bare error after events, as Google sends it', async () => {
    const reply = await rawCall({
      port: simulator.port,
      path: '/gemini/v1beta/models/fault-bare-error-after-2:streamGenerateContent?alt=sse',
      body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    });
    const blocks = reply.payload.toString('utf8').split('\r\n\r\n');
    expect(blocks).toHaveLength(3);
    expect(JSON.parse(blocks[2] ?? '')).toMatchObject({ error: { code: 500, status: 'INTERNAL' } });
  });

  test('bent usage', async () => {
    const usage = async (fault: string): Promise<Record<string, unknown> | undefined> => {
      const reply = await call({ fault, stream: false });
      const body = JSON.parse(reply.payload.toString('utf8')) as {
        usage?: Record<string, unknown>;
      };
      return body.usage;
    };
    expect(await usage('no-usage')).toBeUndefined();
    expect(await usage('usage-negative')).toMatchObject({ completion_tokens: -TOKENS - 1 });
    expect(await usage('usage-mismatch')).toMatchObject({ total_tokens: 11 + TOKENS + 1000 });
    expect(await usage('usage-cached-exceeds')).toMatchObject({
      prompt_tokens: 11,
      prompt_tokens_details: { cached_tokens: 122 },
    });
    expect((await entry()).billed).toMatchObject({
      inputTokens: 11,
      outputTokens: TOKENS,
      cachedTokens: 0,
    });
    const growing = await call({ fault: 'usage-growing' });
    const counts = Array.from(
      growing.payload.toString('utf8').matchAll(/"completion_tokens":(\d+)/g),
      (match) => Number(match[1]),
    );
    expect(counts.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(counts.at(-1)).toBe(TOKENS);
  });

  test('usage twice, and none, in a stream that was asked for it', async () => {
    const ask = async (fault: string): Promise<number> => {
      const body = {
        model: `fault-${fault}`,
        messages,
        stream: true,
        stream_options: { include_usage: true },
      };
      const reply = await rawCall({ port: simulator.port, path: '/v1/chat/completions', body });
      return reply.text.split('"usage":{').length - 1;
    };
    expect(await ask('usage-twice')).toBe(2);
    expect(await ask('no-usage')).toBe(0);
    expect(await ask('no-done')).toBe(1);
  });

  test('no sentinel, repeated, unknown and reordered events', async () => {
    const missing = await call({ fault: 'no-done' });
    expect(missing.text).not.toContain('[DONE]');
    expect(missing.text).toContain('"finish_reason":"stop"');
    expect(missing.whole).toBe(true);
    const repeated = await call({ fault: 'duplicate-events' });
    expect(repeated.text.match(/"finish_reason":"stop"/g)).toHaveLength(2);
    const unknown = await call({ fault: 'unknown-events' });
    expect(unknown.text).toContain('simulator.unknown');
    expect(contents(unknown)).toHaveLength(TOKENS);
    const body = {
      model: 'fault-reordered-events',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    };
    const reordered = await rawCall({ port: simulator.port, path: '/v1/chat/completions', body });
    const at = reordered.text.indexOf('"usage":{');
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(reordered.text.indexOf('"finish_reason":"stop"'));
  });

  test.each([
    ['cr', /^data: [^\r\n]+\r\r/],
    ['crlf', /^data: [^\r\n]+\r\n\r\n/],
    ['mixed', /\n\ndata: [^\r\n]+\r\n\r\ndata: [^\r\n]+\r\rdata: /],
    ['bom', /^\u00EF\u00BB\u00BFdata: /],
    ['comments', /^: keep-alive 0\n\ndata: /],
    ['multi-line', /^data: \{"id":"[^"]+",\ndata: "object"/],
    ['no-space', /^data:\{/],
    ['fields', /^id: 0\nretry: 3000\nunknown: x\ndata: /],
    ['all', /^\u00EF\u00BB\u00BF: keep-alive 0\r\n/],
  ])('framing %s', async (how, pattern) => {
    const reply = await call({ fault: `framing-${how}` });
    expect(reply.payload.toString('latin1')).toMatch(pattern);
  });

  test('another model than was asked for', async () => {
    const reply = await call({ fault: 'served-gpt-4o-2024-08-06', stream: false });
    expect(JSON.parse(reply.payload.toString('utf8'))).toMatchObject({
      model: 'gpt-4o-2024-08-06',
    });
  });

  test('empty in every way', async () => {
    const body = await call({ fault: 'empty-body', stream: false });
    expect(body.head).toContain('content-length: 0');
    const stream = await call({ fault: 'empty-body' });
    expect(stream).toMatchObject({ whole: true });
    expect(stream.payload.length).toBe(0);
    const none = await call({ fault: 'no-choices', stream: false });
    expect(JSON.parse(none.payload.toString('utf8'))).toMatchObject({ choices: [] });
    const content = await call({ fault: 'null-content', stream: false });
    expect(content.text).toContain('"content":null');
    const filtered = await call({ fault: 'filtered', stream: false });
    expect(filtered.text).toContain('"finish_reason":"content_filter"');
  });

  test('redirects to another host', async () => {
    const reply = await call({ fault: 'redirect-307' });
    expect(reply.head).toContain('307');
    expect(reply.head).toContain('location: https://elsewhere.simulator.invalid/');
  });

  test('interim responses, a wrong content type, a lone surrogate', async () => {
    const interim = await call({ fault: 'interim', stream: false });
    expect(interim.text.startsWith('HTTP/1.1 102')).toBe(true);
    expect(interim.text).toContain('HTTP/1.1 103');
    expect(interim.text).toContain('HTTP/1.1 200 OK');
    const wrong = await call({ fault: 'wrong-content-type', stream: false });
    expect(wrong.head).toContain('content-type: text/html');
    const lone = await call({ fault: 'lone-surrogate', stream: false });
    expect(lone.text).toContain('"content":"\\ud83d[');
  });
});

describe('statuses', () => {
  test.each([
    ['400-context-length', 400, 'context_length_exceeded'],
    ['400-content-policy', 400, 'content_policy_violation'],
    ['401', 401, 'invalid_api_key'],
    ['402', 402, 'insufficient_quota'],
    ['403', 403, 'unsupported_country'],
    ['404', 404, 'model_not_found'],
    ['408', 408, 'request_timeout'],
    ['429-insufficient-quota', 429, '"code":"insufficient_quota"'],
    ['500', 500, 'server_error'],
    ['502', 502, '<!DOCTYPE html>'],
    ['503', 503, 'server_overloaded'],
    ['520', 520, '<!DOCTYPE html>'],
    ['529', 529, 'server_overloaded'],
  ])('%s', async (fault, status, text) => {
    const reply = await call({ fault });
    expect(reply.text.startsWith(`HTTP/1.1 ${String(status)}`)).toBe(true);
    expect(reply.text).toContain(text);
    expect(await entry()).toMatchObject({
      status,
      billed: null,
      outcome: 'completed',
      faults: ['error'],
    });
  });

  test.each([
    ['429-retry-after-7', 'retry-after: 7\r\n'],
    ['503-retry-after-3', 'retry-after: 3\r\n'],
    ['429-retry-after-ms-1500', 'retry-after-ms: 1500\r\n'],
    ['429-reset-6m0s', 'x-ratelimit-reset-requests: 6m0s\r\n'],
    ['429-negative', 'retry-after: -5\r\n'],
    ['429-huge', 'retry-after: 1000000000\r\n'],
    ['429-garbage', 'retry-after: soon-ish\r\n'],
  ])('%s', async (fault, header) => {
    expect(`${(await call({ fault })).head}\r\n`).toContain(header);
  });

  test('a wait as an HTTP date, and none', async () => {
    const dated = await call({ fault: '429-retry-date-60' });
    const date = Date.parse(/retry-after: (.+ gmt)/.exec(dated.head)?.[1] ?? '');
    const { startedAtMs } = await entry();
    expect(Math.abs(date - startedAtMs - 60_000)).toBeLessThan(2000);
    expect((await call({ fault: '429' })).head).not.toContain('retry-after');
  });
});
