/**
 * The operations, each as a form of its endpoint.
 *
 * @module
 */
import type { BackgroundRemovalProvider } from '../../contracts/background-removal-provider.ts';
import type {
  ImageEditOptions,
  ImageEditProvider,
  ImageGenerationProvider,
  ImageGenerationResult,
  ImageOptions,
} from '../../contracts/image-provider.ts';
import type { ImageUpscaleProvider } from '../../contracts/image-upscale-provider.ts';
import type { OperationExchange } from '../../contracts/job-provider.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import { brightnessMask } from '../../http/brightness-mask.ts';
import type { FormPart } from '../../http/multipart-form.ts';
import type { OptionValue } from '../media-options.ts';
import type { Endpoint } from './endpoints.ts';
import { submission } from './jobs.ts';
import { readResult } from './reply.ts';
import { bytesOf, endpointOf, filePart, formRequest, refusal, type Asked } from './request.ts';

/** How far a picture may be from the one that it is made of, where the caller does not say and the endpoint must know. */
const USUAL_STRENGTH = 0.6;

function textOrNull(text: string | null): string | null {
  return text === '' ? null : text;
}

/** One picture a call. @throws GatewayError naming `n` */
function assertOne({ n }: ImageOptions, { model }: ProviderTarget): void {
  if (n > 1) throw refusal('n', `${model} makes one picture a call: ask for one at a time.`);
}

function commonOptions(options: ImageOptions): Record<string, OptionValue> {
  return {
    prompt: textOrNull(options.prompt),
    negative_prompt: options.negativePrompt,
    size: options.size,
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

function exchangeOf(
  endpoint: Endpoint,
  target: ProviderTarget,
  asked: Asked & { readonly warnings?: readonly ProviderWarning[] },
): OperationExchange<ImageGenerationResult> {
  const { request, warnings } = formRequest(endpoint, target, asked);
  const all = [...(asked.warnings ?? []), ...warnings];
  return endpoint.isJob ? submission(request, all) : { request, warnings: all, read: readResult };
}

export const imageGeneration: ImageGenerationProvider = {
  perCall: () => 1,
  generate(options, target) {
    assertOne(options, target);
    const endpoint = endpointOf(target, 'image.generate');
    const asked = { options: commonOptions(options), extra: options.extra };
    return { ...formRequest(endpoint, target, asked), read: readResult };
  },
};

/** The mask as brightness. Without one the transparency of the picture itself says what is to change. */
function maskParts({ mask, images: [first] }: ImageEditOptions, endpoint: Endpoint): FormPart[] {
  if (endpoint.options['mask'] === undefined) return [];
  if (mask === null) {
    if (first.mediaType !== 'image/jpeg') return [];
    throw refusal('mask', `${endpoint.id} needs a mask, or a picture that is transparent in part.`);
  }
  const made = brightnessMask(mask.bytes);
  if (made.type === 'refused') throw refusal('mask', `The mask ${made.reason}`);
  const file = { bytes: made.png, fileName: 'mask.png', mediaType: 'image/png' };
  return [filePart('mask', file)];
}

/** The sides by which the picture grows, as members of the form, and the widest of them. */
function growth(
  { expand }: ImageEditOptions,
  endpoint: Endpoint,
): { readonly widest: number | null; readonly parts: readonly FormPart[] } {
  if (expand === null) return { widest: null, parts: [] };
  const sides = Object.entries(expand).filter(([, pixels]) => pixels > 0);
  const widest = Math.max(0, ...sides.map(([, pixels]) => pixels));
  const rule = endpoint.options['expand'];
  if (rule?.type === 'range' && widest > rule.max) {
    throw refusal('expand', `${endpoint.id} grows by at most ${rule.max} pixels a side.`);
  }
  return {
    widest: widest === 0 ? null : widest,
    parts: sides.map(([name, pixels]) => ({ name, text: String(pixels) })),
  };
}

function assertMode({ mode }: ImageEditOptions, endpoint: Endpoint): void {
  if (mode === null || endpoint.modes.includes(mode)) return;
  throw refusal('mode', `${endpoint.id} does ${endpoint.modes.join(', ')}, not ${mode}.`);
}

function assertPictures({ images }: ImageEditOptions, endpoint: Endpoint): void {
  if (endpoint.id !== 'style-transfer' || images.length === 2) return;
  throw refusal('image', `${endpoint.id} needs two pictures: the one to change, then the style.`);
}

/** A strength for endpoints that cannot do without one. */
function strengthOf(
  { strength }: ImageEditOptions,
  endpoint: Endpoint,
): { readonly value: number | null; readonly warnings: readonly ProviderWarning[] } {
  if (strength !== null || !endpoint.required.includes('strength')) {
    return { value: strength, warnings: [] };
  }
  const detail = `${endpoint.id} must be told: ${USUAL_STRENGTH} was sent.`;
  return {
    value: USUAL_STRENGTH,
    warnings: [{ option: 'strength', action: 'mapped', detail }],
  };
}

export const imageEdit: ImageEditProvider = {
  perCall: () => 1,
  edit(options, target) {
    assertOne(options, target);
    const endpoint = endpointOf(target, 'image.edit');
    assertMode(options, endpoint);
    assertPictures(options, endpoint);
    const strength = strengthOf(options, endpoint);
    const { widest, parts } = growth(options, endpoint);
    const pictures = options.images
      .slice(0, endpoint.files.length)
      .map((image, at) => filePart(endpoint.files[at] ?? 'image', image));
    return exchangeOf(endpoint, target, {
      options: {
        ...commonOptions(options),
        image: options.images.length,
        mask: options.mask === null ? null : 1,
        search: textOrNull(options.search),
        strength: strength.value,
        expand: widest,
        input_fidelity: options.inputFidelity,
      },
      extra: options.extra,
      parts: [...parts, ...pictures, ...maskParts(options, endpoint)],
      warnings: strength.warnings,
    });
  },
};

export const imageUpscale: ImageUpscaleProvider = {
  upscale(options, target) {
    const endpoint = endpointOf(target, 'image.upscale');
    return exchangeOf(endpoint, target, {
      options: {
        prompt: textOrNull(options.prompt),
        scale: options.scale,
        mode: options.mode,
        output_format: options.outputFormat,
      },
      extra: options.extra,
      parts: [filePart('image', bytesOf('image', options.image))],
    });
  },
};

export const backgroundRemoval: BackgroundRemovalProvider = {
  removeBackground(options, target) {
    return exchangeOf(endpointOf(target, 'image.remove_background'), target, {
      options: { output_format: options.outputFormat },
      extra: options.extra,
      parts: [filePart('image', bytesOf('image', options.image))],
    });
  },
};
