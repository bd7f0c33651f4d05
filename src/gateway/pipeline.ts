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

/**
 * Serves one request.
 *
 * @throws GatewayError for the caller to render; whatever was reserved is resolved by then
 */
export async function serve(gateway: Gateway, exchange: Exchange, dialect: Dialect): Promise<void> {
  if (gateway.settings.autoCreatePlanId !== null) await ensureCustomer(gateway, exchange);
  const caller = authenticate(gateway.directory, exchange, {
    nowMs: exchange.startedAtMs,
    operation: dialect.operation,
    address: exchange.address,
  });
  assertBodyType(exchange, dialect.bodies);
  const read = exchange.readBody(dialect.maxBodyBytes(gateway.settings));
  const body = read instanceof Promise ? await read : read;
  const holdId = gateway.ids.next('hold');
  const key = idempotencyKeyOf(exchange);
  const request: WholeRequest = { exchange, dialect, caller, body, holdId };
  if (key === null) return await serveOnce(gateway, request, null);
  const serveClaimed = (claim: CallClaim) => serveOnce(gateway, request, claim);
  return await claimCall(gateway, exchange, {
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
  const { exchange, dialect } = request;
  const parsed = dialect.parse(request.body, gateway, request);
  // Only what must be measured first is a promise.
  const call = parsed instanceof Promise ? await parsed : parsed;
  const quoted = exchange.header(QUOTE_HEADER);
  const quote =
    quoted === null ? null : await quotedCallOf(gateway, quoted, request.caller.customer.id);
  const caller = gateway.priceRules.isByPlan
    ? await withPlan(gateway, request.caller)
    : request.caller;
  const resolved = resolveCandidates(gateway, caller, call);
  const candidates = gateway.routing.order(
    quote === null ? resolved : resolved.map((one) => atQuotedPrice(one, call, quote)),
    gateway.clock.nowMs(),
  );
  const run: CallRun = {
    exchange,
    caller,
    call,
    preparation: call.kind === 'operation' ? new Preparation(call) : null,
    candidates,
    dialect,
    tags: requestTags(exchange),
    deadlineMs: requestDeadlineMs(gateway, exchange, call.stream),
    quote,
    holdId: request.holdId,
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
  const slot = gateway.inFlight.begin(run.holdId);
  try {
    if (call.kind === 'operation' && runsAsJob(run, call)) {
      await serveAsJob(gateway, run, call);
    } else await runCall(gateway, run);
  } finally {
    gateway.inFlight.end(slot);
  }
}

/** From the hold to its end. */
async function runCall(gateway: Gateway, run: CallRun): Promise<void> {
  const { exchange } = run;
  try {
    await reserve(gateway, run);
  } catch (error) {
    exchange.failedCall = failedCallOf(run);
    throw error;
  }
  try {
    if (run.call.kind === 'operation') {
      await reviewBefore(gateway, run);
      await run.call.begin?.(gateway, run);
    }
    const answered = await dispatch(gateway, run);
    if (answered.type === 'whole') await deliverWhole(gateway, run, answered);
    else await deliverStream(gateway, run, answered);
    releaseBody(run);
  } catch (error) {
    const shown = keepFailure(gateway, run, error);
    await release(gateway, run, shown);
    exchange.failedCall = failedCallOf(run);
    throw shown;
  }
}

/** Resolves a hold whose call did not end in an answer: books what attempts were billed, frees the rest. */
async function release(gateway: Gateway, run: CallRun, error: unknown): Promise<void> {
  if (run.isBooked) return;
  const known = error instanceof GatewayError ? error : null;
  const end: RunEnd = {
    status: known?.status ?? 500,
    errorCode: known?.code ?? 'internal_error',
    clientClosed: run.exchange.gone,
  };
  if (end.errorCode === 'metering_unavailable') {
    // The store has just refused: the caller has waited enough.
    bookLater(gateway, run, { end, error });
    return;
  }
  try {
    const { request } = await bookRun(gateway, run, end);
    run.isBooked = true;
    gateway.recorder.requestEnded(request, run.caller);
  } catch (fault) {
    // The first error is the one to show.
    bookLater(gateway, run, { end, error: fault });
  }
}
