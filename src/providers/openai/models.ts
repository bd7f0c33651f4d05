/**
 * What OpenAI's media models take, for documents and tests; the server judges what is asked of it
 * (https://platform.openai.com/docs/api-reference/images, …/audio, …/embeddings, …/moderations; recorded: gpt-image-1 and -1.5,
 * gpt-4o-mini-tts, whisper-1, gpt-4o-transcribe and its diarizing variant, vectors, verdicts).
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';
import type { Operation } from '../../contracts/metering.ts';
import { openAiMedia } from './media.ts';

const MIB = 1024 * 1024;
const RECORDED = 'recorded traffic and https://platform.openai.com/docs/api-reference';

const one = (...values: readonly (string | number)[]): OptionRule => ({ type: 'one_of', values });
const upTo = (max: number, min = 1): OptionRule => ({ type: 'range', min, max });
const text = (maxChars: number): OptionRule => ({ type: 'text', maxChars });
const files = (max: number, maxBytes?: number): OptionRule => ({
  type: 'files',
  max,
  ...(maxBytes === undefined ? {} : { maxBytes }),
});

function rows(
  ids: readonly string[],
  operation: Operation,
  options: MediaModel['options'],
): readonly MediaModel[] {
  return ids.map((id) => ({ id, operation, options, source: RECORDED }));
}

/** Values of the options that not every picture model takes. */
const SHAPING: MediaModel['options'] = {
  quality: one('auto', 'low', 'medium', 'high'),
  background: one('auto', 'transparent', 'opaque'),
  output_format: one('png', 'jpeg', 'webp'),
  output_compression: upTo(100, 0),
  moderation: one('auto', 'low'),
  style: one('vivid', 'natural'),
};

function pictures(
  id: string,
  more: MediaModel['options'] = {},
): { readonly id: string; readonly options: MediaModel['options'] } {
  const traits = openAiMedia.image(id);
  const shaping = Object.entries(SHAPING).filter(([name]) => traits.options.has(name));
  const options = {
    prompt: text(32_000),
    n: upTo(traits.maxImages),
    size: text(11),
    ...Object.fromEntries(shaping),
    ...more,
  };
  return { id, options };
}

const GENERATORS = [
  pictures('gpt-image-*'),
  pictures('dall-e-3', { quality: one('standard', 'hd') }),
  pictures('dall-e-2'),
];
const EDITED = { mask: files(1), mode: one('instruct', 'inpaint') };
const EDITORS = [
  pictures('gpt-image-*', {
    image: files(16, 50 * MIB),
    ...EDITED,
    input_fidelity: one('low', 'high'),
  }),
  pictures('dall-e-2', { image: files(1, 4 * MIB), ...EDITED }),
];

const SPOKEN: MediaModel['options'] = {
  input: text(4096),
  voice: text(200),
  response_format: one('mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'),
  speed: { type: 'range', min: 0.25, max: 4 },
};
const HEARD: MediaModel['options'] = {
  file: files(1, 25 * MIB),
  prompt: text(32_000),
  temperature: { type: 'range', min: 0, max: 1 },
};
const WRITTEN: MediaModel['options'] = { ...HEARD, language: text(40) };

/** The table; families end in `*`. */
export const OPENAI_MEDIA_MODELS: readonly MediaModel[] = [
  ...GENERATORS.flatMap(({ id, options }) => rows([id], 'image.generate', options)),
  ...EDITORS.flatMap(({ id, options }) => rows([id], 'image.edit', options)),
  ...rows(['tts-1*'], 'audio.speech', SPOKEN),
  ...rows(['gpt-4o-mini-tts*'], 'audio.speech', { ...SPOKEN, instructions: text(4096) }),
  ...rows(['whisper-1'], 'audio.transcribe', {
    ...WRITTEN,
    timestamp_granularities: one('segment', 'word'),
  }),
  ...rows(['gpt-4o-transcribe*', 'gpt-4o-mini-transcribe*'], 'audio.transcribe', WRITTEN),
  ...rows(['gpt-4o-transcribe-diarize'], 'audio.transcribe', {
    ...WRITTEN,
    speakers: { type: 'flag' },
  }),
  ...rows(['whisper-1'], 'audio.translate', HEARD),
  ...rows(['text-embedding-3-*'], 'text.embed', { input: files(2048), dimensions: upTo(3072) }),
  ...rows(['text-embedding-ada-002'], 'text.embed', { input: files(2048) }),
  ...rows(['omni-moderation-*'], 'text.moderate', { input: files(100) }),
];
