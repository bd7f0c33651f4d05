/**
 * `POST /v1/audio/speech` (https://platform.openai.com/docs/api-reference/audio/createSpeech; recorded gpt-4o-mini-tts).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import type { SimulatedReply } from '../core/reply.ts';
import { silentMp3, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { bytesReply, mediaUsage, refuse } from './media-reply.ts';

/** Longest text that OpenAI speaks in one call. */
const CHARACTERS_MAX = 4096;

function soundOf(
  format: string,
  durationMs: number,
  seed: string,
): { bytes: Buffer; type: string } | null {
  switch (format) {
    case 'mp3':
      return { bytes: silentMp3(durationMs), type: 'audio/mpeg' };
    case 'wav':
      return { bytes: wavOf(tonePcm(durationMs, seed)), type: 'audio/wav' };
    case 'pcm':
      return { bytes: tonePcm(durationMs, seed), type: 'audio/pcm' };
    default:
      return null;
  }
}

export function speechRoute(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  return {
    model: stringOf(body['model']),
    stream: false,
    async answer(): Promise<SimulatedReply> {
      const input = stringOf(body['input']) ?? '';
      const characters = Array.from(input).length;
      if (input === '') return refuse(call, 'input', "Missing required parameter: 'input'.");
      if (characters > CHARACTERS_MAX) {
        return refuse(
          call,
          'input',
          `String should have at most ${String(CHARACTERS_MAX)} characters`,
        );
      }
      const voice = stringOf(body['voice']);
      if (voice === null) return refuse(call, 'voice', "Missing required parameter: 'voice'.");
      const speed = numberOf(body['speed']) ?? 1;
      const format = stringOf(body['response_format']) ?? 'mp3';
      const sound =
        call.voice === null
          ? soundOf(format, speechMs(input, speed), `${call.seed}/${input}`)
          : await call.voice.speak({ text: input, voice, speed, format });
      if (sound === null) {
        return refuse(call, 'response_format', 'The simulator speaks mp3, wav and pcm alone.');
      }
      return bytesReply(call, sound, mediaUsage({ characters }));
    },
  };
}
