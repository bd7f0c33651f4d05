/**
 * Models, prices and the arithmetic over them.
 *
 * @module
 */
export {
  amountsOf,
  boundText,
  DEFAULT_MAX_OUTPUT_TOKENS,
  OUTPUT_FLOOR_TOKENS,
  outputCapOf,
  type BoundProblem,
  type TextBound,
  type TextBoundInput,
} from './bound.ts';
export {
  createModelCatalog,
  type ConfiguredProvider,
  type ModelAlias,
  type ModelCandidate,
  type ModelCatalog,
  type ModelCatalogOptions,
  type ModelListing,
} from './model-catalog.ts';
export { overrideFacts, UNKNOWN_MODEL, type ModelFacts, type StatedFacts } from './model-facts.ts';
export { boundOperation, type Confidence, type OperationBound } from './operation-bound.ts';
export { operationAmounts } from './operation-meters.ts';
export { dimensionsOf, type OperationSpec } from './operation-spec.ts';
export { markedUp, priceRuleSchema, ruledItem, type PriceRule } from './price-rules.ts';
export { priceUsage, withDefaults, type PricedLine, type PricedUsage } from './media-cost.ts';
export type { Dimensions } from './media-rate.ts';
export { baseNameOf, createPriceBook, type PriceBook } from './price-book.ts';
export { tierFor, type PriceItem, type PriceTier, type RateTable } from './price-item.ts';
export { overrideRows, priceRowSchema, type PriceRow } from './price-row.ts';
export { billedUsage, costNanoUsd, costOf, type Cost, type CostLine } from './price.ts';
export { seedModelFacts, seedPriceRows } from './seed.ts';
