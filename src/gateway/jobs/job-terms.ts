/**
 * What a job keeps of the call that began it: enough to price its end and to show it, after a restart too. Never what was
 * asked for in words.
 *
 * @module
 */
import type { Dimensions } from '../../catalog/media-rate.ts';
import type { OperationSpec } from '../../catalog/operation-spec.ts';
import type { PriceItem } from '../../catalog/price-item.ts';
import type { ResultFacts } from '../../contracts/media.ts';
import { freeze, thaw } from '../quotes/frozen.ts';

export interface JobTerms {
  /** As it stood when the job was submitted. */
  readonly price: PriceItem | null;
  /** True where a quote bound the price. */
  readonly isPinned: boolean;
  /** Plan whose price rules hold, where rules look at plans. */
  readonly planId: string | null;
  readonly dimensions: Dimensions;
  readonly spec: OperationSpec;
  /** What is billed where the end says nothing else; null until it is submitted. */
  readonly facts: ResultFacts | null;
  /** What finds a lost submission again; null where nothing does. */
  readonly mark: string | null;
}

export function freezeTerms(terms: JobTerms): string {
  return freeze(terms);
}

export function thawTerms(text: string): JobTerms {
  return thaw<JobTerms>(text);
}
