/**
 * `POST /v1/text-to-speech/{voice_id}[/stream]` (https://elevenlabs.io/docs/api-reference/text-to-speech/stream).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { silentMp3, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { ID_HEADER, invalidField, refuse } from './errors.ts';
import type { VoiceBook } from './voices.ts';

const CHARACTERS_MAX = 10_000;
const SPEED = [0.7, 1.2] as const;

function soundOf(
  format: string,
  durationMs: number,
  seed: string,
): { readonly bytes: Buffer; readonly type: string } | null {
  if (format.startsWith('mp3_')) return { bytes: silentMp3(durationMs), type: 'audio/mpeg' };
  if (format === 'pcm_24000') return { bytes: tonePcm(durationMs, seed), type: 'audio/pcm' };
  if (format === 'wav_24000') return { bytes: wavOf(tonePcm(durationMs, seed)), type: 'audio/wav' };
  return null;
}

export function speechRoute(call: SimulatedCall, voice: string, book: VoiceBook): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model_id']) ?? 'eleven_multilingual_v2';
  return {
    model,
    stream: false,
    answer(): SimulatedReply {
      const text = stringOf(body['text']) ?? '';
      const characters = Array.from(text).length;
      if (text === '') return invalidField(call, 'text');
      if (characters > CHARACTERS_MAX) {
        const message = `This request's text has ${String(characters)} characters and exceeds the character limit of 10000 characters.`;
        return refuse(call, { status: 400, word: 'max_character_limit_exceeded', message });
      }
      if (!book.has(voice)) {
        const message = `A voice with the voice_id ${voice} was not found.`;
        return refuse(call, { status: 404, word: 'voice_not_found', message });
      }
      const speed = numberOf(objectOf(body['voice_settings'])['speed']) ?? 1;
      if (speed < SPEED[0] || speed > SPEED[1]) {
        const message = 'Speed must be between 0.7 and 1.2.';
        return refuse(call, { status: 400, word: 'invalid_voice_settings', message });
      }
      const format = call.query.get('output_format') ?? 'mp3_44100_128';
      const sound = soundOf(format, speechMs(text, speed), `${call.seed}/${voice}/${text}`);
      if (sound === null) {
        const message = 'The simulator speaks mp3, pcm_24000 and wav_24000 alone.';
        return refuse(call, { status: 400, word: 'output_format_not_allowed', message });
      }
      const isCheap = /flash|turbo/.test(model);
      return {
        kind: 'body',
        status: 200,
        headers: {
          'content-type': sound.type,
          'character-cost': String(isCheap ? Math.ceil(characters / 2) : characters),
          'current-concurrent-requests': '1',
          'maximum-concurrent-requests': '5',
          [ID_HEADER]: call.id,
        },
        body: sound.bytes,
        usage: { ...NO_USAGE, media: { characters } },
      };
    },
  };
}
