/**
 * What clients of the loop of kills ask for: work of every provider that follows it, waited for and not. A job is known by its
 * mark, which its prompt holds for the provider and its tags for the gateway.
 *
 * @module
 */
import type { SeededRandom } from '../../src/simulators/core/random.ts';
import type { FaultRule } from '../../src/simulators/index.ts';

/** One kind of work. */
export interface JobKind {
  readonly family: 'sim' | 'wavespeed' | 'fal' | 'replicate';
  readonly path: '/v1/videos' | '/v1/images/generations';
  /** Whether the client waits for the end. */
  readonly waits: boolean;
  readonly body: Readonly<Record<string, unknown>>;
  /** Submissions that it takes; default: one. */
  readonly parts?: number;
  /** What one submission costs by the price book, in nano-USD. */
  readonly nanoUsd: bigint;
}

/** Families with a list in which a submission is found again whose reply was lost; of others it is in doubt. */
export const LISTING_FAMILIES: ReadonlySet<string> = new Set(['sim', 'wavespeed', 'replicate']);

const PICTURE = { path: '/v1/images/generations', waits: true } as const;
const CLIP = { path: '/v1/videos', waits: false } as const;

const asJob = { provider_options: { sim: { as_job: true } } };

/** Every kind; those that wait and those that do not take turns. */
export const JOB_KINDS: readonly [JobKind, ...JobKind[]] = [
  {
    ...CLIP,
    family: 'sim',
    body: { model: 'sim/video', seconds: 4, size: '1280x720', with_audio: false },
    nanoUsd: 8_000_000n,
  },
  {
    ...PICTURE,
    family: 'sim',
    body: { model: 'sim/image', size: '256x256', ...asJob },
    nanoUsd: 1_000_000n,
  },
  {
    ...CLIP,
    family: 'wavespeed',
    body: { model: 'wavespeed/alibaba/wan-2.5/text-to-video', seconds: 5, resolution: '720p' },
    nanoUsd: 500_000_000n,
  },
  {
    ...PICTURE,
    family: 'wavespeed',
    body: { model: 'wavespeed/wavespeed-ai/qwen-image/text-to-image', size: '512x512' },
    nanoUsd: 30_000_000n,
  },
  {
    ...PICTURE,
    family: 'wavespeed',
    parts: 2,
    body: {
      model: 'wavespeed/wavespeed-ai/qwen-image/text-to-image',
      size: '512x512',
      n: 2,
      // Parts without seeds are told the same, so that a lost one is not to be told from the other.
      seed: 7,
    },
    nanoUsd: 30_000_000n,
  },
  {
    ...PICTURE,
    family: 'fal',
    waits: false,
    body: { model: 'fal/fal-ai/flux/schnell', size: '512x512', background: true },
    nanoUsd: 3_000_000n,
  },
  {
    ...PICTURE,
    family: 'fal',
    body: { model: 'fal/fal-ai/flux/schnell', size: '512x512', n: 2 },
    nanoUsd: 6_000_000n,
  },
  {
    ...PICTURE,
    family: 'replicate',
    waits: false,
    body: { model: 'replicate/black-forest-labs/flux-schnell', n: 2, background: true },
    nanoUsd: 6_000_000n,
  },
  {
    ...PICTURE,
    family: 'replicate',
    body: { model: 'replicate/black-forest-labs/flux-schnell', size: '512x512' },
    nanoUsd: 3_000_000n,
  },
];

/** Words that have simulated work take its time, fail, or say a state never heard of. */
export function promptOf(mark: string, kind: JobKind, random: SeededRandom): string {
  const words = `mark=${mark} sim:takes=${random.integer(20, 6000)}`;
  const chance = random.next();
  if (chance < 0.1) return `${words} sim:fail`;
  // The others do not say that they bill what has failed.
  if (chance < 0.15 && kind.family === 'sim') return `${words} sim:fail-billed`;
  if (chance < 0.2) return `${words} sim:state=odd`;
  return words;
}

/** The mark in a prompt. */
export function markIn(prompt: string): string {
  return /\bmark=([\w-]+)/.exec(prompt)?.[1] ?? '';
}

/** Replies that are lost on the way back and on the way there, by turns, of submissions to one path. */
function lost(family: JobKind['family'], path: string): FaultRule {
  const sequence = ['reset-in-headers', 'reset-before-headers'] as const;
  return { match: { family, path }, sequence, percent: 10, repeat: true };
}

/** Lost submissions, and providers that fail when they are asked. */
export const JOB_FAULTS: readonly FaultRule[] = [
  lost('sim', '/v1/jobs'),
  lost('wavespeed', '/api/v3/*/text-to-*'),
  lost('fal', '/fal-ai/flux/schnell'),
  lost('replicate', '/v1/models/*'),
  { match: { family: 'sim', path: '/v1/jobs/*' }, sequence: ['500'], percent: 10 },
  { match: { family: 'wavespeed', path: '/api/v3/predictions/*' }, sequence: ['502'], percent: 10 },
  { match: { family: 'fal', path: '/fal-ai/*/requests/*' }, sequence: ['503'], percent: 10 },
  { match: { family: 'replicate', path: '/v1/predictions/*' }, sequence: ['500'], percent: 10 },
  { match: { path: '*/files/*' }, sequence: ['503'], percent: 10 },
];

/** What points the gateway at the simulated providers. */
export function jobEnvironment(simulatorUrl: string): Readonly<Record<string, string>> {
  return {
    SIM_BASE_URL: `${simulatorUrl}/sim`,
    WAVESPEED_API_KEY: 'chaos',
    WAVESPEED_BASE_URL: `${simulatorUrl}/wavespeed`,
    FAL_KEY: 'chaos',
    FAL_BASE_URL: `${simulatorUrl}/fal`,
    REPLICATE_API_TOKEN: 'chaos',
    REPLICATE_BASE_URL: `${simulatorUrl}/replicate`,
  };
}

/** Secrets with which the simulated providers sign what they tell of their work. */
export const JOB_SECRETS = {
  sim: { settings: { webhookSecret: 'sim-webhook-secret' } },
  wavespeed: { settings: { webhookSecret: 'wavespeed-secret' } },
  replicate: { settings: { webhookSecret: 'cmVwbGljYXRlLXNlY3JldA==' } },
};
