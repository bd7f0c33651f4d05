/**
 * A provider's exchange about pictures, as the pipeline carries it out.
 *
 * @module
 */
import type { ImageGenerationResult, ImageOptions } from '../../../contracts/image-provider.ts';
import type { MediaExchange } from '../../../contracts/media.ts';
import type { PreparedOperation } from '../../../gateway/operation-call.ts';
import { unstreamed } from '../unstreamed.ts';
import { imagesAnswer } from './images-reply.ts';
import type { ImageRequest } from './schema.ts';

export function preparedImages(
  exchange: MediaExchange<ImageGenerationResult>,
  asked: Pick<ImageOptions, 'n'> & Pick<ImageRequest, 'response_format'>,
): PreparedOperation {
  return {
    request: exchange.request,
    warnings: exchange.warnings,
    read: (reply) =>
      imagesAnswer(exchange.read(reply), {
        wanted: asked.n,
        asUrls: asked.response_format === 'url',
      }),
    open: unstreamed,
  };
}
