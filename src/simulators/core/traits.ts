/**
 * Traits: properties of a simulated model that are read off its name, after `--`. `gpt-4o--tokens-60--token-15`
 * answers with exactly 60 tokens, one every 15 ms. A segment that is no trait and no fault is part of the name.
 *
 * | segment | meaning |
 * | --- | --- |
 * | `tokens-N` | prose answers have exactly N tokens |
 * | `thoughts-N` | N reasoning tokens (0: none) |
 * | `cached-N` | up to N input tokens come from the cache |
 * | `context-N` | more than N input tokens are refused |
 * | `chunk-N` | N tokens an event (1) |
 * | `ttft-N`, `token-N` | ms until the first token, ms between tokens |
 * | `no-prefill` | a conversation that ends with the assistant is refused |
 *
 * @module
 */

export interface Traits {
  readonly tokens: number | null;
  readonly thoughts: number | null;
  readonly cached: number;
  readonly context: number | null;
  readonly chunk: number;
  readonly firstTokenMs: number | null;
  readonly perTokenMs: number | null;
  readonly noPrefill: boolean;
}

const TRAIT = /^(tokens|thoughts|cached|context|chunk|ttft|token)-(\d{1,9})$/;

/** Traits of a model name; every one has a default. */
export function traitsOf(model: string): Traits {
  const numbers = new Map<string, number>();
  const segments = model.includes('--') ? model.split('--').slice(1) : [];
  for (const segment of segments) {
    const match = TRAIT.exec(segment);
    if (match !== null) numbers.set(match[1] ?? '', Number(match[2]));
  }
  return {
    tokens: numbers.get('tokens') ?? null,
    thoughts: numbers.get('thoughts') ?? null,
    cached: numbers.get('cached') ?? 0,
    context: numbers.get('context') ?? null,
    chunk: Math.max(1, numbers.get('chunk') ?? 1),
    firstTokenMs: numbers.get('ttft') ?? null,
    perTokenMs: numbers.get('token') ?? null,
    noPrefill: segments.includes('no-prefill'),
  };
}
