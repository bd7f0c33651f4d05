/**
 * What a request for pictures says, as options of the contract and as terms of the price book.
 *
 * @module
 */
import type { OperationSpec } from '../../../catalog/operation-spec.ts';
import type { ImageOptions, StreamedImage } from '../../../contracts/image-provider.ts';
import { invalidRequest } from '../../validation.ts';
import { optionsFor } from '../provider-options.ts';
import type { ImageRequest } from './schema.ts';

/**
 * How a picture is to be streamed; null: it comes when it is finished.
 *
 * @throws GatewayError `invalid_request` naming the field that does not go with it
 */
export function streamedImage(request: ImageRequest): StreamedImage | null {
  const { stream, partial_images: partialImages, n, response_format: format } = request;
  if (stream !== true && stream !== 'true') {
    if ((partialImages ?? 0) === 0) return null;
    throw invalidRequest('partial_images', 'are sent in a stream: ask for "stream": true.');
  }
  if ((n ?? 1) > 1) throw invalidRequest('n', 'must be 1: one picture is streamed at a time.');
  if (format === 'url') {
    throw invalidRequest('response_format', 'must be b64_json: a stream holds its pictures.');
  }
  return { partialImages: partialImages ?? 0 };
}

/** What lies behind the picture, where `background` says that and not where it is made. */
function pictureBackground(background: ImageRequest['background']): string | null {
  const isFlag = typeof background !== 'string' || background === 'true' || background === 'false';
  return isFlag ? null : background;
}

/** The options for one provider. */
export function imageOptions(request: ImageRequest, provider: string): ImageOptions {
  return {
    prompt: request.prompt ?? '',
    negativePrompt: request.negative_prompt ?? null,
    n: request.n ?? 1,
    size: request.size ?? null,
    quality: request.quality ?? null,
    style: request.style ?? null,
    background: pictureBackground(request.background),
    outputFormat: request.output_format ?? null,
    outputCompression: request.output_compression ?? null,
    moderation: request.moderation ?? null,
    guidanceScale: request.guidance_scale ?? null,
    steps: request.steps ?? null,
    seed: request.seed ?? null,
    user: request.user ?? null,
    extra: optionsFor(request.provider_options, provider),
  };
}

/** What is held and priced. `inputs`: pictures sent along. */
export function imageSpec(
  operation: 'image.generate' | 'image.edit',
  request: ImageRequest,
  inputs: number,
): OperationSpec {
  const { prompt, negative_prompt: negative, n, size, quality, steps } = request;
  const drafts = request.partial_images ?? 0;
  return {
    operation,
    text: { inputBytes: Buffer.byteLength(prompt ?? '') + Buffer.byteLength(negative ?? '') },
    image: {
      n: n ?? 1,
      size: size ?? undefined,
      quality: quality ?? undefined,
      steps: steps ?? undefined,
      ...(inputs === 0 ? {} : { inputs }),
      ...(drafts === 0 ? {} : { drafts }),
    },
  };
}
