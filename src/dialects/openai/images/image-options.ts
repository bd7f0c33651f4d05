/**
 * What a request for pictures says, as options of the contract and as terms of the price book.
 *
 * @module
 */
import type { OperationSpec } from '../../../catalog/operation-spec.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { ImageOptions } from '../../../contracts/image-provider.ts';
import { optionsFor } from '../request-fields.ts';
import type { ImageRequest } from './schema.ts';

/** Options that would need what this gateway cannot do. @throws GatewayError naming the field */
export function assertDeliverable(request: ImageRequest): void {
  const streams = request.stream === true || request.stream === 'true';
  if (streams || (request.partial_images ?? 0) > 0) {
    const param = streams ? 'stream' : 'partial_images';
    throw new GatewayError('invalid_request', {
      message: `Pictures are delivered when they are finished: leave ${param} out.`,
      param,
    });
  }
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
    background: request.background ?? null,
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
  return {
    operation,
    text: { inputBytes: Buffer.byteLength(prompt ?? '') + Buffer.byteLength(negative ?? '') },
    image: {
      n: n ?? 1,
      size: size ?? undefined,
      quality: quality ?? undefined,
      steps: steps ?? undefined,
      ...(inputs === 0 ? {} : { inputs }),
    },
  };
}
