/**
 * Options of a call by the names that the gateway's own bodies have, for the check against what a model takes
 * (`media-options.ts`). Of files their count.
 *
 * @module
 */
import type { ImageEditOptions, ImageOptions } from '../contracts/image-provider.ts';
import type { VideoOptions } from '../contracts/video-provider.ts';
import type { OptionValue } from './media-options.ts';

/** What is asked for of a call; null: not asked for. */
export type AskedOptions = Readonly<Record<string, OptionValue>>;

function countOf(files: readonly unknown[]): OptionValue {
  return files.length === 0 ? null : files.length;
}

function isSent(file: object | null): OptionValue {
  return file === null ? null : 1;
}

/** Options of a new picture. */
export function askedOfImage(options: ImageOptions): AskedOptions {
  return {
    prompt: options.prompt,
    negative_prompt: options.negativePrompt,
    n: options.n,
    size: options.size === 'auto' ? null : options.size,
    quality: options.quality,
    style: options.style,
    background: options.background,
    output_format: options.outputFormat,
    output_compression: options.outputCompression,
    moderation: options.moderation,
    guidance_scale: options.guidanceScale,
    steps: options.steps,
    seed: options.seed,
    user: options.user,
  };
}

/** Options of a picture from pictures. */
export function askedOfEdit(options: ImageEditOptions): AskedOptions {
  return {
    ...askedOfImage(options),
    image: options.images.length,
    mask: isSent(options.mask),
    mode: options.mode,
    search: options.search,
    expand: options.expand === null ? null : 'expand',
    strength: options.strength,
    input_fidelity: options.inputFidelity,
  };
}

/** Those without which a picture would not be what was asked for. */
export const ESSENTIAL_OF_IMAGES: ReadonlySet<string> = new Set([
  'n',
  'image',
  'mask',
  'mode',
  'expand',
]);

/** Options of a clip. */
export function askedOfVideo(options: VideoOptions): AskedOptions {
  return {
    prompt: options.prompt,
    negative_prompt: options.negativePrompt,
    image: isSent(options.image),
    last_image: isSent(options.lastImage),
    references: countOf(options.references),
    video: isSent(options.video),
    audio: isSent(options.audio),
    seconds: options.seconds,
    size: options.size,
    resolution: options.resolution,
    aspect_ratio: options.aspectRatio,
    with_audio: options.withAudio,
    target_index: options.targetIndex,
    target_gender: options.targetGender,
    seed: options.seed,
  };
}

/** Those without which a clip would not be what was asked for. */
export const ESSENTIAL_OF_VIDEOS: ReadonlySet<string> = new Set([
  'image',
  'last_image',
  'references',
  'video',
  'audio',
  'seconds',
  'size',
  'with_audio',
  'target_index',
  'target_gender',
]);
