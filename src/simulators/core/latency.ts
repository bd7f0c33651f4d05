/**
 * When things are sent: time to the first token, then a delay per token, both spread by the seed.
 *
 * @module
 */
import type { SeededRandom } from './random.ts';
import type { Traits } from './traits.ts';

export interface Latency {
  /** Milliseconds from the complete request to the first token. */
  readonly firstTokenMs?: number;
  /** Milliseconds from one token to the next. */
  readonly perTokenMs?: number;
  /** Share by which each delay varies, 0 to 1. */
  readonly jitter?: number;
}

export interface Pace {
  readonly firstTokenMs: number;
  readonly perTokenMs: number;
  /** The delay, spread. */
  spread(ms: number): number;
}

/** The pace of one call: what the model's name says, else the simulator's setting. */
export function paceOf(latency: Latency, traits: Traits, random: SeededRandom): Pace {
  const jitter = Math.min(1, Math.max(0, latency.jitter ?? 0));
  return {
    firstTokenMs: traits.firstTokenMs ?? latency.firstTokenMs ?? 0,
    perTokenMs: traits.perTokenMs ?? latency.perTokenMs ?? 0,
    spread: (ms) => (jitter === 0 || ms === 0 ? ms : ms * (1 + jitter * (2 * random.next() - 1))),
  };
}
