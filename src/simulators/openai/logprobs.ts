/**
 * Token probabilities, invented but of the right shape: one entry a token, alternatives in falling order.
 *
 * @module
 */

interface TokenProbability {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

/** Between -1.5 and 0, the same for the same token. */
export function logprobOf(token: string, rank: number): number {
  let sum = 7;
  for (const character of token) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1009;
  return -Number((sum / 1009 + rank * 1.5 + 0.001).toFixed(6));
}

function entryOf(token: string, rank: number): TokenProbability {
  return { token, logprob: logprobOf(token, rank), bytes: [...Buffer.from(token)] };
}

/** The `logprobs` member of a choice or a delta. */
export function logprobsOf(tokens: readonly string[], alternatives: number): object {
  return {
    content: tokens.map((token) => {
      const chosen = entryOf(token, 0);
      const others = Array.from({ length: Math.max(0, alternatives - 1) }, (_, index) => {
        const other = `${token}${'~'.repeat(index + 1)}`;
        return { ...entryOf(other, 0), logprob: chosen.logprob - 1.5 * (index + 1) };
      });
      return { ...chosen, top_logprobs: alternatives > 0 ? [chosen, ...others] : [] };
    }),
    refusal: null,
  };
}
