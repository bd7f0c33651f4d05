/**
 * One pipeline for every request, whatever its modality:
 * authenticate → validate → resolve → estimate → reserve → dispatch → relay → settle → record.
 *
 * **Invariant** A provider is called only under a committed hold. **Invariant** The last byte leaves only after
 * the settlement is committed. **Invariant** Every hold is settled or voided exactly once, whatever is thrown.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { ensureCustomer } from './auto-create.ts';
import type { CallClaim } from './call-claim.ts';
import { authenticate, type Caller } from './caller.ts';
import { atQuotedPrice, resolveCandidates } from './candidates.ts';
import { withPlan } from './charged-price.ts';
import { reviewBefore } from './content-review.ts';
import { deliverStream, deliverWhole } from './deliver.ts';
import { dispatch } from './dispatch.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { comparableBody, idempotencyKeyOf } from './idempotency-key.ts';
import { claimCall } from './idempotent.ts';
import { sendKnownJob } from './jobs/answer-job.ts';
import { runsAsJob, serveAsJob } from './jobs/serve-job.ts';
import { keepFailure } from './keep-failure.ts';
import { Preparation } from './preparation.ts';
import { QUOTE_HEADER, quotedCallOf } from './quotes/quoted-call.ts';
import { reserve } from './reserve.ts';
import { assertBodyType, requestDeadlineMs, requestTags } from './request-headers.ts';
import { bookLater, bookRun, type RunEnd } from './settlement.ts';
import type { Dialect } from './dialect.ts';
import { type CallRun, failedCallOf, releaseBody } from './call-run.ts';
import type { OperationCall } from './operation-call.ts';

/**
 * Serves one request.
 *
 * @throws GatewayError, at once or as the promise's rejection, for the caller to render; whatever was reserved is resolved
 *   by then
 */
export function serve(gateway: Gateway, exchange: Exchange, dialect: Dialect): Promise<void> {
  // What most calls have at once is no promise: each layer of them costs every call.
  if (gateway.settings.autoCreatePlanId === null) return serveKnown(gateway, exchange, dialect);
  return ensureCustomer(gateway, exchange).then(() => serveKnown(gateway, exchange, dialect));
}

function serveKnown(gateway: Gateway, exchange: Exchange, dialect: Dialect): Promise<void> {
  const caller = authenticate(gateway.directory, exchange, {
    nowMs: exchange.startedAtMs,
    operation: dialect.operation,
    address: exchange.address,
  });
  assertBodyType(exchange, dialect.bodies);
  const read = exchange.readBody(dialect.maxBodyBytes(gateway.settings));
  const serveBody = (body: Buffer): Promise<void> =>
    serveWhole(gateway, { exchange, dialect, caller, body, holdId: gateway.ids.next('hold') });
  return read instanceof Promise ? read.then(serveBody) : serveBody(read);
}

/** A request with its body: once for every idempotency key. */
function serveWhole(gateway: Gateway, request: WholeRequest): Promise<void> {
  const { exchange, caller, body, holdId } = request;
  const key = idempotencyKeyOf(exchange);
  if (key === null) return serveOnce(gateway, request, null);
  const serveClaimed = (claim: CallClaim) => serveOnce(gateway, request, claim);
  return claimCall(gateway, exchange, {
    key,
    ownerId: caller.customer.id,
    body: comparableBody(body, exchange.header('content-type')),
    holdId,
    serve: serveClaimed,
    sendJob: (job) => sendKnownJob(gateway, request, job),
  });
}

/** An authenticated request with its whole body. */
interface WholeRequest {
  readonly exchange: Exchange;
  readonly dialect: Dialect;
  readonly caller: Caller;
  readonly body: Buffer;
  readonly holdId: string;
}

/** Serves a request that no earlier one has answered; `claim` is its idempotency key's. */
async function serveOnce(
  gateway: Gateway,
  request: WholeRequest,
  claim: CallClaim | null,
): Promise<void> {
  const parsed = request.dialect.parse(request.body, gateway, request);
  // Only what must be measured first is a promise.
  const call = parsed instanceof Promise ? await parsed : parsed;
  const quoted = request.exchange.header(QUOTE_HEADER);
  const quote =
    quoted === null ? null : await quotedCallOf(gateway, quoted, request.caller.customer.id);
  const caller = gateway.priceRules.isByPlan
    ? await withPlan(gateway, request.caller)
    : request.caller;
  const run = beginRun(gateway, { request, caller }, { call, claim, quote });
  if (call.kind === 'operation' && runsAsJob(run, call)) {
    await serveJob(gateway, run, call);
    return;
  }
  const slot = gateway.inFlight.begin(run.holdId);
  try {
    await reserve(gateway, run);
    if (call.kind === 'operation') {
      await reviewBefore(gateway, run);
      await call.begin?.(gateway, run);
    }
    const answered = await dispatch(gateway, run);
    if (answered.type === 'whole') await deliverWhole(gateway, run, answered);
    else await deliverStream(gateway, run, answered);
    releaseBody(run);
  } catch (error) {
    const shown = run.hold === null ? error : await releaseFailed(gateway, run, error);
    run.exchange.failedCall = failedCallOf(run);
    throw shown;
  } finally {
    gateway.inFlight.end(slot);
  }
}

async function serveJob(gateway: Gateway, run: CallRun, call: OperationCall): Promise<void> {
  const slot = gateway.inFlight.begin(run.holdId);
  try {
    await serveAsJob(gateway, run, call);
  } finally {
    gateway.inFlight.end(slot);
  }
}

/** A run that has asked nobody for anything yet. */
function beginRun(
  gateway: Gateway,
  { request, caller }: { readonly request: WholeRequest; readonly caller: Caller },
  asked: Pick<CallRun, 'call' | 'claim' | 'quote'>,
): CallRun {
  const { exchange, dialect, holdId } = request;
  const { call, claim, quote } = asked;
  const resolved = resolveCandidates(gateway, caller, call);
  const candidates = gateway.routing.order(
    quote === null ? resolved : resolved.map((one) => atQuotedPrice(one, call, quote)),
    gateway.clock.nowMs(),
  );
  return {
    exchange,
    caller,
    call,
    preparation: call.kind === 'operation' ? new Preparation(call) : null,
    candidates,
    dialect,
    tags: requestTags(exchange),
    deadlineMs: requestDeadlineMs(gateway, exchange, call.stream),
    quote,
    holdId,
    claim,
    hold: null,
    rates: { requests: null, tokens: null },
    attempts: [],
    sending: null,
    warnings: [],
    upstreamMs: 0,
    firstTokenAtMs: null,
    isBooked: false,
  };
}

/**
 * Resolves a hold whose call did not end in an answer: books what attempts were billed, frees the rest.
 *
 * @returns the error to show
 */
async function releaseFailed(gateway: Gateway, run: CallRun, failure: unknown): Promise<unknown> {
  const error = keepFailure(gateway, run, failure);
  if (run.isBooked) return error;
  const known = error instanceof GatewayError ? error : null;
  const end: RunEnd = {
    status: known?.status ?? 500,
    errorCode: known?.code ?? 'internal_error',
    clientClosed: run.exchange.gone,
  };
  if (end.errorCode === 'metering_unavailable') {
    // The store has just refused: the caller has waited enough.
    bookLater(gateway, run, { end, error });
    return error;
  }
  try {
    await bookRun(gateway, run, end);
  } catch (fault) {
    // The first error is the one to show.
    bookLater(gateway, run, { end, error: fault });
  }
  return error;
}
