/**
 * Answer texts: grammatical filler that follows from the random source, plainly labelled as simulated.
 *
 * @module
 */
import type { SeededRandom } from './random.ts';
import { splitTokens } from './tokens.ts';

/** What every simulated answer in prose begins with. */
export const SIMULATED_LABEL = '[simulated] ';

/** Every word is one token by the rule of `tokens.ts`. */
const WORDS = [
  'a',
  'also',
  'always',
  'and',
  'answer',
  'as',
  'at',
  'basic',
  'because',
  'before',
  'between',
  'bright',
  'but',
  'by',
  'café',
  'calm',
  'can',
  'clear',
  'close',
  'common',
  'content',
  'could',
  'daily',
  'detail',
  'each',
  'early',
  'every',
  'example',
  'façade',
  'few',
  'first',
  'for',
  'form',
  'from',
  'garden',
  'gentle',
  'good',
  'great',
  'have',
  'here',
  'house',
  'idea',
  'in',
  'into',
  'is',
  'it',
  'just',
  'kind',
  'last',
  'later',
  'less',
  'light',
  'like',
  'line',
  'little',
  'long',
  'many',
  'may',
  'method',
  'more',
  'morning',
  'most',
  'naïve',
  'new',
  'next',
  'not',
  'note',
  'often',
  'on',
  'one',
  'only',
  'open',
  'or',
  'other',
  'over',
  'own',
  'part',
  'place',
  'plain',
  'point',
  'quick',
  'quiet',
  'reader',
  'reason',
  'river',
  'same',
  'second',
  'several',
  'short',
  'simple',
  'since',
  'small',
  'so',
  'some',
  'steady',
  'still',
  'story',
  'such',
  'than',
  'that',
  'the',
  'then',
  'there',
  'these',
  'thing',
  'this',
  'through',
  'time',
  'to',
  'under',
  'until',
  'useful',
  'very',
  'warm',
  'way',
  'we',
  'well',
  'when',
  'where',
  'while',
  'with',
  'word',
  'work',
  'world',
  'writing',
  'year',
] as const;

/** Characters of two, three and four UTF-8 bytes, for faults that cut inside a character. */
export const MULTI_BYTE_SAMPLE = 'Grüße – 日本語 😀 naïve';

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Sentences of at least `minimumTokens` tokens. */
export function proseOf(random: SeededRandom, minimumTokens: number): string {
  const parts: string[] = [];
  let count = 0;
  while (count < minimumTokens) {
    const length = random.integer(5, 11);
    for (let place = 0; place < length; place += 1) {
      const word = random.pick(WORDS);
      if (parts.length > 0) parts.push(' ');
      parts.push(place === 0 ? capitalised(word) : word);
    }
    parts.push('.');
    count += length + 1;
  }
  return parts.join('');
}

/** At most eight words and 60 characters of what was asked, on one line. */
export function excerptOf(text: string): string {
  const words = text.slice(0, 400).split(/\s+/u).filter(Boolean).slice(0, 8);
  const short = words.join(' ');
  return short.length <= 60 ? short : `${Array.from(short).slice(0, 57).join('')}…`;
}

export interface ProseOptions {
  /** What the user said last; quoted in the answer, so that nobody's answer can pass for another's. */
  readonly asked: string;
  /** Exactly so many tokens; null lets the random source choose. */
  readonly tokens: number | null;
  /** Adds characters of several bytes at the start. */
  readonly multiByte: boolean;
}

/** A labelled answer as tokens. */
export function proseAnswer(random: SeededRandom, options: ProseOptions): string[] {
  const excerpt = excerptOf(options.asked);
  let opening = SIMULATED_LABEL;
  if (options.multiByte) opening += `${MULTI_BYTE_SAMPLE} `;
  if (excerpt !== '') opening += `You asked: "${excerpt}". `;
  const wanted = options.tokens ?? 0;
  const tokens = splitTokens(opening + proseOf(random, Math.max(random.integer(16, 40), wanted)));
  return options.tokens === null ? tokens : tokens.slice(0, wanted);
}
