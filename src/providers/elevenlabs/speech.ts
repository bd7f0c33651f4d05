/**
 * `POST /v1/text-to-speech/{voice_id}/stream` (https://elevenlabs.io/docs/api-reference/text-to-speech/stream; recorded replies of
 * the whole form): bytes as they are made.
 *
 * @module
 */
import {
  SPEECH_MEDIA_TYPES,
  type SpeechOptions,
  type SpeechProvider,
} from '../../contracts/speech-provider.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { checkMediaOptions } from '../media-options.ts';
import { isObject } from '../openai-compatible/loose-json.ts';
import { charactersOf } from '../replies.ts';
import { OUTPUT_FORMATS, tableOf } from './models.ts';
import { headersOf, refusal, VERSION_SEGMENT } from './request.ts';

const ESSENTIAL: ReadonlySet<string> = new Set(['input', 'voice', 'response_format']);

/** What a model that is not in the tables is taken for. */
const USUAL_MODEL = 'eleven_multilingual_v2';
const VOICE_ID = /^[\w-]{1,200}$/;

function requestOf(
  options: SpeechOptions,
  target: ProviderTarget,
  chosen: { readonly format: string; readonly speed: unknown },
): WireRequest {
  const { text, voice, extra } = options;
  const { voice_settings: settings, ...further } = extra;
  const voiceSettings = {
    ...(isObject(settings) ? settings : {}),
    ...(chosen.speed === undefined ? {} : { speed: chosen.speed }),
  };
  const body = {
    ...further,
    text,
    model_id: target.model,
    ...(Object.keys(voiceSettings).length === 0 ? {} : { voice_settings: voiceSettings }),
  };
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}/text-to-speech/${voice}/stream?output_format=${chosen.format}`,
    headers: { ...headersOf(target, '*/*'), 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
}

export const speech: SpeechProvider = {
  speak(options, target) {
    const { text, voice, format, speed, instructions } = options;
    if (!VOICE_ID.test(voice)) {
      throw refusal('voice', 'A voice is named by its id, as the list of voices has it.');
    }
    const { values, warnings } = checkMediaOptions(
      tableOf(target.model, USUAL_MODEL),
      { input: text, voice, response_format: format, speed, instructions },
      ESSENTIAL,
    );
    return {
      request: requestOf(options, target, {
        format: OUTPUT_FORMATS[format] ?? '',
        speed: values['speed'],
      }),
      warnings,
      mediaType: SPEECH_MEDIA_TYPES[format],
      facts: { usage: { characters: charactersOf(text) }, modelServed: null, dimensions: {} },
    };
  },
};
