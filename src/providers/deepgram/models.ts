/**
 * Models of Deepgram, and its voices (https://developers.deepgram.com/docs/models-languages-overview, …/docs/tts-models).
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';
import type { Voice } from '../../contracts/voice-provider.ts';

/** Voices by their names, language and family. */
const FAMILIES = {
  'aura-2': {
    en: 'amalthea andromeda apollo arcas aries asteria athena atlas aurora callista cora cordelia delia draco electra harmonia helena hera hermes hyperion iris janus juno jupiter luna mars minerva neptune odysseus ophelia orion orpheus pandora phoebe pluto saturn selene thalia theia vesta zeus',
    es: 'alvaro aquila carina celeste diana estrella javier nestor selena sirio',
  },
  aura: { en: 'angus arcas asteria athena helios hera luna orion orpheus perseus stella zeus' },
} as const;

/** A family of voices is a model; each voice is one, too. */
export const VOICE_FAMILIES = ['aura-2', 'aura'] as const;
/** A name of {@link VOICE_FAMILIES}. */
export type VoiceFamily = (typeof VOICE_FAMILIES)[number];

function voicesOf(family: VoiceFamily): readonly Voice[] {
  return Object.entries(FAMILIES[family]).flatMap(([language, names]) =>
    names.split(' ').map((name) => ({
      id: `${family}-${name}-${language}`,
      name: name.charAt(0).toUpperCase() + name.slice(1),
      language,
      gender: null,
      description: `Deepgram ${family}`,
      previewUrl: null,
    })),
  );
}

/** Every voice, as `speech` calls name it. */
export const VOICES: readonly Voice[] = VOICE_FAMILIES.flatMap(voicesOf);

const SOURCE = 'https://developers.deepgram.com/reference/text-to-speech/speak-request';
const FORMATS: OptionRule = {
  type: 'one_of',
  values: ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'],
};

function speechModel(id: string, voices: readonly string[]): MediaModel {
  return {
    id,
    operation: 'audio.speech',
    options: {
      // Longer texts are answered 413.
      input: { type: 'text', maxChars: 2000 },
      voice: { type: 'one_of', values: voices },
      response_format: FORMATS,
    },
    source: SOURCE,
  };
}

function listeningModel(id: string): MediaModel {
  return {
    id,
    operation: 'audio.transcribe',
    options: {
      file: { type: 'files', max: 1, maxBytes: 2_000_000_000 },
      language: { type: 'text', maxChars: 40 },
      timestamp_granularities: { type: 'one_of', values: ['segment', 'word'] },
      speakers: { type: 'flag' },
    },
    source: 'https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded',
  };
}

export const MODELS: readonly MediaModel[] = [
  ...['nova-3*', 'nova-2*'].map(listeningModel),
  ...VOICE_FAMILIES.map((family) =>
    speechModel(
      family,
      voicesOf(family).map(({ id }) => id.slice(family.length + 1)),
    ),
  ),
];
