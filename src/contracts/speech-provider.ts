/**
 * The contract of speech: words in, sound out as it is made.
 *
 * @module
 */
import type { JobExchange } from './job-provider.ts';
import type { ResultFacts } from './media.ts';
import type { ProviderWarning } from './text.ts';
import type { ProviderTarget, WireRequest } from './wire.ts';

/** Forms that sound is delivered in. */
export const SPEECH_FORMATS = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] as const;
/** A name of {@link SPEECH_FORMATS}; `pcm`: 24 kHz, 16 bits, little endian, one channel, no header. */
export type SpeechFormat = (typeof SPEECH_FORMATS)[number];

/** Media type of each form (RFC 3003, RFC 7845, RFC 9639; `audio/pcm` as OpenAI sends it). */
export const SPEECH_MEDIA_TYPES: Readonly<Record<SpeechFormat, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

/** What is to be said, and how. */
export interface SpeechOptions {
  readonly text: string;
  /** A name of the provider's own. */
  readonly voice: string;
  /** How to say it, in words; null: as the voice does. */
  readonly instructions: string | null;
  readonly format: SpeechFormat;
  /** 1 is the voice's own; null: left to the provider. */
  readonly speed: number | null;
  /** True where the sound goes on as events, so that a provider that tells its usage in events alone is asked for them. */
  readonly asEvents?: boolean;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Takes the sound out of a reply that is more than sound: events, or JSON. */
export interface SpeechReader {
  /**
   * Takes bytes of a 2xx reply as they come. They are overwritten once this has returned.
   *
   * @returns sound that may leave; null when there is none yet
   * @throws ProviderFailureError for an error in the reply, and for what is no such reply
   */
  push(chunk: Buffer): Buffer | null;
  /**
   * The reply is over.
   *
   * @returns the rest of the sound; null when there is none
   * @throws ProviderFailureError when it is not complete
   */
  end(): Buffer | null;
  /** What the reply says was billed; null while it has not said so. */
  readonly facts: ResultFacts | null;
  /** Of the sound, once some has come, where only the reply tells; absent or null: as the exchange says. */
  readonly mediaType?: string | null;
}

/** One spoken text. Its bytes go to the client as they come. */
export interface SpeechExchange {
  readonly request: WireRequest;
  /** Every option that was dropped, clamped or mapped. */
  readonly warnings: readonly ProviderWarning[];
  /** Of the bytes, where it is not that of the form asked for. */
  readonly mediaType: string;
  /** What the provider bills for the whole text, as far as that is known without its reply. */
  readonly facts: ResultFacts;
  /** Opens the reader of the reply; absent: its bytes are the sound. */
  open?(): SpeechReader;
}

/** A provider that speaks. */
export interface SpeechProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  speak(options: SpeechOptions, target: ProviderTarget): SpeechExchange | JobExchange;
}
