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
