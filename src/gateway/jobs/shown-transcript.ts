/**
 * Transcripts as jobs show them.
 *
 * @module
 */
import type { TranscriptionResult } from '../../contracts/transcription-provider.ts';

/** Everything that is known of it, in the words of the API. */
export function shownTranscript(
  transcript: TranscriptionResult,
): Readonly<Record<string, unknown>> {
  const { text, language, duration, segments, words } = transcript;
  return {
    text,
    ...(language === null ? {} : { language }),
    ...(duration === null ? {} : { duration }),
    ...(segments === null ? {} : { segments }),
    ...(words === null ? {} : { words }),
  };
}
