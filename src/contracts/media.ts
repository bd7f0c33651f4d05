/**
 * What the contracts of images, speech, transcription and embeddings have in common. Adapters are pure translations,
 * as those of text are: options and target in, a wire request and a reader of its reply out.
 *
 * @module
 */
import type { ProviderWarning } from './text.ts';
import type { UsageVector } from './usage.ts';
import type { WireReply, WireRequest } from './wire.ts';

/** A picture or a recording that the caller has sent. */
export interface MediaInput {
  readonly bytes: Buffer;
  /** By its content, never by what the caller says: `image/png`, `audio/mpeg` … */
  readonly mediaType: string;
  /** Without a path; an extension that agrees with the content. */
  readonly fileName: string;
}

/** A picture, a sound or a clip that the caller sent, or that lies where the provider can fetch it. */
export type SentMedia =
  | ({ readonly type: 'bytes' } & MediaInput)
  /** `https`, checked to be public; the provider fetches it itself. Adapters of providers that take bytes alone refuse it. */
  | { readonly type: 'url'; readonly url: string; readonly mediaType: string | null };

/** What every result of a provider says beside what it made. */
export interface ResultFacts {
  /**
   * Media units that were delivered, and token classes where the provider reports them. Without tokens of a model that
   * is sold by them, what is booked is an estimate.
   */
  readonly usage: UsageVector;
  /** Model id as the provider says it served it; null where it does not say. */
  readonly modelServed: string | null;
  /** Dimensions of the price that only the reply decides, such as the size that `auto` came to. */
  readonly dimensions: Readonly<Record<string, string>>;
}

/** One call whose reply is wanted whole: what to send, and how to read what comes back. */
export interface MediaExchange<Result extends ResultFacts> {
  readonly request: WireRequest;
  /** Every option that was dropped, clamped or mapped. */
  readonly warnings: readonly ProviderWarning[];
  /**
   * Reads a 2xx reply.
   *
   * @throws ProviderFailureError when the body is malformed, holds an error, or nothing of use
   */
  read(reply: WireReply): Result;
}
