/**
 * Exit codes of the command line, as `--help` documents them.
 *
 * @module
 */
import { ERROR_CODES, type ErrorCode } from '../contracts/error-codes.ts';

export const EXIT_CODES = {
  ok: 0,
  failure: 1,
  usage: 2,
  invalidConfig: 3,
  auth: 4,
  unreachable: 5,
  refused: 6,
  providerError: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** What each exit code says, for `--help` and the documentation. */
export const EXIT_CODE_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT_CODES.ok, 'ok'],
  [EXIT_CODES.failure, 'failure'],
  [EXIT_CODES.usage, 'wrong usage'],
  [EXIT_CODES.invalidConfig, 'invalid configuration'],
  [EXIT_CODES.auth, 'key missing, wrong or not allowed'],
  [EXIT_CODES.unreachable, 'gateway not reachable'],
  [EXIT_CODES.refused, 'refused by plan or limit'],
  [EXIT_CODES.providerError, 'provider error'],
  [EXIT_CODES.interrupted, 'interrupted'],
];

const BY_ERROR_CODE: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  invalid_api_key: EXIT_CODES.auth,
  forbidden: EXIT_CODES.auth,
  limit_exceeded: EXIT_CODES.refused,
  limit_held: EXIT_CODES.refused,
  rate_limited: EXIT_CODES.refused,
  concurrency_limited: EXIT_CODES.refused,
  not_in_plan: EXIT_CODES.refused,
  model_not_allowed: EXIT_CODES.refused,
  subscription_inactive: EXIT_CODES.refused,
  insufficient_funds: EXIT_CODES.refused,
  provider_auth: EXIT_CODES.providerError,
  provider_credit: EXIT_CODES.providerError,
  provider_rate_limited: EXIT_CODES.providerError,
  provider_error: EXIT_CODES.providerError,
  provider_timeout: EXIT_CODES.providerError,
  stream_interrupted: EXIT_CODES.providerError,
  content_filtered: EXIT_CODES.providerError,
};

/** True for a code of the gateway's error table. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** The exit code for an error that a gateway answered with; `failure` where no other fits. */
export function exitCodeOf(code: string): ExitCode {
  return isErrorCode(code) ? (BY_ERROR_CODE[code] ?? EXIT_CODES.failure) : EXIT_CODES.failure;
}
