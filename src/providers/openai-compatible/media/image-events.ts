/**
 * Events of streamed pictures (https://platform.openai.com/docs/api-reference/images-streaming).
 *
 * @module
 */
import type { ImageEvent, MediaEventReader } from '../../../contracts/media-stream.ts';
import { textOf } from '../loose-json.ts';
import { imagesIn } from './image-results.ts';
import { malformed } from '../../replies.ts';
import { countOf, objectIn } from './server.ts';

/** The event of one picture while it is made. */
export const readImageEvent: MediaEventReader<ImageEvent> = ({ data }) => {
  const body = objectIn(data);
  const type = textOf(body['type']) ?? '';
  if (type.endsWith('.partial_image')) {
    const base64 = textOf(body['b64_json']);
    if (base64 === null) throw malformed('The provider sent an event without its picture.');
    return { type: 'partial', index: countOf(body['partial_image_index']), base64 };
  }
  if (!type.endsWith('.completed')) return null;
  const result = imagesIn({ ...body, data: [{ b64_json: body['b64_json'] }] });
  return { type: 'completed', result };
};
