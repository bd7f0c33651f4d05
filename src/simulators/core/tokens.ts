/**
 * The simulators' tokenizer. Rule: a token is up to eight letters, digits, marks or underscores in a row, or one
 * other character, each together with the white space before it; white space at the very end is one token.
 * No vendor counts so; the rule is simple enough to be recomputed by a test, it never yields more tokens than the
 * text has UTF-8 bytes, and joining any first n tokens gives a text of exactly n tokens.
 *
 * @module
 */

const TOKEN = /\s*(?:[\p{L}\p{M}\p{N}_]{1,8}|[^\s\p{L}\p{M}\p{N}_])|\s+/gu;

/** The text cut into tokens; joined they are the text again. */
export function splitTokens(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/** How many tokens the text has. */
export function countTokens(text: string): number {
  return text === '' ? 0 : splitTokens(text).length;
}
