/**
 * The contract of larger pictures.
 *
 * @module
 */
import type { ImageGenerationResult } from './image-provider.ts';
import type { OperationExchange } from './job-provider.ts';
import type { SentMedia } from './media.ts';
import type { ProviderTarget } from './wire.ts';

/** A picture that is to be larger. Null: left to the provider. */
export interface ImageUpscaleOptions {
  readonly image: SentMedia;
  /** How many times as wide and as high. */
  readonly scale: number | null;
  /** A way of the provider's own: `fast`, `conservative`, `creative` … */
  readonly mode: string | null;
  /** What is to be seen, for ways that invent details. */
  readonly prompt: string | null;
  readonly outputFormat: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A provider that makes pictures larger. */
export interface ImageUpscaleProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  upscale(
    options: ImageUpscaleOptions,
    target: ProviderTarget,
  ): OperationExchange<ImageGenerationResult>;
}
