/**
 * Models of ElevenLabs and what each takes (https://elevenlabs.io/docs/api-reference/text-to-speech/stream, …/speech-to-text/convert,
 * …/voices/ivc/create; lengths of texts: https://help.elevenlabs.io/hc/en-us/articles/19572237925521).
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';
import type { SpeechFormat } from '../../contracts/speech-provider.ts';

const SPEECH_SOURCE = 'https://elevenlabs.io/docs/api-reference/text-to-speech/stream';

/** Forms of sound that there are, by the name that the query has. Forms of 44.1 kHz without loss need a dearer subscription. */
export const OUTPUT_FORMATS: Readonly<Partial<Record<SpeechFormat, string>>> = {
  mp3: 'mp3_44100_128',
  opus: 'opus_48000_128',
  wav: 'wav_24000',
  pcm: 'pcm_24000',
};

const FORMATS: OptionRule = { type: 'one_of', values: Object.keys(OUTPUT_FORMATS) };

function speechModel(id: string, charactersMax: number): MediaModel {
  return {
    id,
    operation: 'audio.speech',
    options: {
      input: { type: 'text', maxChars: charactersMax },
      voice: { type: 'text', maxChars: 200 },
      response_format: FORMATS,
      speed: { type: 'range', min: 0.7, max: 1.2 },
    },
    source: SPEECH_SOURCE,
  };
}

function listeningModel(id: string): MediaModel {
  return {
    id,
    operation: 'audio.transcribe',
    options: {
      file: { type: 'files', max: 1, maxBytes: 3_000_000_000 },
      language: { type: 'text', maxChars: 40 },
      temperature: { type: 'range', min: 0, max: 2 },
      timestamp_granularities: { type: 'one_of', values: ['segment', 'word'] },
      speakers: { type: 'flag' },
    },
    source: 'https://elevenlabs.io/docs/api-reference/speech-to-text/convert',
  };
}

/** Under this name voices are made: it is no model that speaks. */
export const CLONE_MODEL = 'instant-voice-clone';

export const MODELS: readonly MediaModel[] = [
  speechModel('eleven_v3', 5000),
  speechModel('eleven_multilingual_v2', 10_000),
  speechModel('eleven_flash_v2_5', 40_000),
  speechModel('eleven_turbo_v2_5', 40_000),
  speechModel('eleven_flash_v2', 30_000),
  speechModel('eleven_turbo_v2', 30_000),
  speechModel('eleven_multilingual_v1', 10_000),
  speechModel('eleven_monolingual_v1', 10_000),
  listeningModel('scribe_v2'),
  listeningModel('scribe_v1*'),
  {
    id: CLONE_MODEL,
    operation: 'audio.clone_voice',
    options: {
      samples: { type: 'files', max: 25, maxBytes: 10 * 1024 * 1024 },
      name: { type: 'text', maxChars: 100 },
      description: { type: 'text', maxChars: 500 },
    },
    source: 'https://elevenlabs.io/docs/api-reference/voices/ivc/create',
  },
];

/** A model that is absent from the tables is the provider's to judge; it is taken to take what its siblings take. */
export function tableOf(id: string, sibling: string): MediaModel {
  const found = MODELS.find((one) => one.id === id) ?? MODELS.find((one) => one.id === sibling);
  if (found === undefined) throw new Error(`no table for ${sibling}`);
  return { ...found, id };
}
