/**
 * Pictures in OpenAI's shape.
 *
 * @module
 */
import type { ImageGenerationResult } from '../../../contracts/image-provider.ts';
import type { ResultFacts } from '../../../contracts/media.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import type { OperationAnswer } from '../../../gateway/operation-call.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { withGeneratedBy } from '../../../media/generated-by.ts';
import { imageSizeOf } from '../../../media/image-header.ts';
import { extensionOf } from '../../../media/media-type.ts';
import { imageUsage } from '../receipt-usage.ts';

interface ImageBytes {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly revisedPrompt: string | null;
}

function deliveredImages(
  result: ImageGenerationResult,
  generatedBy: string | null,
): readonly ImageBytes[] {
  return result.images.map(({ bytes, mediaType, revisedPrompt }) => {
    if (bytes === null) {
      throw new ProviderFailureError(
        providerFailure({
          kind: 'malformed_reply',
          status: 200,
          message: 'The provider sent the address of a picture instead of the picture.',
        }),
      );
    }
    const noted = generatedBy === null ? bytes : withGeneratedBy(bytes, generatedBy);
    return { bytes: noted, mediaType: mediaType ?? 'image/png', revisedPrompt };
  });
}

/** Pixels of all pictures, as their headers state them. */
function pixelsOf(images: readonly ImageBytes[]): number {
  return images.reduce((sum, { bytes }) => {
    const size = imageSizeOf(bytes);
    return size === null ? sum : sum + size.width * size.height;
  }, 0);
}

/** With what was delivered counted, where the provider has not. */
function countedFacts(result: ImageGenerationResult, images: readonly ImageBytes[]): ResultFacts {
  const { usage } = result;
  if (usage.image_pixels !== undefined) return result;
  const pixels = pixelsOf(images);
  return pixels === 0 ? result : { ...result, usage: { ...usage, image_pixels: pixels } };
}

/** `urls`: empty where bytes are delivered, else one for each picture. */
function itemsOf(images: readonly ImageBytes[], urls: readonly string[]): readonly object[] {
  return images.map(({ bytes, revisedPrompt }, at) => ({
    ...(urls[at] === undefined ? { b64_json: bytes.toString('base64') } : { url: urls[at] }),
    ...(revisedPrompt === null ? {} : { revised_prompt: revisedPrompt }),
  }));
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
  images: { readonly data: readonly object[]; readonly wanted: number },
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

/** The answer to a request for so many pictures, as bytes or as addresses of assets. */
export function imagesAnswer(
  result: ImageGenerationResult,
  asked: {
    readonly wanted: number;
    readonly asUrls: boolean;
    /** Written into pictures that say nothing of their origin; null: nothing is. */
    readonly generatedBy: string | null;
  },
): OperationAnswer {
  const { wanted, asUrls, generatedBy } = asked;
  const images = deliveredImages(result, generatedBy);
  let urls: readonly string[] = [];
  return {
    facts: countedFacts(result, images),
    contentType: 'application/json',
    images: images.map(({ bytes, mediaType }, at) => ({
      bytes,
      mediaType,
      fileName: `image-${at}.${extensionOf(mediaType)}`,
    })),
    warnings: images.length < wanted ? [`images_delivered=${images.length}_of_${wanted}`] : [],
    store: asUrls
      ? async (keep) => {
          const kept = await Promise.all(images.map(({ bytes }) => keep(bytes)));
          urls = kept.every((url) => url !== null) ? kept : [];
        }
      : null,
    render: (receipt) => renderImages(result, { data: itemsOf(images, urls), wanted }, receipt),
  };
}
