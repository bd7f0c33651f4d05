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

/** The `error` member of a family. `idHeader`: where the provider sends its request id. */
export function errorsFrom(
  table: ErrorTable,
  idHeader: string,
): (error: FaultError, context: ErrorContext) => BodyReply {
  return (error, { status, wait, nowMs, callId }) => {
    const headers = { [idHeader]: callId, ...waitHeaders(wait, nowMs) };
    if (error === 'bad_gateway') return htmlReply(status ?? 502, headers);
    const row = table[error](callId);
    return errorReply({ ...row, status: status ?? row.status }, headers);
  };
}

/** What an error means when nothing but the error is known. */
export function bareContext(callId: string): ErrorContext {
  return { model: null, status: null, wait: { form: 'none' }, nowMs: 0, callId };
}
