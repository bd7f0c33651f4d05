/**
 * A call for a picture that says nothing but its words, and one value for every option, for conformance tests.
 *
 * @module
 */
import type { ImageEditOptions, ImageOptions } from '../contracts/image-provider.ts';

/** Only the words; everything else is left to the provider. */
export const PLAIN_PICTURE: ImageOptions = {
  prompt: 'a lighthouse',
  negativePrompt: null,
  n: 1,
  size: null,
  quality: null,
  style: null,
  background: null,
  outputFormat: null,
  outputCompression: null,
  moderation: null,
  guidanceScale: null,
  steps: null,
  seed: null,
  user: null,
  extra: {},
};

/** What an edit has beside, but for its pictures. */
export const PLAIN_EDIT: Omit<ImageEditOptions, 'images'> = {
  ...PLAIN_PICTURE,
  mask: null,
  inputFidelity: null,
  mode: null,
  search: null,
  expand: null,
  strength: null,
};

/** Each is unlike what {@link PLAIN_PICTURE} has: it arrives, or is named. */
export const PICTURE_VARIANTS: readonly Partial<ImageOptions>[] = [
  { prompt: 'a harbour' },
  { negativePrompt: 'people' },
  { quality: 'low' },
  { background: 'transparent' },
  { outputFormat: 'webp' },
  { outputCompression: 50 },
  { moderation: 'low' },
  { guidanceScale: 7 },
  { steps: 20 },
  { seed: 0 },
  { user: 'user-1' },
  { extra: { further: 'option' } },
];
