/**
 * Ids: a prefix that names the kind, then a time-ordered rest (48 bits of milliseconds, 80 random bits,
 * Crockford base 32, as ULID lays it out: https://github.com/ulid/spec).
 *
 * @module
 */

/** Kinds of ids: customer, subscription, period, key, request, hold, quote, job, asset, price book, event, webhook. */
export type IdPrefix =
  | 'cus'
  | 'sub'
  | 'per'
  | 'key'
  | 'agt'
  | 'req'
  | 'hold'
  | 'qt'
  | 'job'
  | 'ast'
  | 'pb'
  | 'evt'
  | 'rule'
  | 'voice'
  | 'wh';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Makes ids; the shell supplies time and randomness so that the core stays repeatable. */
export interface IdSource {
  next(prefix: IdPrefix): string;
}

/** Every two characters of the alphabet: half as many are put together. */
const PAIRS: readonly string[] = Array.from(
  { length: 1_024 },
  (_, at) => ALPHABET.charAt(at >> 5) + ALPHABET.charAt(at & 31),
);

function encodeTime(timeMs: number): string {
  let rest = timeMs;
  let text = '';
  for (let place = 0; place < 10; place += 1) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/**
 * An id source over a clock and a random byte source.
 *
 * Random bytes are drawn 4 KiB at a time, since a system call per id would cost more than the id.
 */
export function createIdSource(
  now: () => number,
  fillRandom: (target: Uint8Array) => void,
): IdSource {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  let lastTimeMs = -1;
  let lastTimeText = '';
  return {
    next(prefix) {
      const timeMs = now();
      if (timeMs !== lastTimeMs) {
        lastTimeMs = timeMs;
        lastTimeText = encodeTime(timeMs);
      }
      if (used + 16 > pool.length) {
        fillRandom(pool);
        used = 0;
      }
      let rest = '';
      for (let place = 0; place < 16; place += 2) {
        const first = (pool[used + place] ?? 0) & 31;
        const second = (pool[used + place + 1] ?? 0) & 31;
        rest += PAIRS[(first << 5) | second] ?? '';
      }
      used += 16;
      return `${prefix}_${lastTimeText}${rest}`;
    },
  };
}
