/**
 * The contract of embeddings: texts in, vectors out.
 *
 * @module
 */
import type { MediaExchange, ResultFacts } from './media.ts';
import type { ProviderTarget } from './wire.ts';

/** A text, or its tokens in the model's own vocabulary. */
export type EmbeddingInput = string | readonly number[];

/** What is to be embedded. */
export interface EmbeddingOptions {
  readonly inputs: readonly EmbeddingInput[];
  /** Length of the vectors; null: the model's own. */
  readonly dimensions: number | null;
  readonly encoding: 'float' | 'base64';
  /** The end user's own id, for the provider's abuse reports. */
  readonly user: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** One vector for each input, in their order: numbers, or base64 of 32-bit little-endian floats as asked for. */
export interface EmbeddingResult extends ResultFacts {
  readonly vectors: readonly (readonly number[] | string)[];
}

/** A provider that embeds. */
export interface EmbeddingProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  embed(options: EmbeddingOptions, target: ProviderTarget): MediaExchange<EmbeddingResult>;
}
