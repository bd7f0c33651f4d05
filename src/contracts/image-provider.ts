/**
 * The contracts of pictures: made from words, and made from pictures.
 *
 * @module
 */
import type { OperationExchange } from './job-provider.ts';
import type { MediaInput, ResultFacts } from './media.ts';
import type { ImageEvent, MediaStreamExchange } from './media-stream.ts';
import type { ProviderTarget } from './wire.ts';

/** What a picture should be like. Null or absent: left to the provider. */
export interface ImageOptions {
  readonly prompt: string;
  readonly negativePrompt: string | null;
  /** Pictures wanted. */
  readonly n: number;
  /** `<width>x<height>` or `auto`. */
  readonly size: string | null;
  readonly quality: string | null;
  readonly style: string | null;
  /** `transparent`, `opaque` or `auto`. */
  readonly background: string | null;
  /** `png`, `jpeg` or `webp`. */
  readonly outputFormat: string | null;
  /** 0 to 100. */
  readonly outputCompression: number | null;
  readonly moderation: string | null;
  readonly guidanceScale: number | null;
  readonly steps: number | null;
  readonly seed: number | null;
  /** The end user's own id, for the provider's abuse reports. */
  readonly user: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/**
 * - `instruct`: the prompt says what is to change
 * - `inpaint`: what the mask uncovers is made anew; `erase`: it goes away
 * - `outpaint`: the picture grows by {@link ImageEditOptions.expand}
 * - `search_and_replace`, `search_and_recolor`: of what {@link ImageEditOptions.search} names
 * - `relight`: background and light are made anew
 * - `control_style`, `control_structure`, `control_sketch`: the picture guides a new one
 */
export const IMAGE_EDIT_MODES = [
  'instruct',
  'inpaint',
  'erase',
  'outpaint',
  'search_and_replace',
  'search_and_recolor',
  'relight',
  'control_style',
  'control_structure',
  'control_sketch',
] as const;
/** A name of {@link IMAGE_EDIT_MODES}. */
export type ImageEditMode = (typeof IMAGE_EDIT_MODES)[number];

/** A picture from pictures. */
export interface ImageEditOptions extends ImageOptions {
  /** Null: `inpaint` with a mask, `instruct` without. */
  readonly mode: ImageEditMode | null;
  /** What is to be found in the picture, in words. */
  readonly search: string | null;
  /** Pixels by which each side grows. */
  readonly expand: {
    readonly left: number;
    readonly right: number;
    readonly up: number;
    readonly down: number;
  } | null;
  /** From 0 to 1: how far the result may be from the picture. */
  readonly strength: number | null;
  /** The first is the one that is edited; the others are references. At least one. */
  readonly images: readonly [MediaInput, ...MediaInput[]];
  /** As large as the first picture; where it is transparent, the picture is changed. */
  readonly mask: MediaInput | null;
  /** `low` or `high`: how closely the result keeps to the pictures. */
  readonly inputFidelity: string | null;
}

/** One picture: its bytes, or where they lie. */
export interface GeneratedImage {
  /** Null where the provider gives an address alone. */
  readonly bytes: Buffer | null;
  readonly url: string | null;
  /** By its content; null where there is an address alone. */
  readonly mediaType: string | null;
  /** The prompt as the provider rewrote it. */
  readonly revisedPrompt: string | null;
}

/** What came of it: at least one picture, perhaps fewer than were asked for. */
export interface ImageGenerationResult extends ResultFacts {
  readonly images: readonly GeneratedImage[];
  /** As the provider says it; null where it does not. */
  readonly size: string | null;
  readonly quality: string | null;
  readonly background: string | null;
  readonly outputFormat: string | null;
}

/** How a picture is streamed: so many coarser ones come first, if the provider makes them. */
export interface StreamedImage {
  readonly partialImages: number;
}

/** A provider that makes pictures. */
export interface ImageGenerationProvider {
  /** Most pictures of one call; more are made by several calls. Absent: the model takes any number. */
  perCall?(model: string): number;
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  generate(options: ImageOptions, target: ProviderTarget): OperationExchange<ImageGenerationResult>;
  /** One picture, with its first drafts. Absent: none of the models streams. @throws GatewayError as {@link generate} */
  generateStream?(
    options: ImageOptions & StreamedImage,
    target: ProviderTarget,
  ): MediaStreamExchange<ImageEvent>;
}

/** A provider that edits pictures. */
export interface ImageEditProvider {
  /** Most pictures of one call; more are made by several calls. Absent: the model takes any number. */
  perCall?(model: string): number;
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  edit(options: ImageEditOptions, target: ProviderTarget): OperationExchange<ImageGenerationResult>;
  /** One picture, with its first drafts. Absent: none of the models streams. @throws GatewayError as {@link edit} */
  editStream?(
    options: ImageEditOptions & StreamedImage,
    target: ProviderTarget,
  ): MediaStreamExchange<ImageEvent>;
}
