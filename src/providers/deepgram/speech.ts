/**
 * `POST /v1/speak` (https://developers.deepgram.com/reference/text-to-speech/speak-request; recorded traffic of
 * aura-2-thalia-en). A voice is a model: `deepgram/aura-2` speaks with any voice of its family, `deepgram/aura-2-thalia-en` with its own.
 *
 * @module
 */
import {
  SPEECH_MEDIA_TYPES,
  type SpeechFormat,
  type SpeechProvider,
} from '../../contracts/speech-provider.ts';
import { mediaModelOf } from '../../contracts/media-model.ts';
import { checkMediaOptions } from '../media-options.ts';
import { charactersOf } from '../replies.ts';
import { MODELS, VOICE_FAMILIES, VOICES, type VoiceFamily } from './models.ts';
import { ownOptions, postRequest, refusal } from './request.ts';

/** Sound of each form, as the query says it. Bare samples have no container. */
const ENCODINGS: Readonly<Record<SpeechFormat, Readonly<Record<string, string>>>> = {
  mp3: { encoding: 'mp3' },
  opus: { encoding: 'opus', container: 'ogg' },
  aac: { encoding: 'aac' },
  flac: { encoding: 'flac' },
  wav: { encoding: 'linear16', container: 'wav', sample_rate: '24000' },
  pcm: { encoding: 'linear16', container: 'none', sample_rate: '24000' },
};

const ESSENTIAL: ReadonlySet<string> = new Set(['input', 'response_format', 'voice']);

function familyOf(name: string): VoiceFamily | null {
  return VOICE_FAMILIES.find((family) => name === family || name.startsWith(`${family}-`)) ?? null;
}

/**
 * The voice as a model: `thalia`, `thalia-en` and `aura-2-thalia-en` are the same. One of another family is another model, at another
 * price.
 *
 * @throws GatewayError naming `voice` or `model`
 */
function voiceModel(model: string, voice: string): { family: VoiceFamily; name: string } {
  const family = familyOf(model);
  if (family === null) throw refusal('model', `${model.slice(0, 100)} does not speak.`);
  const name = voice.toLowerCase();
  const found = VOICES.find(
    ({ id }) =>
      familyOf(id) === family &&
      [id, id.slice(family.length + 1), id.slice(family.length + 1, -3)].includes(name),
  )?.id;
  // Voices come faster than lists of them do.
  const isNew = found === undefined && /^[a-z]+-[a-z]{2}$/.test(name);
  const named = found ?? (isNew ? `${family}-${name}` : null);
  if (named === null) {
    throw refusal('voice', `${family} has no voice ${voice.slice(0, 100)}; it has thalia-en, …`);
  }
  if (model !== family && model !== named) {
    throw refusal(
      'voice',
      `${model} is a voice of its own: name it, or ask ${family} for another.`,
    );
  }
  return { family, name: named };
}

export const speech: SpeechProvider = {
  speak(options, target) {
    const { text, instructions, format, speed } = options;
    const { family, name } = voiceModel(target.model, options.voice);
    const model = mediaModelOf(MODELS, family, 'audio.speech');
    if (model === null) throw new Error(`no table for ${family}`);
    const { warnings } = checkMediaOptions(
      model,
      { input: text, response_format: format, instructions, speed },
      ESSENTIAL,
    );
    return {
      request: postRequest(target, {
        path: '/speak',
        query: { ...ownOptions(options.extra), model: name, ...ENCODINGS[format] },
        accept: '*/*',
        contentType: 'application/json',
        body: Buffer.from(JSON.stringify({ text })),
      }),
      warnings,
      mediaType: SPEECH_MEDIA_TYPES[format],
      facts: { usage: { characters: charactersOf(text) }, modelServed: null, dimensions: {} },
    };
  },
};
