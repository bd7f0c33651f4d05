/**
 * Repeatable randomness: everything a simulator invents follows from its seed and the request.
 *
 * @module
 */
import { hash } from 'node:crypto';

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number, both ends included. */
  integer(low: number, high: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** Letters and digits, as vendors' ids have them. */
  alphanumeric(length: number): string;
}

/** Four 32-bit words that depend on every character of every part. */
function stateOf(parts: readonly (string | number)[]): Uint32Array {
  const digest = hash('sha256', parts.join('\u0000'), 'buffer');
  return Uint32Array.of(
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  );
}

/** A generator (sfc32, Chris Doty-Humphrey's small fast counter) over the hash of the parts. */
export function createRandom(...parts: readonly (string | number)[]): SeededRandom {
  const state = stateOf(parts);
  let [a = 0, b = 0, c = 0, d = 1] = state;
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  const integer = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  return {
    next,
    integer,
    pick: (items) => items[integer(0, items.length - 1)] ?? items[0],
    alphanumeric(length) {
      let text = '';
      for (let place = 0; place < length; place += 1) {
        text += ALPHANUMERIC.charAt(integer(0, ALPHANUMERIC.length - 1));
      }
      return text;
    },
  };
}
