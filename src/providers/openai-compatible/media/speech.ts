/**
 * `POST /audio/speech` (https://platform.openai.com/docs/api-reference/audio/createSpeech; recorded traffic of
 * gpt-4o-mini-tts): bytes as they are made, without a word on usage.
 *
 * @module
 */
import {
  SPEECH_MEDIA_TYPES,
  type SpeechOptions,
  type SpeechProvider,
} from '../../../contracts/speech-provider.ts';
import { dropped, jsonRequest, type MediaServer } from './server.ts';

/** Characters as OpenAI counts them: code points. */
function charactersOf(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}

/** Sound from words. */
export function speech(server: MediaServer): SpeechProvider {
  return {
    speak(options: SpeechOptions, target) {
      const { text, voice, instructions, format, speed, extra } = options;
      const isTold = instructions !== null && server.takesInstructions(target.model);
      return {
        request: jsonRequest(server, target, {
          path: '/audio/speech',
          accept: '*/*',
          members: {
            model: target.model,
            input: text,
            voice,
            response_format: format,
            speed,
            instructions: isTold ? instructions : null,
            ...extra,
          },
        }),
        warnings: instructions !== null && !isTold ? [dropped('instructions', target.model)] : [],
        mediaType: SPEECH_MEDIA_TYPES[format],
        facts: {
          usage: { characters: charactersOf(text) },
          modelServed: null,
          dimensions: {},
        },
      };
    },
  };
}
