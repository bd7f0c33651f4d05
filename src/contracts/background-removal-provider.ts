/**
 * The contract of pictures without their background.
 *
 * @module
 */
import type { ImageGenerationResult } from './image-provider.ts';
import type { OperationExchange } from './job-provider.ts';
import type { SentMedia } from './media.ts';
import type { ProviderTarget } from './wire.ts';

/** A picture whose background is to go. */
export interface BackgroundRemovalOptions {
  readonly image: SentMedia;
  /** `png` or `webp`: what can be transparent. Null: left to the provider. */
  readonly outputFormat: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A provider that removes backgrounds. */
export interface BackgroundRemovalProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  removeBackground(
    options: BackgroundRemovalOptions,
    target: ProviderTarget,
  ): OperationExchange<ImageGenerationResult>;
}
