/**
 * The contract of listening: sound in, words out.
 *
 * @module
 */
import type { OperationExchange } from './job-provider.ts';
import type { MediaInput, ResultFacts } from './media.ts';
import type { MediaStreamExchange, TranscriptEvent } from './media-stream.ts';
import type { ProviderTarget } from './wire.ts';

/** What is to be written down. Null: left to the provider. */
export interface TranscriptionOptions {
  readonly audio: MediaInput;
  /** Measured length in milliseconds. */
  readonly durationMs: number;
  /** `transcribe` keeps the language, `translate` makes it English. */
  readonly task: 'transcribe' | 'translate';
  /** ISO 639-1. */
  readonly language: string | null;
  /** Words that help to recognise names. */
  readonly prompt: string | null;
  readonly temperature: number | null;
  /** Which times the result must have: none, those of segments, those of words. */
  readonly timestamps: readonly ('segment' | 'word')[];
  /** Who says what. */
  readonly speakers: boolean;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, string>>;
}

/** A stretch of speech; times in seconds from the beginning. */
export interface TranscriptSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Null where speakers were not told apart. */
  readonly speaker: string | null;
  /** What the provider says of it beside: `avg_logprob`, `tokens` … */
  readonly details: Readonly<Record<string, unknown>>;
}

/** One word; times in seconds from the beginning. */
export interface TranscriptWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** What was said. */
export interface TranscriptionResult extends ResultFacts {
  readonly text: string;
  /** As the provider names it. */
  readonly language: string | null;
  /** Seconds as the provider counted them; null where it does not say. */
  readonly duration: number | null;
  /** Null where they were not asked for, or are not known. */
  readonly segments: readonly TranscriptSegment[] | null;
  readonly words: readonly TranscriptWord[] | null;
  /** The provider's own account of its usage, as it came. */
  readonly reported: Readonly<Record<string, unknown>> | null;
}

/** A provider that listens. */
export interface TranscriptionProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  transcribe(
    options: TranscriptionOptions,
    target: ProviderTarget,
  ): OperationExchange<TranscriptionResult>;
  /** The same as it is written. Absent: none of the models streams. @throws GatewayError as {@link transcribe} */
  transcribeStream?(
    options: TranscriptionOptions,
    target: ProviderTarget,
  ): MediaStreamExchange<TranscriptEvent>;
}
