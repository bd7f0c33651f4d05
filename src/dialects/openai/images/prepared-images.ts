/**
 * A provider's exchange about pictures, as the pipeline carries it out.
 *
 * @module
 */
import type { ImageGenerationResult, ImageOptions } from '../../../contracts/image-provider.ts';
import { isJobExchange, type OperationExchange } from '../../../contracts/job-provider.ts';
import type { FinishedJob, Prepared } from '../../../gateway/operation-call.ts';
import { unstreamed } from '../unstreamed.ts';
import { imagesAnswer } from './images-reply.ts';
import type { ImageRequest } from './schema.ts';

/** Pictures of a job in terms of the contract; what they are is told by their bytes. */
function imagesOf({ media, facts }: FinishedJob): ImageGenerationResult {
  return {
    ...facts,
    images: media.map(({ bytes, type }) => ({
      bytes,
      url: null,
      mediaType: type,
      revisedPrompt: null,
    })),
    size: null,
    quality: null,
    background: null,
    outputFormat: null,
  };
}

export function preparedImages(
  exchange: OperationExchange<ImageGenerationResult>,
  asked: Pick<ImageOptions, 'n'> & Pick<ImageRequest, 'response_format'>,
): Prepared {
  const how = { wanted: asked.n, asUrls: asked.response_format === 'url' };
  if (isJobExchange(exchange)) {
    return {
      submission: exchange,
      answer: (finished) => imagesAnswer(imagesOf(finished), how),
    };
  }
  return {
    request: exchange.request,
    warnings: exchange.warnings,
    read: (reply) => imagesAnswer(exchange.read(reply), how),
    open: unstreamed,
  };
}
