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

const ALPHABET_CODES = Buffer.from(ALPHABET);
/** Of the random part of an id; five bits each. */
const RANDOM_CHARACTERS = 16;
/** Random bytes that are drawn together: a drawing costs as much as a hundred ids. */
const POOL_BYTES = 16 * 1024;

function encodeTime(timeMs: number): string {
  let rest = timeMs;
  let text = '';
  for (let place = 0; place < 10; place += 1) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** An id source over a clock and a random byte source. */
export function createIdSource(
  now: () => number,
  fillRandom: (target: Uint8Array) => void,
): IdSource {
  const pool = Buffer.alloc(POOL_BYTES);
  // Random characters of many ids as one text: a part of it costs less than putting characters together.
  let characters = '';
  let used = POOL_BYTES;
  let lastTimeMs = -1;
  let lastTimeText = '';
  return {
    next(prefix) {
      const timeMs = now();
      if (timeMs !== lastTimeMs) {
        lastTimeMs = timeMs;
        lastTimeText = encodeTime(timeMs);
      }
      if (used === POOL_BYTES) {
        fillRandom(pool);
        for (let at = 0; at < POOL_BYTES; at += 1)
          pool[at] = ALPHABET_CODES[(pool[at] ?? 0) & 31] ?? 0;
        characters = pool.toString('latin1');
        used = 0;
      }
      const random = characters.slice(used, used + RANDOM_CHARACTERS);
      used += RANDOM_CHARACTERS;
      return `${prefix}_${lastTimeText}${random}`;
    },
  };
}
