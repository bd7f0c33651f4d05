/**
 * The contracts of voices: those that a provider has, and one made from a recording.
 *
 * @module
 */
import type { OperationExchange } from './job-provider.ts';
import type { MediaExchange, SentMedia, ResultFacts } from './media.ts';
import type { ProviderTarget, WireRequest } from './wire.ts';

/** One voice, as it is named in `speech` calls. */
export interface Voice {
  readonly id: string;
  readonly name: string;
  /** BCP 47; null where the provider does not say, or where it speaks several. */
  readonly language: string | null;
  readonly gender: string | null;
  readonly description: string | null;
  /** Where it can be heard. */
  readonly previewUrl: string | null;
}

/** What a provider lists. */
export interface VoiceList extends ResultFacts {
  readonly voices: readonly Voice[];
}

/** A voice that is to be made. That its owner consents is recorded before a provider is asked. */
export interface VoiceCloneOptions {
  /** Recordings of the one voice. At least one. */
  readonly samples: readonly [SentMedia, ...SentMedia[]];
  readonly name: string;
  readonly description: string | null;
  /** What it says as a trial, where the provider speaks one. */
  readonly text: string | null;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A voice that was made. */
export interface VoiceCloneResult extends ResultFacts {
  readonly voiceId: string;
}

/** A provider that lists its voices. */
export interface VoiceListProvider {
  /** Voices known without asking: a model's fixed ones. Null: {@link list} must be asked. */
  readonly known: readonly Voice[] | null;
  /** Absent where {@link known} is all there is. */
  list?(target: ProviderTarget): MediaExchange<VoiceList>;
}

/** A provider that makes voices. */
export interface VoiceCloneProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  cloneVoice(
    options: VoiceCloneOptions,
    target: ProviderTarget,
  ): OperationExchange<VoiceCloneResult>;
  /** Has a voice forgotten; a 2xx reply says that it is. Absent where the provider cannot. */
  remove?(voiceId: string, target: ProviderTarget): WireRequest;
}
