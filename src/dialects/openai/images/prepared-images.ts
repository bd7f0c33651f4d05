/**
 * A provider's exchange about pictures, as the pipeline carries it out.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { ImageGenerationResult, ImageOptions } from '../../../contracts/image-provider.ts';
import { isJobExchange, type OperationExchange } from '../../../contracts/job-provider.ts';
import type { PreparedOperation } from '../../../gateway/operation-call.ts';
import { unstreamed } from '../unstreamed.ts';
import { imagesAnswer } from './images-reply.ts';
import type { ImageRequest } from './schema.ts';

/** @throws GatewayError `invalid_request` where the model works longer than one exchange */
export function preparedImages(
  exchange: OperationExchange<ImageGenerationResult>,
  asked: Pick<ImageOptions, 'n'> & Pick<ImageRequest, 'response_format'>,
): PreparedOperation {
  if (isJobExchange(exchange)) {
    throw new GatewayError('invalid_request', {
      message: 'This model does not answer at once.',
      param: 'model',
    });
  }
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
