/**
 * The endpoints below `/v2beta/stable-image`, by the names under which the gateway sells them, and what each takes.
 * Everything else in this folder reads these tables.
 *
 * Source: https://platform.stability.ai/docs/api-reference (OpenAPI document of 2026-09-22, read in third-party copies; no recorded
 * traffic). Its server takes `sd3.5-flash`, which the document leaves out.
 *
 * @module
 */
import type { ImageEditMode } from '../../contracts/image-provider.ts';
import type { MediaModel, OptionRule } from '../../contracts/media-model.ts';

const SOURCE = 'https://platform.stability.ai/docs/api-reference';

/** An endpoint, for one operation. */
export interface Endpoint extends MediaModel {
  /** Below `/v2beta/stable-image`. */
  readonly path: string;
  /** Names of the pictures in the form, in the order in which they are given. */
  readonly files: readonly string[];
  /** Ways of editing that it is; the first is its own. */
  readonly modes: readonly ImageEditMode[];
  /** Names of options in the form, where they differ from {@link FIELD_NAMES}. */
  readonly fields: Readonly<Record<string, string>>;
  /** Options whose scale runs the other way: 1 is 0 on the wire. */
  readonly inverted: ReadonlySet<string>;
  /** Members that it always has. */
  readonly members: Readonly<Record<string, string>>;
  /** Options that it cannot do without. */
  readonly required: readonly string[];
  /** Whether its reply is a promise, to be asked for. */
  readonly isJob: boolean;
}

/** Names of options in the form, by the gateway's own. `size` is sent as the ratio of its sides. */
export const FIELD_NAMES: Readonly<Record<string, string>> = {
  prompt: 'prompt',
  negative_prompt: 'negative_prompt',
  size: 'aspect_ratio',
  style: 'style_preset',
  output_format: 'output_format',
  guidance_scale: 'cfg_scale',
  seed: 'seed',
  strength: 'strength',
  search: 'search_prompt',
};

const WORDS: OptionRule = { type: 'text', maxChars: 10_000 };
const ZERO_TO_ONE: OptionRule = { type: 'range', min: 0, max: 1 };
const FORMATS: OptionRule = { type: 'one_of', values: ['png', 'jpeg', 'webp'] };
const SEED: OptionRule = { type: 'range', min: 0, max: 4_294_967_294, step: 1 };
const RATIOS: OptionRule = {
  type: 'one_of',
  values: ['1:1', '16:9', '21:9', '2:3', '3:2', '4:5', '5:4', '9:16', '9:21'],
};
const STYLES: OptionRule = {
  type: 'one_of',
  values: [
    'enhance',
    'anime',
    'photographic',
    'digital-art',
    'comic-book',
    'fantasy-art',
    'line-art',
    'analog-film',
    'neon-punk',
    'isometric',
    'low-poly',
    'origami',
    'modeling-compound',
    'cinematic',
    '3d-model',
    'pixel-art',
    'tile-texture',
  ],
};
/** A whole request is 10 MiB at most. */
const REQUEST_BYTES_MAX = 10 * 1024 * 1024;
const ONE_PICTURE: OptionRule = { type: 'files', max: 1, maxBytes: REQUEST_BYTES_MAX };

/** What all that makes a picture of words takes. */
const MADE = { prompt: WORDS, negative_prompt: WORDS, seed: SEED, output_format: FORMATS } as const;

function endpoint(
  known: Pick<Endpoint, 'id' | 'operation' | 'path' | 'options'> & Partial<Endpoint>,
): Endpoint {
  return {
    source: SOURCE,
    files: [],
    modes: [],
    fields: {},
    inverted: new Set(),
    members: {},
    required: [],
    isJob: false,
    ...known,
  };
}

function edit(
  id: string,
  known: Pick<Endpoint, 'path' | 'options' | 'modes'> & Partial<Endpoint>,
): Endpoint {
  return endpoint({
    id,
    operation: 'image.edit',
    files: ['image'],
    ...known,
    options: { image: ONE_PICTURE, ...known.options },
  });
}

const SD3_MODELS = ['sd3.5-large', 'sd3.5-large-turbo', 'sd3.5-medium', 'sd3.5-flash'] as const;
const SD3_OPTIONS = {
  ...MADE,
  style: STYLES,
  guidance_scale: { type: 'range', min: 1, max: 10 },
} as const;

const GENERATION: readonly Endpoint[] = [
  endpoint({
    id: 'ultra',
    operation: 'image.generate',
    path: '/generate/ultra',
    options: { ...MADE, size: RATIOS, style: STYLES },
    required: ['prompt'],
  }),
  endpoint({
    id: 'core',
    operation: 'image.generate',
    path: '/generate/core',
    options: { ...MADE, size: RATIOS, style: STYLES },
    required: ['prompt'],
  }),
  ...SD3_MODELS.map((id) =>
    endpoint({
      id,
      operation: 'image.generate',
      path: '/generate/sd3',
      options: { ...SD3_OPTIONS, size: RATIOS },
      members: { model: id },
      required: ['prompt'],
    }),
  ),
];

/** A picture and words make a new one; the endpoint is that of generation. */
const INSTRUCTION: readonly Endpoint[] = [
  edit('ultra', {
    path: '/generate/ultra',
    modes: ['instruct'],
    options: { ...MADE, size: RATIOS, style: STYLES, strength: ZERO_TO_ONE },
    required: ['prompt', 'strength'],
  }),
  ...SD3_MODELS.map((id) =>
    edit(id, {
      path: '/generate/sd3',
      modes: ['instruct'],
      // The picture decides the ratio.
      options: { ...SD3_OPTIONS, strength: ZERO_TO_ONE },
      members: { model: id, mode: 'image-to-image' },
      required: ['prompt', 'strength'],
    }),
  ),
];

const EDITS: readonly Endpoint[] = [
  edit('erase', {
    path: '/edit/erase',
    modes: ['erase'],
    options: { mask: ONE_PICTURE, seed: SEED, output_format: FORMATS },
  }),
  edit('inpaint', {
    path: '/edit/inpaint',
    modes: ['inpaint'],
    options: { ...MADE, mask: ONE_PICTURE, style: STYLES },
    required: ['prompt'],
  }),
  edit('outpaint', {
    path: '/edit/outpaint',
    modes: ['outpaint'],
    options: {
      prompt: WORDS,
      seed: SEED,
      output_format: FORMATS,
      style: STYLES,
      strength: ZERO_TO_ONE,
      expand: { type: 'range', min: 0, max: 2000, step: 1 },
    },
    fields: { strength: 'creativity' },
    required: ['expand'],
  }),
  edit('search-and-replace', {
    path: '/edit/search-and-replace',
    modes: ['search_and_replace'],
    options: { ...MADE, search: WORDS, style: STYLES },
    required: ['prompt', 'search'],
  }),
  edit('search-and-recolor', {
    path: '/edit/search-and-recolor',
    modes: ['search_and_recolor'],
    options: { ...MADE, search: WORDS, style: STYLES },
    fields: { search: 'select_prompt' },
    required: ['prompt', 'search'],
  }),
  edit('replace-background-and-relight', {
    path: '/edit/replace-background-and-relight',
    modes: ['relight'],
    // The second picture shows the background, the third the light.
    files: ['subject_image', 'background_reference', 'light_reference'],
    options: { ...MADE, image: { type: 'files', max: 3, maxBytes: REQUEST_BYTES_MAX } },
    fields: { prompt: 'background_prompt' },
    isJob: true,
  }),
];

const CONTROL: readonly Endpoint[] = [
  ...(['sketch', 'structure'] as const).map((id) =>
    edit(id, {
      path: `/control/${id}`,
      modes: [`control_${id}`],
      options: { ...MADE, style: STYLES, strength: ZERO_TO_ONE },
      fields: { strength: 'control_strength' },
      inverted: new Set(['strength']),
      required: ['prompt'],
    }),
  ),
  edit('style', {
    path: '/control/style',
    modes: ['control_style'],
    options: { ...MADE, size: RATIOS, style: STYLES, strength: ZERO_TO_ONE },
    fields: { strength: 'fidelity' },
    inverted: new Set(['strength']),
    required: ['prompt'],
  }),
  edit('style-transfer', {
    path: '/control/style-transfer',
    modes: ['control_style'],
    // The first is changed, the second shows the style.
    files: ['init_image', 'style_image'],
    options: {
      ...MADE,
      image: { type: 'files', max: 2, maxBytes: REQUEST_BYTES_MAX },
      strength: { type: 'range', min: 0.1, max: 1 },
    },
    fields: { strength: 'change_strength' },
  }),
];

function upscale(id: string, known: Pick<Endpoint, 'options'> & Partial<Endpoint>): Endpoint {
  return endpoint({
    id: `upscale-${id}`,
    operation: 'image.upscale',
    path: `/upscale/${id}`,
    files: ['image'],
    ...known,
    options: {
      image: ONE_PICTURE,
      output_format: FORMATS,
      mode: { type: 'one_of', values: [id] },
      ...known.options,
    },
  });
}

const UPSCALES: readonly Endpoint[] = [
  upscale('fast', { options: { scale: { type: 'one_of', values: [4] } } }),
  upscale('conservative', { options: { prompt: WORDS }, required: ['prompt'] }),
  upscale('creative', { options: { prompt: WORDS }, required: ['prompt'], isJob: true }),
];

const BACKGROUND_REMOVAL: readonly Endpoint[] = [
  endpoint({
    id: 'remove-background',
    operation: 'image.remove_background',
    path: '/edit/remove-background',
    files: ['image'],
    options: { image: ONE_PICTURE, output_format: { type: 'one_of', values: ['png', 'webp'] } },
  }),
];

/** Every endpoint, for every operation that it serves. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...GENERATION,
  ...INSTRUCTION,
  ...EDITS,
  ...CONTROL,
  ...UPSCALES,
  ...BACKGROUND_REMOVAL,
];

/** Other names that people use, most of them in Stability's own texts. */
const CANONICAL: Readonly<Record<string, string>> = {
  'stable-image-ultra': 'ultra',
  'stable-image-core': 'core',
  'sd3-large': 'sd3.5-large',
  'sd3-large-turbo': 'sd3.5-large-turbo',
  'sd3-medium': 'sd3.5-medium',
  fast: 'upscale-fast',
  conservative: 'upscale-conservative',
  creative: 'upscale-creative',
};

/** The name under which {@link ENDPOINTS} has a model. */
export function canonicalName(model: string): string {
  const name = model.replace(/^upscale\//, 'upscale-');
  return CANONICAL[name] ?? name;
}
