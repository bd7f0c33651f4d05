/**
 * The door to voices that customers have had made: whose they are, and who consented when to which recordings. One
 * implementation per store; every one passes `voice-records.contract.ts`. Times are milliseconds since the epoch.
 *
 * @module
 */
import type { Page, PageQuery } from './ports.ts';

/** That somebody's voice may be made, as it was declared before any provider was asked. */
export interface VoiceConsent {
  /** Whose voice it is, in the caller's words. */
  readonly by: string;
  /** What was agreed to, in the caller's words; null where nothing was said. */
  readonly statement: string | null;
  readonly atMs: number;
  /** The key that declared it. */
  readonly keyId: string;
  /** SHA-256 of every recording, lower-case hex. */
  readonly samples: readonly string[];
}

/** A voice that is about to be made. */
export interface NewVoice {
  /** `voice_…` */
  readonly id: string;
  readonly customerId: string;
  readonly name: string;
  readonly description: string | null;
  readonly consent: VoiceConsent;
  readonly requestId: string;
}

/** Where a voice that was made is known, and by which name. */
export interface MadeVoice {
  readonly provider: string;
  readonly model: string;
  /** The provider's own id of it. */
  readonly voiceId: string;
}

/** A voice and what is known of it. */
export interface VoiceRecord extends NewVoice {
  /** Null: no provider has made it. */
  readonly made: MadeVoice | null;
  /** Null: it can be spoken with. The consent stays on record. */
  readonly removedAtMs: number | null;
}

export interface VoiceQuery extends PageQuery {
  readonly customerId: string;
}

/** Rejected promises are `GatewayError` `metering_unavailable`: nothing was changed. */
export interface VoiceRecords {
  /** Records the consent. Durable when it answers. */
  add(voice: NewVoice): Promise<void>;
  made(id: string, made: MadeVoice): Promise<void>;
  /** Whatever its state; null where there is none. */
  voice(id: string): Promise<VoiceRecord | null>;
  /** Those that can be spoken with, newest first. */
  list(query: VoiceQuery): Promise<Page<VoiceRecord>>;
  /** Voices of any customer, removed ones too, that a provider knows by one of these ids. */
  knownAs(voiceIds: readonly string[]): Promise<readonly VoiceRecord[]>;
  /** @returns false where it cannot be spoken with anyway */
  remove(id: string, atMs: number): Promise<boolean>;
}
