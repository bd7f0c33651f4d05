/**
 * What is known of an operation before it is dispatched, and the units it comes to.
 *
 * @module
 */
import type { Operation } from '../contracts/metering.ts';
import type { MediaUnit } from '../contracts/usage.ts';
import type { Dimensions } from './media-rate.ts';

/** An operation as a quote or a call names it; members as the operation needs them. One use: a caller multiplies by its count. */
export interface OperationSpec {
  readonly operation: Operation;
  /** Calls of the provider that it takes, absent: one. What goes in is counted in each of them. */
  readonly calls?: number | undefined;
  readonly text?:
    | {
        /** Tokens as the caller counted them; else bytes of the serialized request; else characters. */
        readonly inputTokens?: number | undefined;
        readonly inputBytes?: number | undefined;
        readonly inputChars?: number | undefined;
        /** Maximum of each choice, reasoning included; absent: the model's cap, which may then be lowered. */
        readonly maxOutputTokens?: number | undefined;
        /** What the caller expects of all choices together, e.g. from past calls; absent: half of the maximum. */
        readonly expectedOutputTokens?: number | undefined;
        readonly choices?: number | undefined;
        readonly maxSearches?: number | undefined;
      }
    | undefined;
  readonly image?:
    | {
        readonly n?: number | undefined;
        /** `<width>x<height>`, `1k`, `auto` … */
        readonly size?: string | undefined;
        readonly quality?: string | undefined;
        readonly resolution?: string | undefined;
        readonly steps?: number | undefined;
        /** Pictures sent along. */
        readonly inputs?: number | undefined;
        /** Drafts that are streamed before the picture, at most. */
        readonly drafts?: number | undefined;
      }
    | undefined;
  readonly video?:
    | {
        readonly n?: number | undefined;
        readonly seconds?: number | undefined;
        readonly size?: string | undefined;
        readonly resolution?: string | undefined;
        readonly audio?: boolean | undefined;
      }
    | undefined;
  readonly audio?:
    | { readonly chars?: number | undefined; readonly seconds?: number | undefined }
    | undefined;
  /** Texts to embed. */
  readonly inputs?: number | undefined;
  /** Further dimensions by which a provider prices: `mode`, `style`, `timestamps` … */
  readonly options?: Dimensions | undefined;
}

/** Media units of an operation; null for one that it has, but whose count is not known. */
export type MediaQuantities = Readonly<Partial<Record<MediaUnit, number | null>>>;

const SIZE = /^(\d{1,5})[x*×](\d{1,5})$/;

/** Width and height of `1024x1536` or `1024*1536`, or null for any other text. */
export function parseSize(text: string | undefined): readonly [number, number] | null {
  const match = text === undefined ? null : SIZE.exec(text.trim());
  return match === null ? null : [Number(match[1]), Number(match[2])];
}

/** `720p` of any clip whose shorter side is 720 pixels; 2160 is called `4k`. */
function clipResolution(size: string | undefined): string | undefined {
  const sides = parseSize(size);
  if (sides === null) return undefined;
  const shorter = Math.min(...sides);
  return shorter === 2160 ? '4k' : `${shorter}p`;
}

/** Most pixels of the classes by which image models are sold; each is a square of that side with room for other shapes. */
const IMAGE_CLASSES: readonly (readonly [pixels: number, name: string])[] = [
  [600_000, '512'],
  [1_800_000, '1k'],
  [7_000_000, '2k'],
  [20_000_000, '4k'],
];

/** `1k` of 1024x1024 and of other shapes of about as many pixels; a size that is a class already is its own. */
function imageResolution(size: string | undefined): string | undefined {
  const sides = parseSize(size);
  if (sides === null) return size !== undefined && /^(512|[1248]k)$/i.test(size) ? size : undefined;
  const pixels = sides[0] * sides[1];
  return IMAGE_CLASSES.find(([most]) => pixels <= most)?.[1] ?? '8k';
}

/** Lower case, `*` and `×` of a size as `x`; `auto` says nothing and is left out. */
function normal(text: string | undefined): string | null {
  const value = text?.trim().toLowerCase();
  if (value === undefined || value === '' || value === 'auto') return null;
  const sides = parseSize(value);
  return sides === null ? value : `${sides[0]}x${sides[1]}`;
}

function isAuto(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === 'auto';
}

/**
 * Dimensions of the call over the price's defaults. What the caller leaves to the provider (`auto`) has no value and
 * no default: every price it could lead to stays open.
 */
export function dimensionsOf(spec: OperationSpec, defaults: Dimensions): Dimensions {
  const { image, video, options } = spec;
  const named: Record<string, string | undefined> = {
    size: video?.size ?? image?.size,
    quality: image?.quality,
    resolution:
      video?.resolution ??
      image?.resolution ??
      clipResolution(video?.size) ??
      imageResolution(image?.size),
    audio: video?.audio === undefined ? undefined : video.audio ? 'on' : 'off',
    seconds: video?.seconds?.toString(),
    ...options,
  };
  const found: Record<string, string> = { ...defaults, operation: spec.operation };
  for (const [dimension, text] of Object.entries(named)) {
    const value = normal(text);
    if (value !== null) found[dimension] = value;
    else if (isAuto(text)) delete found[dimension];
  }
  return found;
}

function millisecondsOf(seconds: number | undefined, fallback: string | undefined): number | null {
  const named = seconds ?? (fallback === undefined ? undefined : Number(fallback));
  return named === undefined || !Number.isFinite(named) ? null : Math.ceil(named * 1000);
}

function times(count: number | null, pieces: number): number | null {
  return count === null ? null : count * pieces;
}

function imageQuantities(spec: OperationSpec, dimensions: Dimensions): MediaQuantities {
  const images = spec.image?.n ?? 1;
  const sides = parseSize(dimensions['size']);
  const steps = spec.image?.steps ?? Number(dimensions['steps'] ?? Number.NaN);
  return {
    images,
    image_pixels: sides === null ? null : sides[0] * sides[1] * images,
    image_steps: Number.isFinite(steps) ? steps * images : null,
  };
}

function videoQuantities(spec: OperationSpec, dimensions: Dimensions): MediaQuantities {
  const clips = spec.video?.n ?? 1;
  const seconds = spec.video?.seconds ?? spec.audio?.seconds;
  return {
    video_clips: clips,
    video_ms: times(millisecondsOf(seconds, dimensions['seconds']), clips),
  };
}

/** The media units that an operation comes to, before it is dispatched. */
export function quantitiesOf(spec: OperationSpec, dimensions: Dimensions): MediaQuantities {
  const { operation } = spec;
  switch (operation) {
    case 'image.generate':
    case 'image.edit':
    case 'image.face_swap':
    case 'image.upscale':
    case 'image.remove_background':
      return imageQuantities(spec, dimensions);
    case 'video.text_to_video':
    case 'video.image_to_video':
    case 'video.extend':
    case 'video.talking_avatar':
    case 'video.face_swap':
    case 'video.upscale':
    case 'video.remove_background':
    case 'video.add_sound':
      return videoQuantities(spec, dimensions);
    case 'audio.speech':
      return { characters: spec.audio?.chars ?? spec.text?.inputChars ?? null };
    case 'audio.transcribe':
    case 'audio.translate':
      return { audio_ms: millisecondsOf(spec.audio?.seconds, dimensions['seconds']) };
    case 'audio.clone_voice':
      return { voice_clones: 1, characters: spec.audio?.chars ?? spec.text?.inputChars ?? 0 };
    case 'text.embed':
      return { inputs: spec.inputs ?? 1 };
    case 'text.generate':
    case 'text.rerank':
    case 'text.moderate':
    case 'text.count_tokens':
    case 'text.enhance_prompt':
      return {};
  }
}

/** The member of a quote's operation that would make a unit known. */
export function memberFor(unit: MediaUnit): string {
  switch (unit) {
    case 'images':
      return 'image.n';
    case 'image_pixels':
      return 'image.size';
    case 'image_steps':
      return 'image.steps';
    case 'video_clips':
    case 'video_ms':
      return 'video.seconds';
    case 'characters':
      return 'input.chars';
    case 'audio_ms':
      return 'input.seconds';
    case 'voice_clones':
    case 'inputs':
      return 'count';
  }
}

/** The member of a quote's operation that names a dimension. */
export function memberOfDimension(dimension: string, operation: Operation): string {
  if (dimension === 'operation') return 'model';
  if (dimension === 'seconds' || dimension === 'audio') return `video.${dimension}`;
  if (!['size', 'quality', 'resolution'].includes(dimension)) return dimension;
  return `${operation.slice(0, operation.indexOf('.'))}.${dimension}`;
}
