/**
 * Reading of pictures out of OpenAI's replies and events
 * (https://platform.openai.com/docs/api-reference/images; recorded traffic of gpt-image-1 and gpt-image-1.5).
 *
 * @module
 */
import type { GeneratedImage, ImageGenerationResult } from '../../../contracts/image-provider.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { mediaTypeOf } from '../../../http/media-type.ts';
import { listOf, objectOf, textOf, type LooseObject } from '../loose-json.ts';
import { malformed } from '../../replies.ts';
import { countOf, objectReply } from './server.ts';

function imageOf(item: LooseObject): GeneratedImage | null {
  const encoded = textOf(item['b64_json']);
  const revisedPrompt = textOf(item['revised_prompt']);
  if (encoded === null) {
    const url = textOf(item['url']);
    return url === null ? null : { bytes: null, url, mediaType: null, revisedPrompt };
  }
  const bytes = Buffer.from(encoded, 'base64');
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw malformed('The provider sent something that is no picture.');
  }
  return { bytes, url: null, mediaType, revisedPrompt };
}

/** Token classes of `usage`; without details all input counts as text and all output as picture. */
function tokensOf(usage: LooseObject): UsageVector {
  const input = countOf(usage['input_tokens']);
  const output = countOf(usage['output_tokens']);
  const inputDetails = objectOf(usage['input_tokens_details']);
  const outputDetails = objectOf(usage['output_tokens_details']);
  const inputImages = Math.min(input, countOf(inputDetails['image_tokens']));
  const outputText = Math.min(output, countOf(outputDetails['text_tokens']));
  return {
    input_text_tokens: input - inputImages,
    input_image_tokens: inputImages,
    output_image_tokens: output - outputText,
    output_text_tokens: outputText,
  };
}

/** Reads a reply with pictures. @throws ProviderFailureError where it has none */
export function readImages(reply: WireReply): ImageGenerationResult {
  return imagesIn(objectReply(reply));
}

/** Pictures of a reply or of a last event. @throws ProviderFailureError where there are none */
export function imagesIn(body: LooseObject): ImageGenerationResult {
  const images = listOf(body['data']).flatMap((item) => imageOf(objectOf(item)) ?? []);
  if (images.length === 0) throw malformed('The provider sent no picture.');
  const size = textOf(body['size']);
  const quality = textOf(body['quality']);
  const usage = objectOf(body['usage']);
  const tokens = tokensOf(usage);
  return {
    images,
    size,
    quality,
    background: textOf(body['background']),
    outputFormat: textOf(body['output_format']),
    usage: {
      ...Object.fromEntries(Object.entries(tokens).filter(([, count]) => count > 0)),
      images: images.length,
    },
    modelServed: textOf(body['model']),
    dimensions: {
      ...(size === null ? {} : { size }),
      ...(quality === null ? {} : { quality }),
    },
  };
}
