/**
 * What a simulated listener hears: how long a recording is, and a transcript that follows from its bytes.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { soundSeconds } from './sound.ts';

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

/** Equal recordings are heard alike. */
export function hear(bytes: Buffer): Heard {
  const seconds = soundSeconds(bytes);
  const text = `Simulated transcript of ${String(bytes.length)} bytes, ${hash('sha256', bytes, 'hex').slice(0, 8)}.`;
  const words = text.split(' ');
  const each = seconds / words.length;
  return {
    seconds,
    text,
    words: words.map((word, at) => ({ word, start: at * each, end: (at + 1) * each })),
  };
}
