/**
 * Transcripts as jobs show them.
 *
 * @module
 */
import type { TranscriptionResult } from '../../contracts/transcription-provider.ts';
import type { JobRecord } from '../../metering/job-port.ts';
import { thawTerms } from './job-terms.ts';

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

/** The transcript that a job has kept; null where it has made none. */
export function keptTranscript(job: JobRecord): TranscriptionResult | null {
  const shown = JSON.parse(job.result ?? '{}') as Partial<TranscriptionResult>;
  if (shown.text === undefined) return null;
  const facts = thawTerms(job.terms).facts ?? { usage: {}, modelServed: null, dimensions: {} };
  return {
    ...facts,
    usage: job.usage,
    text: shown.text,
    language: shown.language ?? null,
    duration: shown.duration ?? null,
    segments: shown.segments ?? null,
    words: shown.words ?? null,
    reported: null,
  };
}
