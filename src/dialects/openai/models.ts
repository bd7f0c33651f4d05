/**
 * `GET /v1/models` in OpenAI's shape, with what the gateway knows of each model beside it.
 *
 * @module
 */
import type { ModelCatalog, ModelListing } from '../../catalog/model-catalog.ts';

/** OpenAI requires a creation time; models of other vendors have none that is known. */
const UNKNOWN_CREATION = 0;

function modelObject(listing: ModelListing): Record<string, unknown> {
  const { facts } = listing;
  return {
    id: listing.id,
    object: 'model',
    created: UNKNOWN_CREATION,
    owned_by: listing.ownedBy,
    gateway: {
      candidates: listing.candidates,
      context_window: facts.contextWindow,
      max_output_tokens: facts.maxOutputTokens,
      input_modalities: facts.input,
      output_modalities: facts.output,
      capabilities: facts.capabilities,
      usd_per_million: listing.usdPerMillion,
    },
  };
}

/** Whether the gateway can serve the listing: so far, models that answer in priced text, and aliases. */
function isServed(listing: ModelListing): boolean {
  return listing.candidates !== null || listing.usdPerMillion.output_text_tokens !== undefined;
}

export function servedModels(catalog: ModelCatalog, nowMs: number): readonly ModelListing[] {
  return catalog.list(nowMs).filter(isServed);
}

/** The models that can be called and that `isAllowed` lets through. */
export function listModels(
  catalog: ModelCatalog,
  nowMs: number,
  isAllowed: (model: string) => boolean,
): Record<string, unknown> {
  return {
    object: 'list',
    data: servedModels(catalog, nowMs)
      .filter((listing) => isAllowed(listing.id))
      .map(modelObject),
  };
}

/** One model by its id, or null when it is not listed or not allowed. */
export function findModel(
  catalog: ModelCatalog,
  id: string,
  facts: { readonly nowMs: number; readonly isAllowed: (model: string) => boolean },
): Record<string, unknown> | null {
  const listing = servedModels(catalog, facts.nowMs).find((known) => known.id === id);
  return listing === undefined || !facts.isAllowed(listing.id) ? null : modelObject(listing);
}
