/**
 * What the gateway keeps of a quote beside the ledger's verdict: its costs and the very prices they rest on, so that a
 * call that draws on it is priced as it was quoted, whatever the price book says by then.
 *
 * @module
 */
import type { PriceItem } from '../../catalog/index.ts';
import type { NanoUsd } from '../../contracts/money.ts';
import type { Operation } from '../../contracts/metering.ts';
import { freeze, thaw } from './frozen.ts';
import type { OperationProblem, PricedCandidate, PricedOperation } from './price-operation.ts';

export interface RecordedOperation {
  readonly id: string;
  readonly type: Operation;
  readonly modelAsked: string;
  readonly count: number;
  readonly inputTokens: number | null;
  readonly resolvedFrom: PricedOperation['resolvedFrom'];
  readonly candidates: readonly PricedCandidate[];
  readonly pricing: PricedOperation['pricing'];
  readonly pricingParam: string | null;
  readonly problem: OperationProblem | null;
  /** Most that one use costs on each model that was offered to the ledger as an alternative. */
  readonly alternatives: ReadonlyMap<string, NanoUsd>;
}

export interface QuoteRecord {
  readonly operations: readonly RecordedOperation[];
  /** By `provider/model`. */
  readonly prices: ReadonlyMap<string, PriceItem>;
  /** By `provider/model`: of the service tiers that operations name. */
  readonly tierPrices: ReadonlyMap<string, readonly PriceItem[]>;
}

/** The record of priced operations; `alternatives` by operation id. */
export function recordOf(
  operations: readonly PricedOperation[],
  alternatives: ReadonlyMap<string, readonly PricedCandidate[]>,
): QuoteRecord {
  const prices = new Map<string, PriceItem>();
  const tierPrices = new Map<string, readonly PriceItem[]>();
  for (const operation of operations) {
    for (const [name, price] of operation.prices) prices.set(name, price);
    for (const [name, asked] of operation.tierPrices) {
      const known = tierPrices.get(name) ?? [];
      const further = asked.filter(({ id }) => !known.some((one) => one.id === id));
      tierPrices.set(name, [...known, ...further]);
    }
  }
  return {
    prices,
    tierPrices,
    operations: operations.map((operation) => ({
      id: operation.id,
      type: operation.type,
      modelAsked: operation.modelAsked,
      count: operation.count,
      inputTokens: operation.inputTokens,
      resolvedFrom: operation.resolvedFrom,
      candidates: operation.candidates,
      pricing: operation.pricing,
      pricingParam: operation.pricingParam,
      problem: operation.problem,
      alternatives: new Map(
        (alternatives.get(operation.id) ?? []).map(({ name, cost }) => [name, cost.maxNanoUsd]),
      ),
    })),
  };
}

export function freezeRecord(record: QuoteRecord): string {
  return freeze(record);
}

export function thawRecord(text: string): QuoteRecord {
  return thaw(text);
}
