/**
 * Segments out of words: ElevenLabs says when each word, each space and each sound was heard, and by whom, but not where a sentence
 * ends. A segment ends with its sentence, with its speaker, before a silence, and before it is too long to be read as a subtitle.
 *
 * @module
 */
import type { TranscriptSegment } from '../../contracts/transcription-provider.ts';

/** One piece of what was heard, as the reply has it. */
export interface HeardPiece {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly type: 'word' | 'spacing' | 'audio_event';
  readonly speaker: string | null;
}

const SILENCE_SECONDS = 1;
/** Two lines of a subtitle. */
const CHARACTERS_MAX = 84;
const SENTENCE_END = /[.!?…。！？]["'”’)]*$/u;

interface Open {
  readonly start: number;
  readonly speaker: string | null;
  readonly pieces: HeardPiece[];
}

function closed({ start, speaker, pieces }: Open): TranscriptSegment {
  return {
    start,
    end: Math.max(start, ...pieces.map(({ end, type }) => (type === 'spacing' ? 0 : end))),
    text: pieces
      .map(({ text }) => text)
      .join('')
      .trim(),
    speaker,
    details: {},
  };
}

/** Whether a word begins a new segment after what is open. */
function begins(piece: HeardPiece, open: Open): boolean {
  const spoken = open.pieces.filter(({ type }) => type !== 'spacing');
  const last = spoken.at(-1);
  if (last === undefined) return false;
  const length = open.pieces.reduce((sum, { text }) => sum + text.length, piece.text.length);
  return (
    piece.speaker !== open.speaker ||
    piece.start - last.end > SILENCE_SECONDS ||
    SENTENCE_END.test(last.text) ||
    length > CHARACTERS_MAX
  );
}

/** The pieces as segments; every word is in one of them, in its order. */
export function segmentsOf(pieces: readonly HeardPiece[]): readonly TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  let open: Open | null = null;
  for (const piece of pieces) {
    if (piece.type === 'spacing') {
      open?.pieces.push(piece);
      continue;
    }
    if (open !== null && begins(piece, open)) {
      segments.push(closed(open));
      open = null;
    }
    open ??= { start: piece.start, speaker: piece.speaker, pieces: [] };
    open.pieces.push(piece);
  }
  return open === null ? segments : [...segments, closed(open)];
}
