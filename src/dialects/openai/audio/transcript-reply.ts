/**
 * Transcripts in every form that OpenAI has.
 *
 * @module
 */
import type { TranscriptionResult } from '../../../contracts/transcription-provider.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../../contracts/usage.ts';
import type { OperationAnswer } from '../../../gateway/operation-call.ts';
import { shownTranscript } from '../../../gateway/jobs/shown-transcript.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { costOf } from '../receipt-usage.ts';
import { subRip, webVtt } from './subtitles.ts';

export const TRANSCRIPT_FORMATS = [
  'json',
  'text',
  'srt',
  'verbose_json',
  'vtt',
  'diarized_json',
] as const;
export type TranscriptFormat = (typeof TRANSCRIPT_FORMATS)[number];

/** Forms that want to know when each part was said. */
export const TIMED_FORMATS: ReadonlySet<TranscriptFormat> = new Set([
  'srt',
  'vtt',
  'diarized_json',
]);

/** What a reply is to look like. */
export interface TranscriptShape {
  readonly format: TranscriptFormat;
  readonly task: 'transcribe' | 'translate';
  readonly durationMs: number;
  readonly words: boolean;
  readonly segments: boolean;
}

/** Seconds or tokens, and the cost. */
export function transcriptUsage({ usage, ...receipt }: Receipt): object {
  return { ...reported(usage), ...costOf({ usage, ...receipt }) };
}

/** Seconds, or tokens where the model is sold by them. */
function reported(usage: UsageVector): object {
  const input = inputTokensOf(usage);
  const output = outputTokensOf(usage);
  if (input + output === 0) {
    return { type: 'duration', seconds: Math.ceil((usage.audio_ms ?? 0) / 1000) };
  }
  const heard = usage.input_audio_tokens ?? 0;
  return {
    type: 'tokens',
    input_tokens: input,
    input_token_details: { audio_tokens: heard, text_tokens: input - heard },
    output_tokens: output,
    total_tokens: input + output,
  };
}

/** Segments that subtitles cannot do without. */
function segmentsOf(result: TranscriptionResult): NonNullable<TranscriptionResult['segments']> {
  if (result.segments !== null) return result.segments;
  throw new ProviderFailureError(
    providerFailure({
      kind: 'malformed_reply',
      status: 200,
      message: 'The provider sent a transcript without times.',
    }),
  );
}

function verbose(result: TranscriptionResult, shape: TranscriptShape): object {
  const { language, duration, text, words } = result;
  return {
    task: shape.task,
    language: language ?? 'unknown',
    duration: duration ?? shape.durationMs / 1000,
    text,
    ...(shape.words && words !== null ? { words } : {}),
    ...(shape.segments
      ? {
          segments: segmentsOf(result).map(({ details, speaker: _speaker, ...segment }, id) => ({
            id,
            ...segment,
            ...details,
          })),
        }
      : {}),
  };
}

function diarized(result: TranscriptionResult, shape: TranscriptShape): object {
  return {
    task: shape.task,
    duration: result.duration ?? shape.durationMs / 1000,
    text: result.text,
    segments: segmentsOf(result).map(({ details, ...segment }, index) => ({
      type: 'transcript.text.segment',
      id: `seg_${index}`,
      ...segment,
      ...details,
    })),
  };
}

/** Members of a JSON reply but for its usage; a string where the reply is text. @throws ProviderFailureError without times */
export function transcriptBody(
  result: TranscriptionResult,
  shape: TranscriptShape,
): object | string {
  switch (shape.format) {
    case 'json':
      return { text: result.text };
    case 'text':
      return `${result.text}\n`;
    case 'srt':
      return subRip(segmentsOf(result));
    case 'vtt':
      return webVtt(segmentsOf(result));
    case 'verbose_json':
      return verbose(result, shape);
    case 'diarized_json':
      return diarized(result, shape);
  }
}

/** The answer in the form that was asked for. */
export function transcriptAnswer(
  result: TranscriptionResult,
  shape: TranscriptShape,
): OperationAnswer {
  const body = transcriptBody(result, shape);
  return {
    facts: result,
    contentType: typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    warnings: [],
    store: null,
    result: shownTranscript(result),
    render: (receipt) =>
      Buffer.from(
        typeof body === 'string'
          ? body
          : JSON.stringify({ ...body, usage: transcriptUsage(receipt) }),
      ),
  };
}
