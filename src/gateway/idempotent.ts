/**
 * Serves a POST under its `Idempotency-Key`: once, and the same reply to every repetition. Two ways in:
 *
 * - {@link claimCall} for calls that hold money: their claim ends with the hold (`CallClaim.settlement`)
 * - {@link answerOnce} for all others: their reply is stored before it is given out
 *
 * @module
 */
import { fixedMilliseconds } from '../contracts/durations.ts';
import { isGatewayError } from '../contracts/gateway-error.ts';
import type { ClaimOutcome, IdempotencyStore, NewClaim } from '../metering/idempotency-port.ts';
import type { JobRecord } from '../metering/job-port.ts';
import { CallClaim, endWith } from './call-claim.ts';
import { readOutcome } from './claim-outcome.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { fingerprintOf, idempotencyKeyOf } from './idempotency-key.ts';
import type { KeptReply, ReplySeal } from './reply-seal.ts';

/** What keeping replies takes. */
export interface IdempotencyParts {
  readonly store: IdempotencyStore;
  readonly seal: ReplySeal;
  /** Told when a reply could not be stored, or a key not be freed. */
  readonly onFault: (error: unknown, requestId: string) => void;
}

/** One request under a key on the data plane. */
export interface KeyedRequest {
  readonly key: string;
  /** Whose key it is: a customer's own, whichever of its API keys calls; a service key's own where it calls for none. */
  readonly ownerId: string;
  /** The body's bytes as they came. */
  readonly body: Uint8Array;
}

function partsOf(gateway: Gateway): IdempotencyParts {
  return {
    store: gateway.store.idempotency,
    seal: gateway.replySeal,
    onFault: (error, requestId) =>
      gateway.recorder.fault(error, { requestId, step: 'idempotency' }),
  };
}

function claimOf(exchange: Exchange, keyed: KeyedRequest, holdId: string | null): NewClaim {
  const { method, url } = exchange;
  return {
    scope: keyed.ownerId,
    key: keyed.key,
    fingerprint: fingerprintOf({ method, target: url, body: keyed.body }, exchange),
    requestId: exchange.requestId,
    holdId,
  };
}

/** Frees a key whose call came to nothing. A key that cannot be freed is told as interrupted, or judged by its hold. */
async function forget(parts: IdempotencyParts, claim: NewClaim): Promise<void> {
  try {
    await parts.store.end(claim, { type: 'forgotten' });
  } catch (error) {
    parts.onFault(error, claim.requestId);
  }
}

/**
 * The job of the call that has the key, where its reply is not there: a job is recorded with its hold, so that it outlives
 * its call, and is what there is to tell of it.
 */
async function jobBehind(gateway: Gateway, outcome: ClaimOutcome): Promise<JobRecord | null> {
  const isWithoutReply =
    outcome.type === 'ended' || (outcome.type === 'in_flight' && outcome.inDoubt);
  return isWithoutReply ? await gateway.store.jobs.findByRequest(outcome.requestId) : null;
}

/** Headers that were true of the first reply's moment only. */
const MOMENTARY = /^x-(?:ratelimit-|gateway-overhead-ms$)/;

/** Sends a kept reply. Its headers name the first call: what that one cost, and where it is booked. */
function sendAgain(gateway: Gateway, exchange: Exchange, reply: KeptReply): void {
  const headers: string[] = [];
  for (let at = 0; at < reply.headers.length; at += 2) {
    const name = reply.headers[at] ?? '';
    if (!MOMENTARY.test(name)) headers.push(name, reply.headers[at + 1] ?? '');
  }
  const tookMs = gateway.clock.monotonicMs() - exchange.startedAtMonotonicMs;
  headers.push('x-gateway-overhead-ms', fixedMilliseconds(tookMs), 'idempotency-replayed', 'true');
  gateway.recorder.requestReplayed({
    requestId: exchange.requestId,
    firstRequestId: headers[headers.indexOf('x-request-id') + 1] ?? '',
    status: reply.status,
    durationMs: tookMs,
  });
  if (!reply.stream) {
    exchange.send(reply.status, headers, reply.body);
    return;
  }
  exchange.startStream(headers);
  exchange.finish(reply.body);
}

/**
 * Claims the key for a call that will hold money under `holdId`, runs it, and lets go of the key. A repetition is
 * answered instead.
 *
 * @throws GatewayError what `serve` throws; `idempotency_mismatch`, `idempotency_in_flight`, `idempotency_completed`
 */
export async function claimCall(
  gateway: Gateway,
  exchange: Exchange,
  call: KeyedRequest & {
    readonly holdId: string;
    readonly serve: (claim: CallClaim) => Promise<void>;
    /** Answers with the job that an earlier call has become. */
    readonly sendJob: (job: JobRecord) => Promise<void>;
  },
): Promise<void> {
  const parts = partsOf(gateway);
  const claim = claimOf(exchange, call, call.holdId);
  const running = new CallClaim(claim, parts.seal);
  try {
    const outcome = await parts.store.claim(claim);
    const job = await jobBehind(gateway, outcome);
    if (job !== null) {
      await call.sendJob(job);
      return;
    }
    const reply = readOutcome(outcome, claim, parts.seal);
    if (reply !== null) {
      sendAgain(gateway, exchange, reply);
      return;
    }
    try {
      await call.serve(running);
    } catch (error) {
      // Behind the hold the journal decides; a claim whose hold was never made is free by that alone.
      if (!running.isEnded && !running.reachedProvider) await forget(parts, claim);
      throw error;
    }
  } finally {
    parts.store.leave(claim);
  }
}

/**
 * Runs a call without a hold under its key, or finds the reply of the first. What a refusal (`GatewayError`) has not
 * done is judged afresh; any other failure may have done something, so the call is not run again.
 *
 * @throws GatewayError what `run` throws; `idempotency_mismatch`, `idempotency_in_flight`, `idempotency_completed`
 */
export async function replyOnce(
  parts: IdempotencyParts,
  claim: NewClaim,
  run: () => Promise<KeptReply>,
): Promise<{ readonly reply: KeptReply; readonly replayed: boolean }> {
  try {
    const known = readOutcome(await parts.store.claim(claim), claim, parts.seal);
    if (known !== null) return { reply: known, replayed: true };
    let reply: KeptReply;
    try {
      reply = await run();
    } catch (error) {
      if (isGatewayError(error) && error.code !== 'internal_error') await forget(parts, claim);
      throw error;
    }
    try {
      await parts.store.end(claim, endWith(reply, claim, parts.seal));
    } catch (error) {
      // It took effect, so its caller gets the reply; a repetition is told that it was interrupted.
      parts.onFault(error, claim.requestId);
    }
    return { reply, replayed: false };
  } finally {
    parts.store.leave(claim);
  }
}

/**
 * A data-plane POST without a hold of its own: {@link replyOnce} over an exchange. One without a key is just run.
 *
 * @throws GatewayError as {@link replyOnce}; `invalid_request` for a key that is none
 */
export async function answerOnce(
  gateway: Gateway,
  exchange: Exchange,
  call: Omit<KeyedRequest, 'key'> & { readonly run: () => Promise<KeptReply> },
): Promise<void> {
  const key = idempotencyKeyOf(exchange);
  if (key === null) {
    const { status, headers, body } = await call.run();
    exchange.send(status, [...headers], body);
    return;
  }
  const claim = claimOf(exchange, { ...call, key }, null);
  const { reply, replayed } = await replyOnce(partsOf(gateway), claim, call.run);
  if (replayed) sendAgain(gateway, exchange, reply);
  else exchange.send(reply.status, [...reply.headers], reply.body);
}
