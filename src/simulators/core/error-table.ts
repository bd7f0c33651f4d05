/**
 * Errors of a family as a table: for every fault the status and the JSON body in which this provider says it.
 *
 * @module
 */
import type { ErrorContext } from './family.ts';
import type { FaultError } from './fault.ts';
import { htmlReply, waitHeaders } from './http-errors.ts';
import type { BodyReply } from './reply.ts';

/** One error. */
export interface ErrorRow {
  readonly status: number;
  readonly body: object;
}

/** Every error of a family; `callId` is the provider's request id, which some repeat in the body. */
export type ErrorTable = Readonly<Record<FaultError, (callId: string) => ErrorRow>>;

/** A reply with a row's body. */
export function errorReply(
  { status, body }: ErrorRow,
  headers: Readonly<Record<string, string>>,
): BodyReply {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    usage: null,
  };
}

/**
 * The `error` member of a family.
 *
 * @param say the row of an error; `callId` is the provider's request id
 * @param idHeader where the provider sends that id
 */
export function errorsFrom(
  say: (error: FaultError, callId: string) => ErrorRow,
  idHeader: string,
): (error: FaultError, context: ErrorContext) => BodyReply {
  return (error, { status, wait, nowMs, callId }) => {
    const headers = { [idHeader]: callId, ...waitHeaders(wait, nowMs) };
    if (error === 'bad_gateway') return htmlReply(status ?? 502, headers);
    const row = say(error, callId);
    return errorReply({ ...row, status: status ?? row.status }, headers);
  };
}

/** What an error means when nothing but the error is known. */
export function bareContext(callId: string): ErrorContext {
  return { model: null, status: null, wait: { form: 'none' }, nowMs: 0, callId };
}

/** The statuses that most servers say things with. */
const USUAL_STATUS: Readonly<Record<FaultError, number>> = {
  invalid_request: 400,
  context_length: 400,
  content_policy: 400,
  prefill_refused: 400,
  auth: 401,
  credit: 402,
  forbidden: 403,
  not_found: 404,
  model_not_supported: 400,
  timeout: 408,
  unprocessable: 422,
  rate_limit: 429,
  insufficient_quota: 402,
  quota_per_day: 429,
  server_error: 500,
  bad_gateway: 502,
  unavailable: 503,
  gateway_timeout: 504,
  overloaded: 503,
};

/** Rows in one shape of body with the usual statuses, for a provider that does nothing unusual. */
export function usualErrors(
  body: (code: string, message: string) => object,
): (error: FaultError) => ErrorRow {
  return (error) => ({
    status: USUAL_STATUS[error],
    body: body(error, `Simulated: ${error}.`),
  });
}
