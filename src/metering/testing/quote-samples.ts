/**
 * Quotes for tests of stores.
 *
 * @module
 */
import type { QuoteCommand, QuotedOperation, QuotedReserve } from '../quote-port.ts';
import { reserveOf } from './store-samples.ts';

/** A text operation that costs `costNanoUsd` a use; its leg becomes `hold_<quote>_<id>`. */
export function quotedOperation(
  quoteId: string,
  id: string,
  { costNanoUsd = 10_000_000n, count = 1 }: { costNanoUsd?: bigint; count?: number } = {},
): QuotedOperation {
  const { bound, operation, pricing } = reserveOf('', 0, costNanoUsd);
  return {
    id,
    operation,
    model: bound.model,
    candidates: [bound],
    pricing,
    count,
    holdId: `hold_${quoteId}_${id}`,
    alternatives: [],
    reductions: [],
  };
}

export function quoteCommand(
  customerId: string,
  quoteId: string,
  operations: readonly QuotedOperation[],
): QuoteCommand {
  return {
    quoteId,
    customerId,
    keyId: 'key_1',
    tags: null,
    mode: 'all',
    ttlMs: 60_000,
    priceBookId: 'pb_1',
    operations,
    record: `record of ${quoteId}`,
  };
}

/** Call `n` on the quote, with hold `hold_<n>`. */
export function quotedReserve(
  customerId: string,
  quoteId: string,
  n: number | string,
): QuotedReserve {
  const command = reserveOf(customerId, n);
  return { ...command, quoteId, operationId: null, modelAsked: command.bound.model };
}
