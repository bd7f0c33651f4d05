/**
 * What the contracts of pictures and transcripts that come piece by piece have in common.
 *
 * @module
 */
import type { ImageGenerationResult } from './image-provider.ts';
import type { ProviderWarning } from './text.ts';
import type { TranscriptionResult } from './transcription-provider.ts';
import type { ServerSentEvent, WireRequest } from './wire.ts';

/**
 * Reads one event of a streamed reply; null for one that says nothing of use. One instance a stream.
 *
 * @throws ProviderFailureError for an error inside the stream, and for what is malformed
 */
export type MediaEventReader<Event> = (event: ServerSentEvent) => Event | null;

/** One call whose reply is a stream of events. */
export interface MediaStreamExchange<Event> {
  readonly request: WireRequest;
  /** Every option that was dropped, clamped or mapped. */
  readonly warnings: readonly ProviderWarning[];
  /** Opens the reader of a streamed 2xx reply. */
  open(): MediaEventReader<Event>;
}

/** A picture while it is made, and when it is done. */
export type ImageEvent =
  /** A first, coarser picture; `index` from 0. */
  | { readonly type: 'partial'; readonly index: number; readonly base64: string }
  | { readonly type: 'completed'; readonly result: ImageGenerationResult };

/** A transcript while it is written, and when it is done. */
export type TranscriptEvent =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'done'; readonly result: TranscriptionResult };
