import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadFields } from './head-fields.ts';
import { ReplyError, ReplyParser } from './reply-parser.ts';

interface Reading {
  status: number | null;
  fields: HeadFields;
  body: string;
  isComplete: boolean;
}

function reading(parser: ReplyParser): Reading {
  const seen: Reading = { status: null, fields: HeadFields.NONE, body: '', isComplete: false };
  parser.receiver = {
    onHead: (status, fields) => Object.assign(seen, { status, fields }),
    onBody: (chunk) => (seen.body += chunk.toString('latin1')),
    onComplete: () => (seen.isComplete = true),
  };
  return seen;
}

function read(text: string, ends = false): Reading & { readonly parser: ReplyParser } {
  const parser = new ReplyParser();
  const seen = reading(parser);
  parser.push(Buffer.from(text, 'latin1'));
  if (ends) parser.end();
  return Object.assign(seen, { parser });
}

const OK = 'HTTP/1.1 200 OK\r\n';
const chunked = (parts: readonly string[]): string =>
  `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`;

const body = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), {
  maxLength: 5,
});

describe('ReplyParser', () => {
  it('reads the same reply however it is cut', () => {
    fc.assert(
      fc.property(
        body,
        fc.constantFrom('sized', 'chunked', 'until_close'),
        fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
        (parts, framing, cuts) => {
          const whole = parts.join('');
          const head = `HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n${OK}content-type: text/plain\r\nset-cookie: a\r\nSet-Cookie:\tb \r\n`;
          const wire = {
            sized: `content-length: ${whole.length}\r\n\r\n${whole}`,
            chunked: `transfer-encoding: Chunked\r\n\r\n${chunked(parts)}`,
            until_close: `\r\n${whole}`,
          }[framing];
          const bytes = Buffer.from(head + wire, 'latin1');
          const parser = new ReplyParser();
          const seen = reading(parser);
          const places = cuts.filter((at) => at < bytes.length).toSorted((one, two) => one - two);
          [...places, bytes.length].reduce((from, to) => {
            const lent = Buffer.from(bytes.subarray(from, to));
            if (to > from) parser.push(lent);
            lent.fill('!');
            return to;
          }, 0);
          if (framing === 'until_close') parser.end();
          expect(seen).toMatchObject({ status: 200, body: whole, isComplete: true });
          expect(seen.fields.field('set-cookie')).toBe('a, b');
          expect([parser.hasRest, parser.canReuse]).toEqual([false, framing !== 'until_close']);
        },
      ),
    );
  });

  it.each([
    ['two lengths', `${OK}content-length: 3\r\ncontent-length: 3\r\n\r\nabc`],
    ['two lengths in one', `${OK}content-length: 3, 3\r\n\r\nabc`],
    ['a length with a sign', `${OK}content-length: +3\r\n\r\nabc`],
    ['a length beside chunks', `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n`],
    ['another coding', `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ['chunks twice', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a folded header', `${OK}a: b\r\n c\r\ncontent-length: 0\r\n\r\n`],
    ['a blank before the colon', `${OK}content-length : 3\r\n\r\nabc`],
    ['a header without a colon', `${OK}content-length\r\n\r\n`],
    ['a bare line feed', `${OK}a: b\ncontent-length: 3\r\n\r\nabc`],
    ['a bare carriage return', `${OK}a: b\rc\r\n\r\n`],
    ['a zero byte', `${OK}a: b\0\r\n\r\n`],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
    ['a chunk without a size', `${OK}transfer-encoding: chunked\r\n\r\n\r\nabc`],
    ['a chunk with a sign', `${OK}transfer-encoding: chunked\r\n\r\n-3\r\nabc`],
    ['a chunk with a prefix', `${OK}transfer-encoding: chunked\r\n\r\n0x3\r\nabc`],
    ['a chunk that is longer', `${OK}transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n`],
    ['a chunk line without end', `${OK}transfer-encoding: chunked\r\n\r\n3;${'x'.repeat(400)}`],
    ['a malformed trailer', `${OK}transfer-encoding: chunked\r\n\r\n0\r\nx y\r\n\r\n`],
    ['something else', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['something else that is not over', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['lines that end in LF, at once', 'HTTP/1.1 200 OK\ncontent-length: 2\n\n{}'],
    ['an empty line before it', `\r\n${OK}`],
  ])('refuses %s', (_name, wire) => {
    expect(() => read(wire)).toThrow(ReplyError);
  });

  it('knows the lines that a reply may begin with', () => {
    const statusLine = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;
    const part = (usual: readonly string[]): fc.Arbitrary<string> =>
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...usual) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 3 }) },
      );
    const line = fc.tuple(
      part(['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'http/1.1']),
      part([' ']),
      part(['200', '599', '600', '099', '20', '2000', '2x0']),
      part(['', ' ', ' OK', ' a\tb \xff']),
    );
    fc.assert(
      fc.property(line, (parts) => {
        const text = parts.join('');
        const wire = `${text}\r\ncontent-length: 0\r\n\r\n`;
        if (statusLine.test(text)) expect(read(wire).isComplete).toBe(text[9] !== '1');
        else expect(() => read(wire)).toThrow(ReplyError);
      }),
      { numRuns: 1_000 },
    );
  });

  it('delivers what was good before it says what is wrong', () => {
    const parser = new ReplyParser();
    const seen = reading(parser);
    const wire = `${OK}transfer-encoding: chunked\r\n\r\n1;ext=1\r\na\r\n2\r\nbc\r\nzz\r\n`;
    expect(() => parser.push(Buffer.from(wire))).toThrow('malformed chunk');
    expect(seen).toMatchObject({ body: 'abc', isComplete: false });
  });

  it('refuses headers and trailers without end', () => {
    const endless = `a: ${'x'.repeat(20_000)}`;
    expect(() => read(OK + endless)).toThrow('headers of more');
    expect(() => read(`${OK}transfer-encoding: chunked\r\n\r\n0\r\n${endless}`)).toThrow(
      'trailers',
    );
  });

  it.each([
    ['inside the head', `${OK}a: b`],
    ['before anything', ''],
    ['inside a sized body', `${OK}content-length: 3\r\n\r\nab`],
    ['inside a chunk', `${OK}transfer-encoding: chunked\r\n\r\n3\r\nab`],
    ['before the last chunk', `${OK}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`],
  ])('says that a reply was cut short: %s', (_name, wire) => {
    const parser = new ReplyParser();
    const seen = reading(parser);
    if (wire !== '') parser.push(Buffer.from(wire));
    expect(() => parser.end()).toThrow(expect.objectContaining({ code: 'REPLY_CUT_SHORT' }));
    expect(seen.isComplete).toBe(false);
  });

  it('knows replies without a body, and when another request may follow', () => {
    for (const status of ['204 No Content', '304 Not Modified']) {
      expect(read(`HTTP/1.1 ${status}\r\ncontent-length: 9\r\n\r\n`)).toMatchObject({
        body: '',
        isComplete: true,
      });
    }
    const reusable = (wire: string): boolean => read(wire).parser.canReuse;
    expect(reusable(`${OK}content-length: 0\r\n\r\n`)).toBe(true);
    expect(reusable(`${OK}content-length: 0\r\nconnection: x, Close\r\n\r\n`)).toBe(false);
    expect(reusable('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n')).toBe(false);
    expect(
      read(`${OK}content-length: 0\r\nkeep-alive: timeout=5, max=9\r\n\r\n`).parser,
    ).toMatchObject({ keepAliveMs: 5_000 });
  });

  it('keeps what stands behind a reply, and takes nothing that nobody asked for', () => {
    const { parser, isComplete } = read(`${OK}content-length: 0\r\n\r\nHTTP`);
    expect([isComplete, parser.hasRest]).toEqual([true, true]);
    expect(() => parser.push(Buffer.from('x'))).toThrow('nobody asked');
    const behindChunks = read(
      `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\n${'x'.repeat(20_000)}`,
    );
    expect([behindChunks.isComplete, behindChunks.parser.hasRest]).toEqual([true, true]);
  });

  it('delivers nothing while it is halted, not even the end', () => {
    const parser = new ReplyParser();
    const seen = reading(parser);
    const receiver = parser.receiver;
    if (receiver === null) throw new Error('no receiver');
    parser.receiver = {
      ...receiver,
      onBody: (chunk) => {
        receiver.onBody(chunk);
        parser.halt();
      },
    };
    parser.push(Buffer.from(`${OK}transfer-encoding: chunked\r\n\r\n${chunked(['one', 'two'])}`));
    // What came together is delivered together.
    expect(seen).toMatchObject({ body: 'onetwo', isComplete: false });
    parser.resume();
    expect(seen).toMatchObject({ isComplete: true });
  });
});
