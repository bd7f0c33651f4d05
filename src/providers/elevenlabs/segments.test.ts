import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentsOf, type HeardPiece } from './segments.ts';

const piece = fc.record({
  text: fc.constantFrom('Hello', 'there.', 'Yes!', 'well,', 'a'.repeat(50)),
  type: fc.constantFrom('word' as const, 'audio_event' as const),
  speaker: fc.constantFrom(null, 'speaker_0', 'speaker_1'),
  pause: fc.constantFrom(0, 0.2, 3),
});

/** Words with a space between any two, one after the other. */
function heard(words: readonly (Omit<HeardPiece, 'start' | 'end'> & { pause: number })[]) {
  let at = 0;
  return words.flatMap(({ pause, ...word }): HeardPiece[] => {
    const start = at + pause;
    at = start + 0.5;
    const spoken = { ...word, start, end: at };
    return [spoken, { text: ' ', start: at, end: at, type: 'spacing', speaker: word.speaker }];
  });
}

test('every word is in one segment, in its order, with its speaker and within its times', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (words) => {
      const pieces = heard(words);
      const segments = segmentsOf(pieces);
      expect(segments.map(({ text }) => text).join(' ')).toBe(
        words.map(({ text }) => text).join(' '),
      );
      let last = 0;
      for (const { start, end, text, speaker } of segments) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        last = end;
        const inside = pieces.filter(
          (one) => one.type !== 'spacing' && one.start >= start && one.end <= end,
        );
        expect(new Set(inside.map((one) => one.speaker))).toEqual(new Set([speaker]));
        expect(text.length <= 84 || inside.length === 1).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('nothing heard is no segment', () => {
  expect(segmentsOf([])).toEqual([]);
});
