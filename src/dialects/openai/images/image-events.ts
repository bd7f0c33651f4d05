/**
 * Pictures as events (https://platform.openai.com/docs/api-reference/images-streaming): coarser pictures first, the whole
 * one last.
 *
 * @module
 */
import type { ImageEvent } from '../../../contracts/media-stream.ts';
import { eventFrame, type EventWriter } from '../event-stream.ts';
import { imageUsage } from '../receipt-usage.ts';

/** @param name begins the names of the events */
export function imageEventWriter(name: 'image_generation' | 'image_edit'): EventWriter<ImageEvent> {
  return {
    endOf: (event) => (event.type === 'completed' ? event.result : null),
    frame(event) {
      if (event.type === 'completed') throw new Error('the last event waits for the settlement');
      const { index, base64 } = event;
      return eventFrame({
        type: `${name}.partial_image`,
        b64_json: base64,
        partial_image_index: index,
      });
    },
    lastFrame(event, receipt) {
      if (event.type !== 'completed') throw new Error('only a whole picture is the last event');
      const { images, size, quality, background, outputFormat } = event.result;
      return eventFrame({
        type: `${name}.completed`,
        b64_json: images[0]?.bytes?.toString('base64') ?? '',
        created_at: Math.floor(receipt.createdAtMs / 1000),
        ...(size === null ? {} : { size }),
        ...(quality === null ? {} : { quality }),
        ...(background === null ? {} : { background }),
        ...(outputFormat === null ? {} : { output_format: outputFormat }),
        usage: imageUsage(receipt),
      });
    },
  };
}
