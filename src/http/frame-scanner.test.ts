import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameScanner, type FrameRange } from './frame-scanner.ts';
import { scanFrame } from './json-scan.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const data = fc
  .record({
    id: fc.oneof({ weight: 8, arbitrary: fc.constant('a') }, fc.constant('b')),
    content: fc.oneof({ weight: 9, arbitrary: text }, fc.constant(null)),
    finish: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constant('stop')),
    usage: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constant({ total: 1 })),
  })
  .chain((members) => fc.tuple(fc.constant(members), fc.option(text, { freq: 2 })))
  .map(([{ id, content, finish, usage }, filler]) =>
    JSON.stringify({
      id,
      choices: [{ index: 0, delta: { content }, finish_reason: finish }],
      usage,
      obfuscation: filler ?? undefined,
    }),
  );
const damage = fc.oneof(
  { weight: 9, arbitrary: fc.constant(null) },
  fc.tuple(fc.nat(), fc.integer({ min: 0x20, max: 0x7e })),
);
const lineEnd = fc.oneof(
  { weight: 6, arbitrary: fc.constant('\n\n') },
  fc.constantFrom('\r\n\r\n', '\n'),
);

/** Frames behind one another, and where each stands. */
const stream = fc.array(fc.tuple(data, damage, lineEnd), { maxLength: 12 }).map((parts) => {
  const frames: FrameRange[] = [];
  const pieces: Buffer[] = [];
  let start = 0;
  for (const [json, hit, newlines] of parts) {
    const bytes = Buffer.from(json);
    if (hit !== null) bytes[hit[0] % bytes.length] = hit[1];
    const dataStart = start + 6;
    const dataEnd = dataStart + bytes.length;
    const end = dataEnd + newlines.length;
    frames.push({ start, dataStart, dataEnd, end });
    pieces.push(Buffer.from('data: '), bytes, Buffer.from(newlines));
    start = end;
  }
  return { bytes: Buffer.concat(pieces), frames };
});

const runs = (contents: readonly string[]): Buffer =>
  Buffer.from(contents.map((content) => `data: {"content":"${content}"}\n\n`).join(''));

describe('FrameScanner', () => {
  it('says of every frame of a stream what a whole scan says', () => {
    fc.assert(
      fc.property(stream, ({ bytes, frames }) => {
        const scanner = new FrameScanner();
        for (const frame of frames) {
          expect(scanner.scan(bytes, frame)).toBe(scanFrame(bytes, frame.dataStart, frame.dataEnd));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('finds runs of whole frames of which a scan says the same', () => {
    let found = 0;
    fc.assert(
      fc.property(stream, fc.nat(40), ({ bytes, frames }, cut) => {
        const cutOff = bytes.subarray(0, bytes.length - Math.min(cut, bytes.length));
        const scanner = new FrameScanner();
        for (const [place, frame] of frames.entries()) {
          if (frame.end > cutOff.length) return;
          const flags = scanner.scan(cutOff, frame);
          const end = scanner.endOfRun(cutOff, frame.end);
          const run = frames.slice(place + 1, place + 1 + scanner.runFrames);
          expect(end).toBe(run.at(-1)?.end ?? frame.end);
          for (const { dataStart, dataEnd } of run) {
            expect(scanFrame(cutOff, dataStart, dataEnd)).toBe(flags);
          }
          found += run.length;
        }
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  it('ends a run where a frame is cut off, is another, or is none', () => {
    const scanner = new FrameScanner();
    const first = runs(['a']);
    const frame = { start: 0, dataStart: 6, dataEnd: first.length - 2, end: first.length };
    const alike = runs(['a', 'b\\n', '', 'ü']);
    const endings = [
      'data: {"con',
      'data: {"content":"',
      'data: [DONE]\n\n',
      '\n',
      'x',
      'data: {"content":"a\n"}\n\n',
    ];
    for (const ending of endings) {
      const bytes = Buffer.concat([alike, Buffer.from(ending)]);
      scanner.scan(bytes, frame);
      expect(scanner.endOfRun(bytes, frame.end)).toBe(alike.length);
      expect(scanner.runFrames).toBe(3);
    }
  });

  it('finds none behind a frame that was not like the others', () => {
    const scanner = new FrameScanner();
    const bytes = Buffer.concat([runs(['a']), Buffer.from('data: {"x":1}\n\n'), runs(['b'])]);
    const first = runs(['a']).length;
    scanner.scan(bytes, { start: 0, dataStart: 6, dataEnd: first - 2, end: first });
    expect(scanner.endOfRun(bytes, first)).toBe(first);
    const end = first + 15;
    scanner.scan(bytes, { start: first, dataStart: first + 6, dataEnd: end - 2, end });
    expect(scanner.endOfRun(bytes, end)).toBe(end);
  });
});
