/**
 * The contract of face swaps in pictures.
 *
 * @module
 */
import type { ImageGenerationResult } from './image-provider.ts';
import type { OperationExchange } from './job-provider.ts';
import type { SentMedia } from './media.ts';
import type { ProviderTarget } from './wire.ts';

/** Which face goes where. */
export interface FaceSwapOptions {
  /** The picture whose face is replaced. */
  readonly image: SentMedia;
  /** The face that is put in. */
  readonly faceImage: SentMedia;
  /** Which face, from 0, largest first; null: the largest. */
  readonly targetIndex: number | null;
  readonly targetGender: 'all' | 'female' | 'male' | null;
  /** `png`, `jpeg` or `webp`. */
  readonly outputFormat: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A provider that swaps faces. */
export interface FaceSwapProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  swapFace(
    options: FaceSwapOptions,
    target: ProviderTarget,
  ): OperationExchange<ImageGenerationResult>;
}
