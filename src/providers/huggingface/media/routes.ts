/**
 * Which sub-provider behind the router serves a media model, under which name, and what its wire looks like. Models keep
 * their suffix (`org/name:fal-ai`); without one, or with a policy in its place (`:fastest`), the first of the table serves.
 *
 * The names are those of the Hub's `inferenceProviderMapping`
 * (https://huggingface.co/docs/inference-providers/hub-api); for a model that is not listed here the
 * caller names it: `provider_options.huggingface.provider_id`.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { Operation } from '../../../contracts/metering.ts';

/** How a sub-provider is spoken to, behind `/{sub-provider}/…` of the router. */
export type Wire =
  /** One exchange: JSON or bytes in, bytes or JSON out. */
  | 'pipeline'
  /** fal's queue: submit, status, result. */
  | 'fal-queue'
  /** fal at once: for recordings. */
  | 'fal-sync'
  /** Replicate's predictions. */
  | 'predictions'
  /** WaveSpeed's tasks. */
  | 'tasks'
  /** OpenAI's media routes. */
  | 'openai';

type TaskWires = Readonly<Partial<Record<Operation, Wire>>>;

/** What each sub-provider does, and how. */
const WIRES: Readonly<Record<string, TaskWires>> = {
  'hf-inference': {
    'image.generate': 'pipeline',
    'image.edit': 'pipeline',
    'audio.speech': 'pipeline',
    'audio.transcribe': 'pipeline',
    'text.embed': 'pipeline',
  },
  'fal-ai': {
    'image.generate': 'fal-queue',
    'image.edit': 'fal-queue',
    'audio.speech': 'fal-queue',
    'audio.transcribe': 'fal-sync',
    'video.text_to_video': 'fal-queue',
    'video.image_to_video': 'fal-queue',
  },
  replicate: {
    'image.generate': 'predictions',
    'image.edit': 'predictions',
    'audio.speech': 'predictions',
    'video.text_to_video': 'predictions',
  },
  wavespeed: {
    'image.generate': 'tasks',
    'image.edit': 'tasks',
    'video.text_to_video': 'tasks',
    'video.image_to_video': 'tasks',
  },
  together: { 'image.generate': 'openai' },
  groq: { 'audio.transcribe': 'openai', 'audio.translate': 'openai' },
};

/** Model → sub-providers in order of preference → the model's name there. */
const NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'black-forest-labs/FLUX.1-schnell': {
    'fal-ai': 'fal-ai/flux/schnell',
    replicate: 'black-forest-labs/flux-schnell',
    together: 'black-forest-labs/FLUX.1-schnell',
  },
  'black-forest-labs/FLUX.1-dev': {
    'fal-ai': 'fal-ai/flux/dev',
    replicate: 'black-forest-labs/flux-dev',
    together: 'black-forest-labs/FLUX.1-dev',
  },
  'black-forest-labs/FLUX.1-Krea-dev': {
    'fal-ai': 'fal-ai/flux/krea',
    replicate: 'black-forest-labs/flux-krea-dev',
    wavespeed: 'wavespeed-ai/flux-1-krea-dev',
  },
  'black-forest-labs/FLUX.1-Kontext-dev': {
    'fal-ai': 'fal-ai/flux-kontext/dev',
    replicate: 'black-forest-labs/flux-kontext-dev',
    wavespeed: 'wavespeed-ai/flux-kontext-dev',
  },
  'Qwen/Qwen-Image': {
    'fal-ai': 'fal-ai/qwen-image',
    replicate: 'qwen/qwen-image',
    wavespeed: 'wavespeed-ai/qwen-image/text-to-image',
  },
  'Qwen/Qwen-Image-Edit': {
    'fal-ai': 'fal-ai/qwen-image-edit',
    wavespeed: 'wavespeed-ai/qwen-image/edit',
  },
  'tencent/HunyuanVideo': { 'fal-ai': 'fal-ai/hunyuan-video' },
  'Wan-AI/Wan2.2-T2V-A14B': {
    'fal-ai': 'fal-ai/wan/v2.2-a14b/text-to-video',
    wavespeed: 'wavespeed-ai/wan-2.2/t2v-480p',
  },
  'Wan-AI/Wan2.2-I2V-A14B': {
    'fal-ai': 'fal-ai/wan/v2.2-a14b/image-to-video',
    wavespeed: 'wavespeed-ai/wan-2.2/i2v-480p',
  },
  'Lightricks/LTX-Video-0.9.8-13B-distilled': { 'fal-ai': 'fal-ai/ltxv-13b-098-distilled' },
  'hexgrad/Kokoro-82M': { 'fal-ai': 'fal-ai/kokoro/american-english' },
  'ResembleAI/chatterbox': { 'fal-ai': 'fal-ai/chatterbox/text-to-speech' },
  'openai/whisper-large-v3': {
    groq: 'whisper-large-v3',
    'fal-ai': 'fal-ai/whisper',
    'hf-inference': 'openai/whisper-large-v3',
  },
  'openai/whisper-large-v3-turbo': {
    groq: 'whisper-large-v3-turbo',
    'hf-inference': 'openai/whisper-large-v3-turbo',
  },
};

const POLICIES: ReadonlySet<string> = new Set(['fastest', 'cheapest', 'preferred']);
/** Serves models of the Hub by their own names. */
const BY_OWN_NAME = 'hf-inference';
/** Segments of letters, none of which are dots alone. */
const NAME = /^(?!\.+(?:\/|$))[\w.-]+(?:\/(?!\.+(?:\/|$))[\w.-]+){0,4}$/;

/** Where a call goes. */
export interface Route {
  readonly subProvider: string;
  readonly wire: Wire;
  /** The model's name there. */
  readonly name: string;
}

function split(model: string): { readonly base: string; readonly suffix: string | null } {
  const at = model.lastIndexOf(':');
  const suffix = at < 0 ? null : model.slice(at + 1);
  const base = at < 0 ? model : model.slice(0, at);
  return { base, suffix: suffix === null || POLICIES.has(suffix) ? null : suffix };
}

function refused(message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param: 'model' });
}

function candidatesOf(model: string, named: string | null): readonly (readonly [string, string])[] {
  const { base, suffix } = split(model);
  const known = NAMES[base] ?? {};
  if (suffix === null) {
    const entries = Object.entries(known);
    return entries.length > 0 ? entries : [[BY_OWN_NAME, base]];
  }
  const name = named ?? known[suffix] ?? (suffix === BY_OWN_NAME ? base : null);
  return name === null ? [] : [[suffix, name]];
}

/** Where a call goes, or null where nobody is known to serve it. `named`: the model's name there, where the caller says it. */
export function findRoute(model: string, operation: Operation, named: string | null): Route | null {
  for (const [subProvider, name] of candidatesOf(model, named)) {
    const wire = WIRES[subProvider]?.[operation];
    if (wire !== undefined && NAME.test(name)) return { subProvider, wire, name };
  }
  return null;
}

/** Where a call goes. @throws GatewayError `invalid_request` naming the model */
export function routeOf(model: string, operation: Operation, named: string | null): Route {
  const route = findRoute(model, operation, named);
  if (route !== null) return route;
  const { suffix } = split(model);
  if (suffix !== null && WIRES[suffix]?.[operation] === undefined) {
    throw refused(
      `Behind the router nobody is known who does ${operation} as "${suffix.slice(0, 80)}".`,
    );
  }
  throw refused(
    `${model.slice(0, 200)} is not known for ${operation}. Name it as its sub-provider does: provider_options.huggingface.provider_id.`,
  );
}
