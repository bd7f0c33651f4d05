/**
 * Voices as they are shown to who may speak with them.
 *
 * @module
 */
import { z } from 'zod';
import type { Voice } from '../../../contracts/voice-provider.ts';
import type { MadeVoice, NewVoice, VoiceRecord } from '../../../metering/voice-port.ts';

/** Query of the list. */
export const voiceQuerySchema = z.strictObject({
  provider: z.string().max(100).optional().describe('Only voices of this provider.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Of the caller’s own.'),
  cursor: z.string().max(100).optional().describe('`next_cursor` of the page before.'),
});

/** A voice of a list, or one that was made. */
export const voiceSchema = z
  .object({
    id: z.string().describe('As `voice` of `POST /v1/audio/speech`.'),
    object: z.literal('voice'),
    owned_by: z
      .enum(['customer', 'provider'])
      .describe('`customer`: made for the caller, whom alone it answers.'),
    provider: z.string().describe('Whose models speak with it.'),
    name: z.string(),
    description: z.string().nullable(),
    language: z.string().nullable().describe('BCP 47; null where it is not said, or several.'),
    gender: z.string().nullable(),
    preview_url: z.string().nullable(),
    created_at: z.string().optional().describe('RFC 3339, UTC; of voices that were made.'),
    consent: z
      .object({ by: z.string(), at: z.string(), samples: z.array(z.string()) })
      .optional()
      .describe('Who agreed when, and the SHA-256 of the recordings; of voices that were made.'),
  })
  .meta({ id: 'Voice' });

/** A {@link voiceSchema}. */
export type ShownVoice = z.infer<typeof voiceSchema>;

/** A voice that was made for its customer. */
export function showOwnVoice(voice: NewVoice, made: MadeVoice): ShownVoice {
  const { id, name, description, consent } = voice;
  const at = new Date(consent.atMs).toISOString();
  return {
    id,
    object: 'voice',
    owned_by: 'customer',
    provider: made.provider,
    name,
    description,
    language: null,
    gender: null,
    preview_url: null,
    created_at: at,
    consent: { by: consent.by, at, samples: [...consent.samples] },
  };
}

/** Voices that were made, without those that no provider has. */
export function showOwnVoices(voices: readonly VoiceRecord[]): readonly ShownVoice[] {
  return voices.flatMap((voice) => (voice.made === null ? [] : [showOwnVoice(voice, voice.made)]));
}

/** One of the voices that a provider has for everyone. */
export function showProviderVoice(voice: Voice, provider: string): ShownVoice {
  const { id, name, description, language, gender, previewUrl } = voice;
  return {
    id,
    object: 'voice',
    owned_by: 'provider',
    provider,
    name,
    description,
    language,
    gender,
    preview_url: previewUrl,
  };
}
