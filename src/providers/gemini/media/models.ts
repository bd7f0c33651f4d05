/**
 * What Gemini's media models take.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { MediaModel, OptionRule } from '../../../contracts/media-model.ts';

/** What Gemini's own ids say of the model's kind. Other ids (tuned models, servers of this protocol) are the server's to judge. */
const KINDS = {
  pictures: /-(?:image|nano-banana)\b/,
  speech: /-tts\b/,
  embeddings: /-embedding\b/,
} as const;

/** @throws GatewayError `invalid_request` for a model that is of another kind */
export function assertKind(model: string, kind: keyof typeof KINDS | 'transcripts'): void {
  if (!model.startsWith('gemini-')) return;
  const fits =
    kind === 'transcripts'
      ? !Object.values(KINDS).some((pattern) => pattern.test(model))
      : KINDS[kind].test(model);
  if (fits) return;
  throw new GatewayError('invalid_request', {
    message: `${model} makes no ${kind}. GET /v1/models lists the models you may use.`,
    param: 'model',
  });
}

/** A family of picture models. */
export interface ImageFamily {
  /** Model ids, a trailing `*` for any rest. */
  readonly ids: readonly string[];
  readonly shapes: readonly string[];
  /** Classes of size, smallest first; empty: the model has one and takes no option. */
  readonly classes: readonly string[];
  readonly inputImages: number;
}

const SHAPES = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'] as const;
const LONG_SHAPES = [...SHAPES, '1:4', '4:1', '1:8', '8:1'] as const;

const IMAGE_FAMILIES: readonly ImageFamily[] = [
  { ids: ['gemini-2.5-flash-image*'], shapes: SHAPES, classes: [], inputImages: 3 },
  { ids: ['gemini-3-pro-image*'], shapes: SHAPES, classes: ['1K', '2K', '4K'], inputImages: 14 },
  {
    ids: ['gemini-3.1-flash-lite-image*'],
    shapes: LONG_SHAPES,
    classes: ['1K'],
    inputImages: 14,
  },
  {
    ids: ['gemini-3.1-flash-image*', 'gemini-nano-banana-*'],
    shapes: LONG_SHAPES,
    classes: ['512', '1K', '2K', '4K'],
    inputImages: 14,
  },
];

const IMAGE_SOURCE =
  'https://ai.google.dev/gemini-api/docs/image-generation; recorded: gemini-3.1-flash-lite-image without options, one edit of 2.0 without its request. Shapes, sizes and counts of pictures rest on the documentation.';
/** What an unknown picture model is taken for: the newest. */
const [FALLBACK] = IMAGE_FAMILIES.slice(-1);

function isOf(id: string, model: string): boolean {
  return id.endsWith('*') ? model.startsWith(id.slice(0, -1)) : model === id;
}

/** The family of a picture model. */
export function imageFamilyOf(model: string): ImageFamily {
  const found = IMAGE_FAMILIES.find(({ ids }) => ids.some((id) => isOf(id, model))) ?? FALLBACK;
  if (found === undefined) throw new Error('there is no family of picture models');
  return found;
}

const PROMPT: OptionRule = { type: 'text', maxChars: 32_000 };
const SEED: OptionRule = { type: 'range', min: -2_147_483_648, max: 2_147_483_647 };

/** What a picture model takes for either operation. */
export function imageModel(
  id: string,
  family: ImageFamily,
  operation: 'image.generate' | 'image.edit',
): MediaModel {
  return {
    id,
    operation,
    options: {
      prompt: PROMPT,
      n: { type: 'one_of', values: [1] },
      size: { type: 'text', maxChars: 11 },
      seed: SEED,
      ...(operation === 'image.edit'
        ? {
            image: { type: 'files', max: family.inputImages },
            mode: { type: 'one_of', values: ['instruct'] },
          }
        : {}),
    },
    source: IMAGE_SOURCE,
  };
}

const IMAGE_MODELS: readonly MediaModel[] = IMAGE_FAMILIES.flatMap((family) =>
  family.ids.flatMap((id) => [
    imageModel(id, family, 'image.generate'),
    imageModel(id, family, 'image.edit'),
  ]),
);

/** Models that are known to hear, as the price book has them. */
const HEARING = [
  'gemini-2.5-flash',
  'gemini-2.5-flash-lite',
  'gemini-2.5-pro',
  'gemini-3.1-flash-lite',
  'gemini-3.5-flash',
  'gemini-3.5-flash-lite',
  'gemini-3.6-flash',
  'gemini-3.7-flash',
  'gemini-3.8-flash',
] as const;

/** What a model that hears takes for either operation. */
export function transcriptionModel(
  id: string,
  operation: 'audio.transcribe' | 'audio.translate',
): MediaModel {
  return {
    id,
    operation,
    options: {
      file: { type: 'files', max: 1 },
      language: { type: 'text', maxChars: 40 },
      // What is held for input covers our own words and so many of the caller's.
      prompt: { type: 'text', maxChars: 800 },
      temperature: { type: 'range', min: 0, max: 2 },
      timestamp_granularities: { type: 'one_of', values: ['segment'] },
      speakers: { type: 'flag' },
    },
    source:
      'https://ai.google.dev/gemini-api/docs/audio; recorded: gemini-2.5-flash with plain text. Times and speakers rest on the documentation, and are what the model makes of them.',
  };
}

/** https://ai.google.dev/gemini-api/docs/speech-generation#voices */
export const GEMINI_VOICES = [
  'Zephyr',
  'Puck',
  'Charon',
  'Kore',
  'Fenrir',
  'Leda',
  'Orus',
  'Aoede',
  'Callirrhoe',
  'Autonoe',
  'Enceladus',
  'Iapetus',
  'Umbriel',
  'Algieba',
  'Despina',
  'Erinome',
  'Algenib',
  'Rasalgethi',
  'Laomedeia',
  'Achernar',
  'Alnilam',
  'Schedar',
  'Gacrux',
  'Pulcherrima',
  'Achird',
  'Zubenelgenubi',
  'Vindemiatrix',
  'Sadachbia',
  'Sadaltager',
  'Sulafat',
] as const;

/** The voice as Gemini spells it; what is none of its voices stays as it is. */
export function voiceNamed(name: string): string {
  const wanted = name.toLowerCase();
  return GEMINI_VOICES.find((voice) => voice.toLowerCase() === wanted) ?? name;
}

/** What a model that speaks takes. */
export function speechModel(id: string): MediaModel {
  return {
    id,
    operation: 'audio.speech',
    options: {
      input: { type: 'text', maxChars: 32_000 },
      voice: { type: 'one_of', values: GEMINI_VOICES },
      instructions: { type: 'text', maxChars: 4000 },
      response_format: { type: 'one_of', values: ['wav', 'pcm'] },
    },
    source:
      'https://ai.google.dev/gemini-api/docs/speech-generation; recorded: gemini-2.5-flash-preview-tts. Events and the choice of a form (3.8) rest on the official SDK’s types.',
  };
}

const SPEAKING = [
  'gemini-2.5-flash-preview-tts',
  'gemini-2.5-flash-tts',
  'gemini-2.5-flash-lite-preview-tts',
  'gemini-2.5-pro-preview-tts',
  'gemini-2.5-pro-tts',
  'gemini-3.8-flash-tts',
  'gemini-3.8-flash-lite-tts',
] as const;

/** Clips that Veo makes. Extending needs a clip that it made before and knows by name, which nobody here holds. */
export const VIDEO_OPERATIONS = ['video.text_to_video', 'video.image_to_video'] as const;

/** Sizes in pixels as shape and class. */
const VIDEO_SIZES: Readonly<
  Record<string, { readonly resolution: string; readonly aspectRatio: string }>
> = {
  '1280x720': { resolution: '720p', aspectRatio: '16:9' },
  '720x1280': { resolution: '720p', aspectRatio: '9:16' },
  '1920x1080': { resolution: '1080p', aspectRatio: '16:9' },
  '1080x1920': { resolution: '1080p', aspectRatio: '9:16' },
  '3840x2160': { resolution: '4k', aspectRatio: '16:9' },
  '2160x3840': { resolution: '4k', aspectRatio: '9:16' },
};

/** Shape and class of a size; null for any other. */
export function videoSize(
  size: string,
): { readonly resolution: string; readonly aspectRatio: string } | null {
  return VIDEO_SIZES[size] ?? null;
}

/** What a model of Veo takes. */
export function videoModel(id: string, operation: MediaModel['operation']): MediaModel {
  const isLite = id.includes('-lite');
  const resolutions = isLite ? ['720p', '1080p'] : ['720p', '1080p', '4k'];
  const sizes = Object.entries(VIDEO_SIZES).filter(([, size]) =>
    resolutions.includes(size.resolution),
  );
  return {
    id,
    operation,
    options: {
      prompt: { type: 'text', maxChars: 8000 },
      negative_prompt: { type: 'text', maxChars: 8000 },
      // A length in between would be billed longer than it was held for.
      seconds: { type: 'one_of', values: [4, 6, 8] },
      size: { type: 'one_of', values: sizes.map(([name]) => name) },
      resolution: { type: 'one_of', values: resolutions },
      aspect_ratio: { type: 'one_of', values: ['16:9', '9:16'] },
      seed: { type: 'range', min: 0, max: 4_294_967_295 },
      ...(operation === 'video.image_to_video'
        ? {
            image: { type: 'files', max: 1 },
            last_image: { type: 'files', max: 1 },
            ...(isLite ? {} : { references: { type: 'files' as const, max: 3 } }),
          }
        : {}),
    },
    source:
      'https://ai.google.dev/gemini-api/docs/video; recorded from end to end: veo-3.1-lite-generate-preview, 4 seconds from words. Pictures, sizes and filters rest on the documentation.',
  };
}

const FILMING = [
  'veo-3.1-generate-preview',
  'veo-3.1-fast-generate-preview',
  'veo-3.1-lite-generate-preview',
] as const;

/** Texts of one call. https://ai.google.dev/gemini-api/docs/embeddings */
export const EMBEDDED_MAX = 100;

/** What a model of vectors takes. */
function embeddingModel(id: string): MediaModel {
  return {
    id,
    operation: 'text.embed',
    options: {
      input: { type: 'files', max: EMBEDDED_MAX },
      dimensions: { type: 'range', min: 128, max: 3072 },
    },
    source: 'https://ai.google.dev/gemini-api/docs/embeddings; recorded: both models.',
  };
}

/** The table. */
export const GEMINI_MEDIA_MODELS: readonly MediaModel[] = [
  ...IMAGE_MODELS,
  ...HEARING.flatMap((id) => [
    transcriptionModel(id, 'audio.transcribe'),
    transcriptionModel(id, 'audio.translate'),
  ]),
  ...['gemini-embedding-001', 'gemini-embedding-2'].map(embeddingModel),
  ...SPEAKING.map(speechModel),
  ...FILMING.flatMap((id) => VIDEO_OPERATIONS.map((operation) => videoModel(id, operation))),
];
