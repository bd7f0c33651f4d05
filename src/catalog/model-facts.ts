/**
 * What is known of a model apart from its price.
 *
 * @module
 */

/** Null stands for "not known", never for "none". */
export interface ModelFacts {
  /** Tokens of input and output together, or of the input alone where the vendor counts so. */
  readonly contextWindow: number | null;
  /** Most output tokens of one answer, reasoning included. */
  readonly maxOutputTokens: number | null;
  /** Modalities taken: `text`, `image`, `file`, `audio`, `video`. */
  readonly input: readonly string[] | null;
  /** Modalities given: `text`, `audio`, `image`, `embedding` … */
  readonly output: readonly string[] | null;
  /** `tools`, `parallel-tools`, `json-schema`, `reasoning`, `prompt-caching`, `system-messages`, `web-search`. */
  readonly capabilities: readonly string[] | null;
}

export const UNKNOWN_MODEL: ModelFacts = {
  contextWindow: null,
  maxOutputTokens: null,
  input: null,
  output: null,
  capabilities: null,
};

/** Facts by provider (its key in the price book), then by model. */
export type FactsByModel = ReadonlyMap<string, ReadonlyMap<string, ModelFacts>>;

/** What an operator says of a model; absent members stay as they are known. */
export interface StatedFacts {
  readonly provider: string;
  readonly model: string;
  readonly contextWindow?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
}

/** The known facts with what is stated in their place; of several rows of a model the last wins. */
export function overrideFacts(known: FactsByModel, stated: readonly StatedFacts[]): FactsByModel {
  if (stated.length === 0) return known;
  const facts = new Map([...known].map(([provider, shelf]) => [provider, new Map(shelf)]));
  for (const { provider, model, contextWindow, maxOutputTokens } of stated) {
    const shelf = facts.get(provider) ?? new Map<string, ModelFacts>();
    const before = shelf.get(model) ?? UNKNOWN_MODEL;
    shelf.set(model, {
      ...before,
      contextWindow: contextWindow ?? before.contextWindow,
      maxOutputTokens: maxOutputTokens ?? before.maxOutputTokens,
    });
    facts.set(provider, shelf);
  }
  return facts;
}
