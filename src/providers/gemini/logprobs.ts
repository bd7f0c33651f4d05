/**
 * `logprobsResult` → token log probabilities.
 * https://ai.google.dev/api/generate-content#LogprobsResult
 *
 * @module
 */
import type { TokenLogprob } from '../../contracts/text.ts';
import { asRecord, asRecords, type JsonRecord } from './json.ts';

type Entry = TokenLogprob['top_logprobs'][number];

/** Gemini gives no bytes of a token; proto3 JSON leaves out an empty token and a probability of exactly 1. */
function entryOf(candidate: JsonRecord): Entry {
  const { token, logProbability } = candidate;
  return {
    token: typeof token === 'string' ? token : '',
    logprob: typeof logProbability === 'number' ? logProbability : 0,
    bytes: null,
  };
}

/** The tokens of a candidate, in order; empty when it carries none. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  const result = asRecord(value);
  if (result === null) return [];
  const steps = asRecords(result['topCandidates']);
  return asRecords(result['chosenCandidates']).map((chosen, step) => ({
    ...entryOf(chosen),
    top_logprobs: asRecords(steps[step]?.['candidates']).map(entryOf),
  }));
}
