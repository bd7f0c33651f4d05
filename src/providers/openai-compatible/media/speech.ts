/**
 * `POST /audio/speech` (https://platform.openai.com/docs/api-reference/audio/createSpeech; recorded traffic of
 * gpt-4o-mini-tts): bytes as they are made, without a word on usage, which events have.
 *
 * @module
 */
import {
  SPEECH_MEDIA_TYPES,
  type SpeechOptions,
  type SpeechProvider,
} from '../../../contracts/speech-provider.ts';
import { charactersOf } from '../../replies.ts';
import { dropped, jsonRequest, type MediaServer } from './server.ts';
import { SpokenEventReader } from './speech-events.ts';

/** Sound from words. */
export function speech(server: MediaServer): SpeechProvider {
  return {
    speak(options: SpeechOptions, target) {
      const { text, voice, instructions, format, speed, extra } = options;
      const characters = charactersOf(text);
      const asEvents = options.asEvents === true && server.speaksEvents?.(target.model) === true;
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
            ...(asEvents ? { stream_format: 'sse' } : {}),
            ...extra,
          },
        }),
        warnings: instructions !== null && !isTold ? [dropped('instructions', target.model)] : [],
        mediaType: SPEECH_MEDIA_TYPES[format],
        facts: {
          usage: { characters },
          modelServed: null,
          dimensions: {},
        },
        ...(asEvents ? { open: () => new SpokenEventReader(characters) } : {}),
      };
    },
  };
}
