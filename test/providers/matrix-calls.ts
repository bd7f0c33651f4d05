/**
 * One call of any model for any operation, made of what the model's table says that it takes: a new row is called without a new line.
 *
 * @module
 */
import type { MediaModel } from '../../src/contracts/media-model.ts';
import type { Operation } from '../../src/contracts/metering.ts';
import { simulatedMp4 } from '../../src/simulators/media/mp4.ts';
import { recordingOf } from '../media/files.ts';
import { pngOf } from '../support/media-samples.ts';

/** What a call's result is. */
export type Made = 'text' | 'vectors' | 'verdicts' | 'pictures' | 'sound' | 'voice' | 'clip';

export interface MatrixCall {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | FormData;
  readonly made: Made;
}

const SOUND_MS = 4_000;
const dataUrl = (type: string, bytes: Buffer): string =>
  `data:${type};base64,${bytes.toString('base64')}`;
const PICTURE = dataUrl('image/png', pngOf(64, 64));
const CLIP = dataUrl(
  'video/mp4',
  simulatedMp4({ width: 64, height: 64, durationMs: 5_000 }, 'clip'),
);
const SOUND = recordingOf(SOUND_MS);

/** Values of options that some models cannot do without. */
const VALUES: Readonly<Record<string, unknown>> = {
  search: 'the boat',
  expand: { left: 64, right: 0, up: 0, down: 0 },
  mask: PICTURE,
  prompt: 'waves in the evening',
};

/** An entry of a provider's table; some say what the model cannot do without. */
export type TableRow = MediaModel & {
  readonly required?: readonly string[];
  /** Ways of editing that it is; the first is its own. */
  readonly modes?: readonly string[];
};

/** Models of tables that stand for all models of a provider. */
const EXAMPLES: Readonly<Partial<Record<Operation, string>>> = {
  'text.embed': 'sentence-transformers/all-MiniLM-L6-v2',
  'image.generate': 'black-forest-labs/FLUX.1-schnell',
  'image.edit': 'black-forest-labs/FLUX.1-Kontext-dev',
  'audio.speech': 'hexgrad/Kokoro-82M',
  'audio.transcribe': 'openai/whisper-large-v3',
  'audio.translate': 'openai/whisper-large-v3-turbo',
  'video.text_to_video': 'tencent/HunyuanVideo',
  'video.image_to_video': 'Wan-AI/Wan2.2-I2V-A14B',
};

/** A model for an operation that a provider has for any model. */
export function exampleOf(operation: Operation): string {
  const example = EXAMPLES[operation];
  if (example === undefined) throw new Error(`name a model for ${operation}`);
  return example;
}

/** Voices that the simulators know, where a table has none. */
const VOICES: Readonly<Record<string, string>> = { elevenlabs: 'simulatedVoiceOne001' };
/** Pictures that a model wants beside the first. */
const MORE_PICTURES: Readonly<Record<string, readonly string[]>> = { 'style-transfer': [PICTURE] };

function needed({ required = [] }: TableRow): Readonly<Record<string, unknown>> {
  const known = required.filter((name) => name in VALUES);
  return Object.fromEntries(known.map((name) => [name, VALUES[name]]));
}

function transcript(model: string): FormData {
  const form = new FormData();
  form.set('model', model);
  form.set('file', new Blob([new Uint8Array(SOUND)]), 'talk.wav');
  return form;
}

/** Media that each operation on clips is about. */
const CLIP_INPUTS: Readonly<Record<string, readonly string[]>> = {
  'video.text_to_video': [],
  'video.image_to_video': ['image'],
  'video.extend': ['video'],
  'video.talking_avatar': ['image', 'audio'],
  'video.face_swap': ['video', 'image'],
  'video.upscale': ['video'],
  'video.remove_background': ['video'],
  'video.add_sound': ['video'],
};
const CLIP_MEDIA: Readonly<Record<string, string>> = {
  image: PICTURE,
  video: CLIP,
  audio: dataUrl('audio/wav', SOUND),
};

/** The shortest clip that the model makes. */
function shortest({ options }: TableRow): object {
  const rule = options['seconds'];
  if (rule?.type === 'range') return { seconds: rule.min };
  return rule?.type === 'one_of' ? { seconds: Number(rule.values[0]) } : {};
}

function clip(name: string, row: TableRow): MatrixCall {
  const media = (CLIP_INPUTS[row.operation] ?? []).map((input) => [input, CLIP_MEDIA[input]]);
  const prompt = 'prompt' in row.options ? { prompt: VALUES['prompt'] } : {};
  const operation = row.operation.slice('video.'.length);
  const body = { model: name, operation, ...prompt, ...shortest(row) };
  return { path: '/v1/videos', body: { ...body, ...Object.fromEntries(media) }, made: 'clip' };
}

function voiceOf(name: string, { options }: TableRow): string {
  const rule = options['voice'];
  if (rule?.type === 'one_of') return String(rule.values[0]);
  return VOICES[name.slice(0, name.indexOf('/'))] ?? 'alloy';
}

function callOf(name: string, row: TableRow): MatrixCall {
  const model = { model: name };
  switch (row.operation) {
    case 'text.generate': {
      const messages = [{ role: 'user', content: 'Say hello' }];
      return {
        path: '/v1/chat/completions',
        body: { ...model, messages, max_tokens: 50 },
        made: 'text',
      };
    }
    case 'text.embed':
      return { path: '/v1/embeddings', body: { ...model, input: ['one', 'two'] }, made: 'vectors' };
    case 'text.moderate':
      return { path: '/v1/moderations', body: { ...model, input: 'a text' }, made: 'verdicts' };
    case 'image.generate':
      return {
        path: '/v1/images/generations',
        body: { ...model, prompt: 'a harbour' },
        made: 'pictures',
      };
    case 'image.edit': {
      const prompt = 'prompt' in row.options ? { prompt: 'add a boat' } : {};
      const [mode] = row.modes ?? [];
      const image = [PICTURE, ...(MORE_PICTURES[row.id] ?? [])];
      const own = { ...prompt, ...(mode === undefined ? {} : { mode }), image, ...needed(row) };
      return { path: '/v1/images/edits', body: { ...model, ...own }, made: 'pictures' };
    }
    case 'image.face_swap': {
      const body = { ...model, image: PICTURE, face_image: PICTURE };
      return { path: '/v1/images/face-swaps', body, made: 'pictures' };
    }
    case 'image.upscale': {
      const body = { ...model, image: PICTURE, ...needed(row) };
      return { path: '/v1/images/upscales', body, made: 'pictures' };
    }
    case 'image.remove_background': {
      const body = { ...model, image: PICTURE };
      return { path: '/v1/images/background-removals', body, made: 'pictures' };
    }
    case 'audio.speech': {
      const body = {
        ...model,
        input: 'Hello there.',
        voice: voiceOf(name, row),
        response_format: 'wav',
      };
      return { path: '/v1/audio/speech', body, made: 'sound' };
    }
    case 'audio.transcribe':
      return { path: '/v1/audio/transcriptions', body: transcript(name), made: 'text' };
    case 'audio.translate':
      return { path: '/v1/audio/translations', body: transcript(name), made: 'text' };
    case 'audio.clone_voice': {
      const samples = [dataUrl('audio/wav', SOUND)];
      const consent = { given: true, by: 'the speaker' };
      const body = { ...model, name: 'Narrator', samples, consent };
      return { path: '/v1/audio/voices', body, made: 'voice' };
    }
    case 'video.text_to_video':
    case 'video.image_to_video':
    case 'video.extend':
    case 'video.talking_avatar':
    case 'video.face_swap':
    case 'video.upscale':
    case 'video.remove_background':
    case 'video.add_sound':
      return clip(name, row);
    case 'text.rerank':
    case 'text.count_tokens':
    case 'text.enhance_prompt':
      throw new Error(`no provider has ${row.operation}`);
  }
}

/** The call of a model, `model` being its name within the provider. */
export function matrixCall(provider: string, model: string, row: TableRow): MatrixCall {
  return callOf(`${provider}/${model}`, row);
}

const UNIT: Readonly<Partial<Record<Operation, string>>> = {
  'audio.speech': 'characters',
  'audio.transcribe': 'audio_ms',
  'audio.translate': 'audio_ms',
  'audio.clone_voice': 'voice_clones',
};

/** The unit by which most sell an operation; null: tokens. */
export function usualUnit(operation: Operation): string | null {
  if (operation.startsWith('text.')) return null;
  if (operation.startsWith('image.')) return 'images';
  return UNIT[operation] ?? 'video_clips';
}
