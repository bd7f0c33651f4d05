/**
 * `POST /v1/speak` (https://developers.deepgram.com/reference/text-to-speech/speak-request; recorded aura-2-thalia-en).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { silentMp3, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { ID_HEADER, refuse } from './errors.ts';

const CHARACTERS_MAX = 2000;

function soundOf(
  call: SimulatedCall,
  durationMs: number,
  seed: string,
): { readonly bytes: Buffer; readonly type: string } | null {
  const encoding = call.query.get('encoding') ?? 'mp3';
  if (encoding === 'mp3') return { bytes: silentMp3(durationMs), type: 'audio/mpeg' };
  if (encoding !== 'linear16') return null;
  const samples = tonePcm(durationMs, seed);
  return call.query.get('container') === 'none'
    ? { bytes: samples, type: 'audio/l16;rate=24000' }
    : { bytes: wavOf(samples), type: 'audio/wav' };
}

export function speakRoute(call: SimulatedCall): FamilyRoute {
  const model = call.query.get('model') ?? 'aura-2-thalia-en';
  return {
    model,
    stream: false,
    answer(): SimulatedReply {
      const text = stringOf(objectOf(call.json)['text']) ?? '';
      const characters = Array.from(text).length;
      if (text === '') return refuse(call, 'Failed to parse text: it is empty.');
      if (characters > CHARACTERS_MAX) {
        return refuse(call, 'Input text exceeds maximum character limit of 2000.', 413);
      }
      if (!/^aura(-2)?-[a-z]+-[a-z]{2}$/.test(model)) {
        return refuse(call, 'No such model/version combination found.');
      }
      const sound = soundOf(call, speechMs(text, 1), `${call.seed}/${model}/${text}`);
      if (sound === null) return refuse(call, 'The simulator speaks mp3 and linear16 alone.');
      return {
        kind: 'body',
        status: 200,
        headers: {
          'content-type': sound.type,
          'dg-model-name': model,
          'dg-char-count': String(characters),
          [ID_HEADER]: call.id,
        },
        body: sound.bytes,
        usage: { ...NO_USAGE, media: { characters } },
      };
    },
  };
}
