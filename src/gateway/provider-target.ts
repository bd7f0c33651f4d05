/**
 * Where and as whom candidates are called.
 *
 * @module
 */
import type { ProviderTarget } from '../contracts/wire.ts';
import type { Candidate } from './candidates.ts';

/** Where and as whom a candidate is called. */
export function targetOf(candidate: Candidate): ProviderTarget {
  const { baseUrl, credential, settings } = candidate.provider;
  return { model: candidate.model, baseUrl, credential, settings };
}
