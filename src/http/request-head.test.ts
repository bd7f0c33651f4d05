import { createServer, type IncomingMessage, type Server } from 'node:http';
import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRequestHead } from './request-head.ts';

const MAX_BYTES = 16 * 1024;
const LINES = ['host: gateway', 'content-type: application/json', 'content-length: 2'];
const headOf = (lines: readonly string[], line = 'POST /v1/chat/completions HTTP/1.1'): string =>
  `${[line, ...lines].join('\r\n')}\r\n\r\n`;
const read = (text: string, maxBytes = MAX_BYTES) =>
  readRequestHead(Buffer.from(text, 'latin1'), maxBytes);

describe('a plain head', () => {
  it('is read, whatever the case of its names and the space around its values', () => {
    const text = headOf(['HOST:a', 'X-Empty:', 'X-Tab:\t b\t c \t', 'Content-Length:  12 ']);
    const head = read(`${text}{"a":1}`);
    expect(head).toMatchObject({
      path: '/v1/chat/completions',
      contentLength: 12,
      bytes: text.length,
    });
    const names = ['host', 'x-empty', 'x-tab', 'content-length', 'x-none', 'HOST'];
    expect(names.map((name) => head?.field(name))).toEqual(['a', '', 'b\t c', '12', null, null]);
  });

  it('keeps bytes beyond ASCII as Node does, and names that objects have', () => {
    const head = read(headOf([...LINES, 'x-name: caf\xe9', '__proto__: 1', 'constructor: 2']));
    expect(head?.field('x-name')).toBe('caf\xe9');
    expect(head?.field('__proto__')).toBe('1');
    expect(head?.field('constructor')).toBe('2');
    expect(head?.field('toString')).toBeNull();
  });

  it('may say that its connection goes on', () => {
    expect(read(headOf([...LINES, 'Connection: Keep-Alive']))).not.toBeNull();
  });
});

describe('what is left to a general parser', () => {
  it.each([
    ['half a head', headOf(LINES).slice(0, -1)],
    ['nothing', ''],
    ['another method', headOf(LINES, 'GET /v1/me HTTP/1.1')],
    ['a method in lower case', headOf(LINES, 'post /v1/me HTTP/1.1')],
    ['HTTP/1.0', headOf(LINES, 'POST / HTTP/1.0')],
    ['a query', headOf(LINES, 'POST /v1/me?a=b HTTP/1.1')],
    ['an escape in the path', headOf(LINES, 'POST /v1/%6de HTTP/1.1')],
    ['an absolute form', headOf(LINES, 'POST http://a/v1/me HTTP/1.1')],
    ['two spaces', headOf(LINES, 'POST  / HTTP/1.1')],
    ['an empty line first', `\r\n${headOf(LINES)}`],
    ['no fields', headOf([])],
    ['no host', headOf(LINES.slice(1))],
    ['no length', headOf(LINES.slice(0, 2))],
    ['two lengths', headOf([...LINES, 'Content-Length: 2'])],
    ['two of any other field', headOf([...LINES, 'x-a: 1', 'X-A: 1'])],
    ['a signed length', headOf(['host: a', 'content-length: +2'])],
    ['a list of lengths', headOf(['host: a', 'content-length: 2, 2'])],
    ['a length beyond all numbers', headOf(['host: a', `content-length: ${'9'.repeat(16)}`])],
    ['a transfer coding', headOf([...LINES, 'transfer-encoding: chunked'])],
    ['an expectation', headOf([...LINES, 'expect: 100-continue'])],
    ['an upgrade', headOf([...LINES, 'upgrade: websocket'])],
    ['a connection that ends', headOf([...LINES, 'connection: close'])],
    ['a connection with further tokens', headOf([...LINES, 'connection: keep-alive, te'])],
    ['a folded field', headOf(['host: a', 'x-a: 1', ' b', 'content-length: 2'])],
    ['a space before the colon', headOf(['host : a', 'content-length: 2'])],
    ['a field without a name', headOf([...LINES, ': 1'])],
    ['a line without a colon', headOf([...LINES, 'x'])],
    ['a bare line feed', headOf([...LINES, 'x-a: 1\nx-b: 2'])],
    ['a bare carriage return', headOf([...LINES, 'x-a: 1\rx-b: 2'])],
    ['a NUL', headOf([...LINES, 'x-a: \0'])],
    ['a DEL', headOf([...LINES, 'x-a: \x7f'])],
    ['very many fields', headOf([...LINES, ...Array.from({ length: 64 }, (_, at) => `a${at}: 1`)])],
  ])('%s', (_name, text) => {
    expect(read(text)).toBeNull();
  });

  it('a head as long as the limit, or longer', () => {
    const text = headOf(LINES);
    const bytes = text.length - 4;
    expect(read(text, bytes + 1)).not.toBeNull();
    expect(read(text, bytes)).toBeNull();
  });
});

describe('beside Node', () => {
  let server: Server;
  let heard: ((request: IncomingMessage | null) => void) | null = null;
  beforeAll(() => {
    server = createServer({ maxHeaderSize: MAX_BYTES });
    server.on('request', (request) => heard?.(request));
    server.on('clientError', () => heard?.(null));
    server.on('checkContinue', () => heard?.(null));
  });
  afterAll(() => {
    server.close();
  });

  /** What Node makes of the bytes; null where it refuses them or waits for more. */
  async function nodeReads(bytes: Buffer): Promise<IncomingMessage | null> {
    const [client, side] = duplexPair();
    const request = new Promise<IncomingMessage | null>((resolve) => {
      heard = resolve;
    });
    server.emit('connection', side);
    client.end(bytes);
    const said = await request;
    client.destroy();
    side.destroy();
    return said;
  }

  const name = fc.oneof(
    fc.constantFrom(
      'host',
      'Host',
      'content-length',
      'connection',
      'transfer-encoding',
      'authorization',
      'x-a',
      '__proto__',
      'x_b.c~d',
    ),
    fc.stringMatching(/^x-[a-z0-9]{3,8}$/),
    fc.string({
      maxLength: 8,
      unit: fc.integer({ min: 0x20, max: 0xff }).map(String.fromCharCode),
    }),
  );
  const value = fc.oneof(
    fc.constantFrom('', '2', ' 2\t', '002', 'keep-alive', 'close', 'chunked', 'a: b'),
    fc.string({ maxLength: 12, unit: fc.integer({ min: 0, max: 0xff }).map(String.fromCharCode) }),
    fc.string({ maxLength: 12 }),
  );
  const separator = fc.constantFrom(': ', ':', ': ', ' : ', ':\t');
  const line = fc
    .tuple(name, separator, value)
    .map(([left, between, right]) => `${left}${between}${right}`);
  const end = fc.oneof(
    { weight: 40, arbitrary: fc.constant('\r\n') },
    { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '') },
  );
  const path = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('/v1/chat/completions', '/', '/a;b=c:@,') },
    fc.string({
      maxLength: 8,
      unit: fc.integer({ min: 0x20, max: 0xff }).map(String.fromCharCode),
    }),
  );
  const request = fc
    .record({
      path,
      usual: fc.constantFrom(['host: a', 'content-length: 2'], ['Content-Length:2', 'hOst:'], []),
      lines: fc.array(line, { maxLength: 3 }),
      ends: fc.array(end, { minLength: 6, maxLength: 6 }),
    })
    .map(({ path: target, usual, lines, ends }) => {
      const all = [`POST ${target} HTTP/1.1`, ...usual, ...lines];
      return `${all.map((text, at) => text + (ends[at] ?? '\r\n')).join('')}\r\n{}`;
    });

  it('whatever is accepted, Node accepts and reads alike', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(request, async (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const head = readRequestHead(bytes, MAX_BYTES);
        if (head === null) return;
        accepted += 1;
        const node = await nodeReads(bytes);
        expect(node).toMatchObject({ method: 'POST', url: head.path, httpVersion: '1.1' });
        const raw = node?.rawHeaders ?? [];
        for (let at = 0; at < raw.length; at += 2) {
          expect(head.field(raw[at]?.toLowerCase() ?? '')).toBe(raw[at + 1]);
        }
        expect(String(head.contentLength)).toBe(String(Number(node?.headers['content-length'])));
        expect(bytes.toString('latin1', head.bytes)).toBe('{}');
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
