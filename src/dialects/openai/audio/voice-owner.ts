/**
 * Who may speak with a voice: one that was made for a customer answers that customer alone, by the gateway's id and by the
 * provider's.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { VoiceRecords } from '../../../metering/voice-port.ts';
import { invalidRequest } from '../../validation.ts';

/** The name of a voice for each provider. */
export interface SpokenVoice {
  /** @throws GatewayError `not_found` for another customer's, `invalid_request` for a voice of another provider */
  at(provider: string): string;
}

const OWN_ID = /^voice_[0-9a-z]{26}$/;

function unknownVoice(name: string): GatewayError {
  return new GatewayError('not_found', {
    message: `voice: there is no voice "${name.slice(0, 100)}". GET /v1/audio/voices lists yours.`,
    param: 'voice',
  });
}

/**
 * Looks a voice up for a customer. A name that no customer owns is a provider's own, and left to it.
 *
 * @throws GatewayError `not_found` for a made voice that is not there, or another customer's
 */
export async function voiceFor(
  records: VoiceRecords,
  customerId: string,
  name: string,
): Promise<SpokenVoice> {
  if (OWN_ID.test(name)) {
    const voice = await records.voice(name);
    const made = voice?.made ?? null;
    if (voice?.customerId !== customerId || voice.removedAtMs !== null || made === null) {
      throw unknownVoice(name);
    }
    return {
      at(provider) {
        if (provider === made.provider) return made.voiceId;
        throw invalidRequest(
          'voice',
          `was made by ${made.provider}; ${provider} does not know it.`,
        );
      },
    };
  }
  const known = await records.knownAs([name]);
  const closed = new Set(
    known
      .filter((voice) => voice.customerId !== customerId || voice.removedAtMs !== null)
      .map(({ made }) => made?.provider),
  );
  return {
    at(provider) {
      if (closed.has(provider)) throw unknownVoice(name);
      return name;
    },
  };
}
