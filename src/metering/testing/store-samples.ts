/**
 * Commands for tests of stores: one text call with everything that a record may carry.
 *
 * @module
 */
import type {
  AttemptRecord,
  Charge,
  RequestRecord,
  ReserveCommand,
  SettleCommand,
  VoidCommand,
} from '../ports.ts';

const MODEL = 'openai/gpt-4o-mini';
/** A reserve of one request and `costNanoUsd`. */
export function reserveOf(
  customerId: string,
  n: number | string,
  costNanoUsd = 10_000_000n,
): ReserveCommand {
  return {
    holdId: `hold_${n}`,
    requestId: `req_${n}`,
    customerId,
    keyId: 'key_1',
    operation: 'text.generate',
    bound: {
      model: MODEL,
      fixed: { requests: 1n, input_tokens: 100n, total_tokens: 100n, cost_usd: costNanoUsd },
      elastic: null,
    },
    pricing: 'priced',
    priceBookId: 'pb_1',
    fingerprint: `fingerprint-${n}`,
    observedFloor: { input_tokens: 100n, total_tokens: 100n, cost_usd: costNanoUsd / 2n },
    tags: null,
  };
}

function recordOf(command: ReserveCommand, atMs: number, costNanoUsd: bigint): RequestRecord {
  return {
    requestId: command.requestId,
    customerId: command.customerId,
    keyId: command.keyId,
    operation: command.operation,
    modelAsked: MODEL,
    provider: 'openai',
    modelServed: 'gpt-4o-mini-2024-07-18',
    status: 200,
    errorCode: null,
    stream: true,
    clientClosed: false,
    startedAtMs: atMs,
    firstTokenAtMs: atMs + 5,
    finishedAtMs: atMs + 9,
    overheadMs: 0.75,
    attempts: 1,
    usage: { input_text_tokens: 80, output_text_tokens: 20 },
    costNanoUsd,
    estimated: false,
    simulated: false,
    warnings: ['max_tokens_clamped=212'],
    tags: { team: 'blue' },
  };
}

function attemptOf(atMs: number, costNanoUsd: bigint): AttemptRecord {
  return {
    n: 1,
    provider: 'openai',
    modelRequested: 'gpt-4o-mini',
    modelServed: 'gpt-4o-mini-2024-07-18',
    providerRequestId: 'chatcmpl-1',
    dispatchedAtMs: atMs + 1,
    firstByteAtMs: atMs + 5,
    finishedAtMs: atMs + 9,
    outcome: 'succeeded',
    httpStatus: 200,
    billable: 'yes',
    usage: { input_text_tokens: 80, output_text_tokens: 20 },
    estimated: false,
    costNanoUsd,
    priceItemId: 'pi_1',
  };
}

/** What one call of `reserveOf` is settled with. */
export function settleOf(
  command: ReserveCommand,
  atMs: number,
  costNanoUsd = 4_000_000n,
): SettleCommand {
  const charge: Charge = {
    model: MODEL,
    amounts: {
      requests: 1n,
      input_tokens: 80n,
      output_tokens: 20n,
      total_tokens: 100n,
      cost_usd: costNanoUsd,
    },
  };
  return {
    holdId: command.holdId,
    charges: [charge],
    attempts: [attemptOf(atMs, costNanoUsd)],
    request: recordOf(command, atMs, costNanoUsd),
  };
}

/** The same call ended without a charge. */
export function voidOf(command: ReserveCommand, atMs: number): VoidCommand {
  return {
    holdId: command.holdId,
    reason: 'provider refused',
    attempts: [{ ...attemptOf(atMs, 0n), outcome: 'refused', billable: 'no' }],
    request: { ...recordOf(command, atMs, 0n), status: 502, errorCode: 'provider_error' },
  };
}
