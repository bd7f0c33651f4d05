/**
 * A text that matches a regular expression: literals, classes, groups, alternatives and quantifiers.
 * Look-around and back references are beyond it; such patterns give a text that may not match.
 *
 * @module
 */
import type { SeededRandom } from './random.ts';

const CLASSES: Readonly<Record<string, string>> = {
  d: '0123456789',
  w: 'abcdefghijklmnopqrstuvwxyz0123456789_',
  s: ' ',
  D: 'abcdef',
  W: '-',
  S: 'abcdef',
};
const LITERAL_ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

class PatternReader {
  readonly #pattern: string;
  readonly #random: SeededRandom;
  #at = 0;

  constructor(pattern: string, random: SeededRandom) {
    this.#pattern = pattern;
    this.#random = random;
  }

  alternatives(): string {
    const options = [this.#sequence()];
    while (this.#pattern[this.#at] === '|') {
      this.#at += 1;
      options.push(this.#sequence());
    }
    return options[this.#random.integer(0, options.length - 1)] ?? '';
  }

  #sequence(): string {
    let text = '';
    while (this.#at < this.#pattern.length) {
      const character = this.#pattern[this.#at];
      if (character === '|' || character === ')') break;
      const start = this.#at;
      let unit = this.#unit();
      const end = this.#at;
      const times = this.#quantifier();
      if (times === 0) continue;
      for (let turn = 1; turn < times; turn += 1) {
        const resume = this.#at;
        this.#at = start;
        unit += this.#unit();
        this.#at = Math.max(resume, end);
      }
      text += unit;
    }
    return text;
  }

  #unit(): string {
    const character = this.#pattern[this.#at] ?? '';
    this.#at += 1;
    if (character === '^' || character === '$') return '';
    if (character === '.') return 'x';
    if (character === '[') return this.#oneOf(this.#characterClass());
    if (character === '\\') return this.#escape();
    if (character !== '(') return character;
    const marker = /^\?(?::|<[A-Za-z]\w*>)/.exec(this.#pattern.slice(this.#at));
    if (marker !== null) this.#at += marker[0].length;
    const text = this.alternatives();
    this.#at += 1;
    return text;
  }

  #escape(): string {
    const name = this.#pattern[this.#at] ?? '';
    this.#at += 1;
    if (name === 'b' || name === 'B') return '';
    const members = CLASSES[name];
    return members === undefined ? (LITERAL_ESCAPES[name] ?? name) : this.#oneOf(members);
  }

  #characterClass(): string {
    let members = '';
    let negated = false;
    if (this.#pattern[this.#at] === '^') {
      negated = true;
      this.#at += 1;
    }
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== ']') {
      const character = this.#pattern[this.#at] ?? '';
      this.#at += 1;
      if (character === '\\') {
        const name = this.#pattern[this.#at] ?? '';
        this.#at += 1;
        members += CLASSES[name] ?? LITERAL_ESCAPES[name] ?? name;
        continue;
      }
      const until = this.#pattern[this.#at + 1];
      if (this.#pattern[this.#at] === '-' && until !== undefined && until !== ']') {
        this.#at += 2;
        for (let code = character.charCodeAt(0); code <= until.charCodeAt(0); code += 1) {
          members += String.fromCharCode(code);
        }
      } else members += character;
    }
    this.#at += 1;
    if (!negated) return members;
    const candidates = 'abcdefghijklmnopqrstuvwxyzABC0123456789 -_';
    return Array.from(candidates)
      .filter((letter) => !members.includes(letter))
      .join('');
  }

  #quantifier(): number {
    const match = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(this.#pattern.slice(this.#at));
    if (match === null) return 1;
    this.#at += match[0].length;
    if (match[1] === '?') return this.#random.integer(0, 1);
    if (match[1] === '*') return this.#random.integer(0, 3);
    if (match[1] === '+') return this.#random.integer(1, 4);
    const low = Number(match[2]);
    const high = match[3] === undefined ? low : match[4] === '' ? low + 3 : Number(match[4]);
    return this.#random.integer(low, Math.min(high, low + 8));
  }

  #oneOf(members: string): string {
    return members.charAt(this.#random.integer(0, Math.max(0, members.length - 1)));
  }
}

/** A text for the pattern. */
export function samplePattern(pattern: string, random: SeededRandom): string {
  return new PatternReader(pattern, random).alternatives();
}
