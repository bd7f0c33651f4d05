import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent, SseFramer } from './sse-framer.ts';

function run(chunks: readonly Buffer[]): {
  events: { event: string; data: string }[];
  tail: string;
  raw: string;
} {
  const framer = new SseFramer(1 << 20);
  const events: { event: string; data: string }[] = [];
  let raw = '';
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    framer.push(lent, (bytes, start, end) => {
      raw += bytes.toString('latin1', start, end);
      const event = parseEvent(bytes, start, end);
      if (event !== null) events.push(event);
    });
    lent.fill('!');
    elsewhere();
  }
  return { events, tail: framer.tail.toString(), raw };
}

/** Another stream, whose chunks are joined as well. */
function elsewhere(): void {
  const framer = new SseFramer(1 << 20);
  for (const half of ['!'.repeat(2_000), '!\n\n']) framer.push(Buffer.from(half), () => {});
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [...new Set(cuts.map((point) => point % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  const chunks: Buffer[] = [];
  let from = 0;
  for (const point of [...points, bytes.length]) {
    chunks.push(bytes.subarray(from, point));
    from = point;
  }
  return chunks;
}

const line = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replace(/[\r\n]/g, ''));

describe('U1 SseFramer', () => {
  it.each([1 << 14, 65_536, 300_000])('F19: large events come whole (chunks of %d)', (size) => {
    const events = ['a', 'b'.repeat(700_000), 'c', 'd'.repeat(900_000), 'e\r\nid: 1'];
    const stream = Buffer.from(events.map((data) => `data: ${data}\n\n`).join(''));
    const framer = new SseFramer(1 << 22);
    const slices: Buffer[] = [];
    for (let from = 0; from < stream.length; from += size) {
      const lent = Buffer.from(stream.subarray(from, from + size));
      framer.push(lent, (bytes, start, end) => {
        slices.push(Buffer.from(bytes.subarray(start, end)));
      });
      lent.fill('!');
      elsewhere();
    }
    expect(slices).toHaveLength(events.length);
    expect(Buffer.concat(slices).equals(stream)).toBe(true);
  });

  it('finds the same events for every line end and every chunking', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.boolean(),
        (messages, newline, cuts, withMark) => {
          const text = messages
            .map((lines) => `${lines.map((data) => `data: ${data}${newline}`).join('')}${newline}`)
            .join('');
          const bytes = Buffer.from((withMark ? '\ufeff' : '') + text);
          const { events, tail } = run(cut(bytes, cuts));
          expect(events).toEqual(
            messages.map((lines) => ({ event: 'message', data: lines.join('\n') })),
          );
          expect(tail === '' || tail === '\n').toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds events across mixed line ends, byte by byte', () => {
    const bytes = Buffer.from(
      'data: a\n\r\ndata: b\r\n\ndata: c\r\r\nevent: x\ndata:d\n\n: note\n\ndata: half',
    );
    const { events, tail } = run([...bytes].map((byte) => Buffer.of(byte)));
    expect(events).toEqual([
      { event: 'message', data: 'a' },
      { event: 'message', data: 'b' },
      { event: 'message', data: 'c' },
      { event: 'x', data: 'd' },
    ]);
    expect(tail).toBe('data: half');
  });

  it('ends an event of CRLF lines with its LF, wherever the chunks are cut', () => {
    const event = 'data: {"a":1}\r\n\r\n';
    const framer = new SseFramer(1 << 20);
    const passed: string[] = [];
    for (const byte of Buffer.from(event.repeat(3))) {
      framer.push(Buffer.of(byte), (bytes, start, end) =>
        passed.push(bytes.toString('latin1', start, end)),
      );
    }
    expect(passed).toEqual([event, event, event]);
    expect(framer.tail).toHaveLength(0);
  });

  it('R2 holds back an unfinished event and loses no byte', () => {
    const bytes = Buffer.from('data: {"a":"é"}\n\ndata: {"b":');
    const { raw, tail } = run(cut(bytes, [3, 13, 14, 20]));
    expect(raw + Buffer.from(tail).toString('latin1')).toBe(bytes.toString('latin1'));
  });

  it('U7 reports an event beyond the cap', () => {
    const framer = new SseFramer(64);
    expect(framer.push(Buffer.from(`data: ${'x'.repeat(100)}`), () => {})).toBe(false);
  });
});
