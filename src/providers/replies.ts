/**
 * Reading of replies, for providers with a protocol of their own.
 *
 * @module
 */
import {
  ProviderFailureError,
  providerFailure,
  type ProviderFailureKind,
} from '../contracts/provider-failure.ts';
import type { WireReply } from '../contracts/wire.ts';
import { isObject, type LooseObject } from './openai-compatible/loose-json.ts';

/** A 2xx reply that cannot be read. */
export function malformed(message: string, cause?: unknown): ProviderFailureError {
  return new ProviderFailureError(
    providerFailure({ kind: 'malformed_reply', status: 200, message }),
    { cause },
  );
}

/** The reply as one JSON object. @throws ProviderFailureError where it is none */
export function jsonObjectOf(reply: WireReply): LooseObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(reply.body.toString('utf8'));
  } catch (error) {
    throw malformed('The provider answered with something that is not JSON.', error);
  }
  if (!isObject(parsed)) throw malformed('The provider answered with JSON that is no object.');
  return parsed;
}

/** What a status says where no typed word says more. */
export function kindOfStatus(status: number): ProviderFailureKind {
  switch (status) {
    case 401:
    case 403:
      return 'auth';
    case 402:
      return 'credit';
    case 408:
      return 'server_error';
    case 429:
      return 'rate_limited';
    case 503:
    case 529:
      return 'overloaded';
    default:
      return status >= 400 && status < 500 ? 'invalid_request' : 'server_error';
  }
}

/** The same where the model is part of the path: what is not there is a model. */
export function kindOfModelStatus(status: number): ProviderFailureKind {
  return status === 404 ? 'model_not_found' : kindOfStatus(status);
}

/** Seconds as a provider counts them; zero for what is no length. */
export function secondsOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

/** Characters as providers count them: code points. */
export function charactersOf(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}
