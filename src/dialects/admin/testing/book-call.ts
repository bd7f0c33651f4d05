/**
 * Books one finished call through the ledger's own door.
 *
 * @module
 */
import type { Harness } from './harness.ts';

export interface BookedCall {
  readonly customerId: string;
  readonly keyId: string;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly costNanoUsd?: bigint;
}

/** Reserves; returns the hold and its request. */
export async function holdCall(
  harness: Harness,
  call: BookedCall,
): Promise<{ readonly holdId: string; readonly requestId: string }> {
  const { customerId, keyId, model = 'sim/chat', inputTokens = 10, costNanoUsd = 1500n } = call;
  const holdId = harness.ids.next('hold');
  const requestId = harness.ids.next('req');
  const amounts = {
    requests: 1n,
    input_tokens: BigInt(inputTokens),
    total_tokens: BigInt(inputTokens),
    cost_usd: costNanoUsd,
  };
  const answer = await harness.store.ledger.reserve({
    holdId,
    requestId,
    customerId,
    keyId,
    operation: 'text.generate',
    bound: { model, fixed: amounts, elastic: null },
    pricing: 'priced',
    priceBookId: 'pb_test',
    fingerprint: 'f',
    observedFloor: amounts,
    tags: null,
  });
  if (answer.type !== 'held') throw new Error(`the call was refused: ${answer.message}`);
  return { holdId, requestId };
}

/** Reserves and settles; returns the request's id. */
export async function bookCall(harness: Harness, call: BookedCall): Promise<string> {
  const { customerId, keyId, model = 'sim/chat', inputTokens = 10, costNanoUsd = 1500n } = call;
  const { holdId, requestId } = await holdCall(harness, call);
  const nowMs = harness.now();
  const [provider = '', name = ''] = model.split('/');
  const usage = { input_text_tokens: inputTokens };
  await harness.store.ledger.settle({
    holdId,
    charges: [
      {
        model,
        amounts: {
          requests: 1n,
          input_tokens: BigInt(inputTokens),
          total_tokens: BigInt(inputTokens),
          cost_usd: costNanoUsd,
        },
      },
    ],
    attempts: [
      {
        n: 1,
        provider,
        modelRequested: name,
        modelServed: name,
        providerRequestId: 'up_1',
        dispatchedAtMs: nowMs,
        firstByteAtMs: nowMs,
        finishedAtMs: nowMs,
        outcome: 'succeeded',
        httpStatus: 200,
        billable: 'yes',
        usage,
        estimated: false,
        costNanoUsd,
        priceItemId: 'sim/chat#1',
      },
    ],
    request: {
      requestId,
      customerId,
      keyId,
      operation: 'text.generate',
      modelAsked: model,
      provider,
      modelServed: name,
      status: 200,
      errorCode: null,
      stream: false,
      clientClosed: false,
      startedAtMs: nowMs,
      firstTokenAtMs: null,
      finishedAtMs: nowMs,
      overheadMs: 1,
      attempts: 1,
      usage,
      costNanoUsd,
      estimated: false,
      simulated: true,
      warnings: [],
      tags: null,
    },
  });
  return requestId;
}
