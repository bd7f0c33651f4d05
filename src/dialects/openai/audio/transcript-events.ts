/**
 * Transcripts as events (https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event).
 *
 * @module
 */
import type { TranscriptEvent } from '../../../contracts/media-stream.ts';
import { eventFrame, type EventWriter } from '../event-stream.ts';
import { transcriptUsage } from './transcript-reply.ts';

export const transcriptEventWriter: EventWriter<TranscriptEvent> = {
  endOf: (event) => (event.type === 'done' ? event.result : null),
  frame(event) {
    if (event.type === 'done') throw new Error('the last event waits for the settlement');
    return eventFrame({ type: 'transcript.text.delta', delta: event.text });
  },
  lastFrame(event, receipt) {
    if (event.type !== 'done') throw new Error('only a whole transcript is the last event');
    return eventFrame({
      type: 'transcript.text.done',
      text: event.result.text,
      usage: transcriptUsage(receipt),
    });
  },
};
