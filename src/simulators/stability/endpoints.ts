/**
 * What each endpoint below `/v2beta/stable-image` takes, as the API reference lists it
 * (https://platform.stability.ai/docs/api-reference).
 *
 * @module
 */

/** Members of a form: what must be there, and ranges of numbers. */
export interface EndpointRules {
  /** File parts; the first must be there. */
  readonly files: readonly string[];
  /** Further file parts that must be there. */
  readonly neededFiles?: readonly string[];
  readonly needed: readonly string[];
  readonly ranges: Readonly<Record<string, readonly [number, number]>>;
  /** How many times as wide and as high the result is as the picture that was sent. */
  readonly scale: number;
  readonly isAsync: boolean;
}

const SEED = { seed: [0, 4_294_967_294] } as const;

function rules(known: Partial<EndpointRules>): EndpointRules {
  return {
    files: [],
    needed: [],
    scale: 1,
    isAsync: false,
    ...known,
    ranges: { ...SEED, ...known.ranges },
  };
}

const IMAGE = ['image'] as const;

export const ENDPOINT_RULES: Readonly<Record<string, EndpointRules>> = {
  'generate/ultra': rules({ needed: ['prompt'], ranges: { strength: [0, 1] } }),
  'generate/core': rules({ needed: ['prompt'] }),
  'generate/sd3': rules({ needed: ['prompt'], ranges: { strength: [0, 1], cfg_scale: [1, 10] } }),
  'edit/erase': rules({ files: IMAGE, ranges: { grow_mask: [0, 20] } }),
  'edit/inpaint': rules({ files: IMAGE, needed: ['prompt'], ranges: { grow_mask: [0, 100] } }),
  'edit/outpaint': rules({
    files: IMAGE,
    ranges: {
      left: [0, 2000],
      right: [0, 2000],
      up: [0, 2000],
      down: [0, 2000],
      creativity: [0, 1],
    },
  }),
  'edit/search-and-replace': rules({ files: IMAGE, needed: ['prompt', 'search_prompt'] }),
  'edit/search-and-recolor': rules({ files: IMAGE, needed: ['prompt', 'select_prompt'] }),
  'edit/remove-background': rules({ files: IMAGE }),
  'edit/replace-background-and-relight': rules({
    files: ['subject_image'],
    ranges: { preserve_original_subject: [0, 1], light_source_strength: [0, 1] },
    isAsync: true,
  }),
  'upscale/fast': rules({ files: IMAGE, scale: 4 }),
  'upscale/conservative': rules({
    files: IMAGE,
    needed: ['prompt'],
    ranges: { creativity: [0.2, 0.5] },
    scale: 4,
  }),
  'upscale/creative': rules({
    files: IMAGE,
    needed: ['prompt'],
    ranges: { creativity: [0.1, 0.5] },
    scale: 4,
    isAsync: true,
  }),
  'control/sketch': rules({
    files: IMAGE,
    needed: ['prompt'],
    ranges: { control_strength: [0, 1] },
  }),
  'control/structure': rules({
    files: IMAGE,
    needed: ['prompt'],
    ranges: { control_strength: [0, 1] },
  }),
  'control/style': rules({ files: IMAGE, needed: ['prompt'], ranges: { fidelity: [0, 1] } }),
  'control/style-transfer': rules({
    files: ['init_image'],
    neededFiles: ['style_image'],
    ranges: { style_strength: [0, 1], composition_fidelity: [0, 1], change_strength: [0.1, 1] },
  }),
};

/** Pixels of the picture for each ratio, about a megapixel. */
export const RATIO_SIZES: Readonly<Record<string, readonly [width: number, height: number]>> = {
  '1:1': [1024, 1024],
  '16:9': [1344, 768],
  '21:9': [1536, 640],
  '2:3': [832, 1216],
  '3:2': [1216, 832],
  '4:5': [896, 1088],
  '5:4': [1088, 896],
  '9:16': [768, 1344],
  '9:21': [640, 1536],
};

export const SD3_MODELS: ReadonlySet<string> = new Set([
  'sd3.5-large',
  'sd3.5-large-turbo',
  'sd3.5-medium',
  'sd3.5-flash',
]);
