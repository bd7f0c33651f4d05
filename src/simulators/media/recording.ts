/**
 * What a simulated listener hears: how long a recording is, and a transcript that follows from its bytes.
 *
 * The length of a WAV is read from its header; of any other file it is taken as one second for every 16,000 bytes.
 *
 * @module
 */
import { hash } from 'node:crypto';

const BYTES_PER_SECOND = 16_000;

export interface HeardWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

export interface Heard {
  readonly seconds: number;
  readonly text: string;
  /** Evenly over the whole length. */
  readonly words: readonly HeardWord[];
}

function lengthOf(bytes: Buffer): number {
  if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.length >= 44) {
    return (bytes.length - 44) / Math.max(1, bytes.readUInt32LE(28));
  }
  return bytes.length / BYTES_PER_SECOND;
}

/** Equal recordings are heard alike. */
export function hear(bytes: Buffer): Heard {
  const seconds = lengthOf(bytes);
  const text = `Simulated transcript of ${String(bytes.length)} bytes, ${hash('sha256', bytes, 'hex').slice(0, 8)}.`;
  const words = text.split(' ');
  const each = seconds / words.length;
  return {
    seconds,
    text,
    words: words.map((word, at) => ({ word, start: at * each, end: (at + 1) * each })),
  };
}
