/**
 * A streamed exchange about one picture, as the pipeline carries it out.
 *
 * @module
 */
import type { ImageEvent, MediaStreamExchange } from '../../../contracts/media-stream.ts';
import type { PreparedOperation } from '../../../gateway/operation-call.ts';
import { invalidRequest } from '../../validation.ts';
import { EventStream } from '../event-stream.ts';
import { neverWhole } from '../unstreamed.ts';
import { imageEventWriter } from './image-events.ts';

/**
 * @param exchange undefined where the provider streams no pictures
 * @throws GatewayError `invalid_request` for a provider that streams none
 */
export function streamedImages(
  exchange: MediaStreamExchange<ImageEvent> | undefined,
  name: 'image_generation' | 'image_edit',
): PreparedOperation {
  if (exchange === undefined) {
    throw invalidRequest('stream', 'this model delivers its pictures when they are finished.');
  }
  return {
    request: exchange.request,
    warnings: exchange.warnings,
    read: neverWhole,
    open: () => new EventStream(exchange.open(), imageEventWriter(name)),
  };
}
