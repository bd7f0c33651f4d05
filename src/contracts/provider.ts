/**
 * What a provider folder exports: metadata from which the registry, the configuration, the documentation and
 * the conformance tests derive, and one member per capability.
 *
 * @module
 */
import type { BackgroundRemovalProvider } from './background-removal-provider.ts';
import type { CallLookUp } from './call-look-up.ts';
import type { EmbeddingProvider } from './embedding-provider.ts';
import type { FaceSwapProvider } from './face-swap-provider.ts';
import type { ImageEditProvider, ImageGenerationProvider } from './image-provider.ts';
import type { ImageUpscaleProvider } from './image-upscale-provider.ts';
import type { JobProtocol } from './job-provider.ts';
import type { MediaModel } from './media-model.ts';
import type { ModerationProvider } from './moderation-provider.ts';
import type { PriceTeller } from './price-question.ts';
import type { ProviderFailure } from './provider-failure.ts';
import type { SpeechProvider } from './speech-provider.ts';
import type { TextProvider } from './text-provider.ts';
import type { TranscriptionProvider } from './transcription-provider.ts';
import type { VideoProvider } from './video-provider.ts';
import type { VoiceCloneProvider, VoiceListProvider } from './voice-provider.ts';
import type { WireReply } from './wire.ts';

/** Environment variables that configure a provider. */
export interface ProviderEnvironment {
  /** Variables that hold the credential, in order of precedence. */
  readonly credential: readonly string[];
  /** Variable that replaces `defaultBaseUrl`. */
  readonly baseUrl: string;
  /** True when a base URL alone configures the provider and the credential is optional. */
  readonly credentialOptional?: boolean;
}

/** How a provider bills a stream whose reader goes away. */
export interface DisconnectPolicy {
  /** `cancel`: closing the connection stops the bill. `drain`: it bills on, so the usage is read to the end under a cap. */
  readonly onClientGone: 'cancel' | 'drain';
}

/** One provider: who it is, how it is configured, what it can do, how its errors read. */
export interface ProviderDefinition {
  /** Folder name, prefix in `provider/model`, value of `x-gateway-provider`. */
  readonly id: string;
  readonly title: string;
  readonly environment: ProviderEnvironment;
  /** Null where the operator must name one (self-hosted servers). */
  readonly defaultBaseUrl: string | null;
  /** Version segment that follows the base URL on the wire (`/v1`); tolerated and dropped at the end of a configured base URL. */
  readonly versionSegment: string;
  /** The vendor page or specification that the adapter follows. */
  readonly documentation: string;
  readonly disconnect: DisconnectPolicy;
  /** Header that carries the provider's request id. */
  readonly requestIdHeader: string;
  /** Key of this provider's prices in the price book, where it differs from `id`. */
  readonly priceBookId?: string;
  readonly text?: TextProvider;
  readonly embedding?: EmbeddingProvider;
  readonly moderation?: ModerationProvider;
  readonly imageGeneration?: ImageGenerationProvider;
  readonly imageEdit?: ImageEditProvider;
  readonly faceSwap?: FaceSwapProvider;
  readonly imageUpscale?: ImageUpscaleProvider;
  readonly backgroundRemoval?: BackgroundRemovalProvider;
  readonly speech?: SpeechProvider;
  readonly voices?: VoiceListProvider;
  readonly voiceClone?: VoiceCloneProvider;
  readonly transcription?: TranscriptionProvider;
  readonly video?: VideoProvider;
  /** How work that outlives one exchange is followed; needed where an operation submits any. */
  readonly jobs?: JobProtocol;
  /** What its media models take. An operation on a model that is absent is the provider's to judge. */
  readonly mediaModels?: readonly MediaModel[];
  /** Tells before what a call will cost. */
  readonly prices?: PriceTeller;
  /** Tells afterwards what became of a call. */
  readonly lookUp?: CallLookUp;
  /** Reads a non-2xx reply. Decides on status and typed codes, never on substrings of prose where a code exists. */
  readError(reply: WireReply): ProviderFailure;
}
