/**
 * The contract of clips: made from words, pictures, sound and other clips. All of them are jobs.
 *
 * @module
 */
import type { JobExchange } from './job-provider.ts';
import type { SentMedia } from './media.ts';
import type { Operation } from './metering.ts';
import type { ProviderTarget } from './wire.ts';

/** Operations that make a clip. */
export type VideoOperation = Extract<Operation, `video.${string}`>;

/** What a clip should be like. Null or empty: left to the provider, or not part of the operation. */
export interface VideoOptions {
  readonly operation: VideoOperation;
  readonly prompt: string | null;
  readonly negativePrompt: string | null;
  /** The first picture of the clip, the person who speaks, or the face that is put in. */
  readonly image: SentMedia | null;
  /** The last picture. */
  readonly lastImage: SentMedia | null;
  /** Pictures of what is to be seen. */
  readonly references: readonly SentMedia[];
  /** The clip that is extended, changed or given a sound. */
  readonly video: SentMedia | null;
  /** What is spoken or heard. */
  readonly audio: SentMedia | null;
  readonly seconds: number | null;
  /** `<width>x<height>`. */
  readonly size: string | null;
  /** `480p`, `720p`, `1080p`, `4k`. */
  readonly resolution: string | null;
  /** `16:9`, `9:16` … */
  readonly aspectRatio: string | null;
  /** Whether the clip has a sound; null: as the model does. */
  readonly withAudio: boolean | null;
  /** Which face, from 0, largest first. */
  readonly targetIndex: number | null;
  readonly targetGender: 'all' | 'female' | 'male' | null;
  readonly seed: number | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A provider that makes clips. */
export interface VideoProvider {
  /** Whether the model has the operation. */
  has(operation: VideoOperation, model: string): boolean;
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  start(options: VideoOptions, target: ProviderTarget): JobExchange;
}
