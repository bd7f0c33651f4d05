/**
 * Pictures in OpenAI's shape.
 *
 * @module
 */
import type { ImageGenerationResult } from '../../../contracts/image-provider.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import type { OperationAnswer } from '../../../gateway/operation-call.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { imageUsage } from '../receipt-usage.ts';

interface DeliveredImage {
  readonly b64_json: string;
  readonly revised_prompt?: string;
}

function deliveredImages(result: ImageGenerationResult): readonly DeliveredImage[] {
  return result.images.map(({ bytes, revisedPrompt }) => {
    if (bytes === null) {
      throw new ProviderFailureError(
        providerFailure({
          kind: 'malformed_reply',
          status: 200,
          message: 'The provider sent the address of a picture instead of the picture.',
        }),
      );
    }
    return {
      b64_json: bytes.toString('base64'),
      ...(revisedPrompt === null ? {} : { revised_prompt: revisedPrompt }),
    };
  });
}

/** Names each picture that was asked for and did not come. They are not charged. */
function missingImages(delivered: number, wanted: number): readonly object[] {
  return Array.from({ length: Math.max(0, wanted - delivered) }, (_, offset) => ({
    index: delivered + offset,
    code: 'provider_error',
    message: 'The provider did not make this picture. It is not charged.',
  }));
}

function renderImages(
  result: ImageGenerationResult,
  images: { readonly data: readonly DeliveredImage[]; readonly wanted: number },
  receipt: Receipt,
): Buffer {
  const errors = missingImages(images.data.length, images.wanted);
  const { background, outputFormat, quality, size } = result;
  return Buffer.from(
    JSON.stringify({
      created: Math.floor(receipt.createdAtMs / 1000),
      ...(background === null ? {} : { background }),
      data: images.data,
      ...(errors.length === 0 ? {} : { errors }),
      ...(outputFormat === null ? {} : { output_format: outputFormat }),
      ...(quality === null ? {} : { quality }),
      ...(size === null ? {} : { size }),
      usage: imageUsage(receipt),
    }),
  );
}

/** The answer to a request for `wanted` pictures. */
export function imagesAnswer(result: ImageGenerationResult, wanted: number): OperationAnswer {
  const data = deliveredImages(result);
  return {
    facts: result,
    contentType: 'application/json',
    warnings: data.length < wanted ? [`images_delivered=${data.length}_of_${wanted}`] : [],
    render: (receipt) => renderImages(result, { data, wanted }, receipt),
  };
}
