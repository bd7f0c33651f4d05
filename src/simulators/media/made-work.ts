/**
 * What a model that is told by one JSON object makes, judged by its name: files of the size and length that its input asks for, each
 * seen to be simulated.
 *
 * @module
 */
import type { MadeFile } from '../core/job-board.ts';
import { numberOf, stringOf, type JsonObject } from '../core/json.ts';
import type { SimulatedMedia } from '../core/reply.ts';
import { simulatedMp4 } from './mp4.ts';
import { simulatedPng } from './png.ts';
import { speechMs, tonePcm, wavOf } from './sound.ts';

/** What a model makes. */
export type WorkKind = 'picture' | 'clip' | 'speech' | 'voice' | 'transcript';

/** Files, what of them is billed, and what comes beside files. */
export interface MadeWork {
  readonly operation: string;
  readonly files: readonly (() => MadeFile)[];
  readonly media: SimulatedMedia;
  readonly result: Readonly<Record<string, unknown>> | null;
}

const CLIPS =
  /text-to-video|image-to-video|video-extend|video-face-swap|mocha|infinitetalk|avatar|flashvsr|video-background|foley|think-sound|veo|kling-video|seedance-1/;

/** What a model of that name makes. */
export function workKindOf(model: string): WorkKind {
  if (CLIPS.test(model)) return 'clip';
  if (/voice-clone/.test(model)) return 'voice';
  if (/speech|tts/.test(model)) return 'speech';
  return /whisper|wizper/.test(model) ? 'transcript' : 'picture';
}

/** Media type of what work of a kind makes, without making it. */
export function typeOfWork(operation: string): string {
  if (operation === 'clip') return 'video/mp4';
  return operation === 'picture' ? 'image/png' : 'audio/wav';
}

const HEIGHTS: Readonly<Record<string, number>> = { '480p': 480, '720p': 720, '1080p': 1080 };
const PICTURE = { width: 1024, height: 1024 };

/** Of `832*480`, `{width, height}`, a resolution, or a ratio. */
function sizeOf(input: JsonObject, kind: WorkKind): { width: number; height: number } {
  const given = input['size'] ?? input['image_size'];
  const match = /^(\d{2,5})[*x](\d{2,5})$/.exec(stringOf(given) ?? '');
  if (match !== null) return { width: Number(match[1]), height: Number(match[2]) };
  if (typeof given === 'object' && given !== null) {
    const width: unknown = Reflect.get(given, 'width');
    const height: unknown = Reflect.get(given, 'height');
    if (typeof width === 'number' && typeof height === 'number') return { width, height };
  }
  const [across = 16, down = 9] = (stringOf(input['aspect_ratio']) ?? '16:9')
    .split(':')
    .map(Number);
  if (kind === 'picture' && input['aspect_ratio'] === undefined) return PICTURE;
  const short = HEIGHTS[stringOf(input['resolution']) ?? ''] ?? (kind === 'clip' ? 720 : 768);
  const wide = Math.round((short * Math.max(across, down)) / Math.min(across, down));
  return across >= down ? { width: wide, height: short } : { width: short, height: wide };
}

/** Seconds of `5`, `"5"` and `"5s"`. */
function secondsOf(input: JsonObject): number {
  const { duration } = input;
  const text = typeof duration === 'string' ? duration.replace(/s$/, '') : duration;
  const seconds = Number(text ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 5;
}

/** The work of one call. */
export function madeWork(model: string, input: JsonObject, seed: string): MadeWork {
  const kind = workKindOf(model);
  const base = { operation: kind, result: null };
  switch (kind) {
    case 'clip': {
      const seconds = secondsOf(input);
      const clip = { ...sizeOf(input, kind), durationMs: seconds * 1000 };
      const make = (): MadeFile => ({ bytes: simulatedMp4(clip, seed), type: 'video/mp4' });
      return { ...base, files: [make], media: { clips: 1, videoSeconds: seconds } };
    }
    case 'speech':
    case 'voice': {
      const text = stringOf(input['text']) ?? 'Hello.';
      const make = (): MadeFile => ({
        bytes: wavOf(tonePcm(speechMs(text, numberOf(input['speed']) ?? 1), seed)),
        type: 'audio/wav',
      });
      const media: SimulatedMedia =
        kind === 'voice' ? { voiceClones: 1 } : { characters: Array.from(text).length };
      return { ...base, files: [make], media };
    }
    case 'transcript': {
      const text = 'Simulated transcript.';
      return { ...base, files: [], media: { audioSeconds: 1 }, result: { text } };
    }
    case 'picture': {
      const count = numberOf(input['num_images'] ?? input['num_outputs']) ?? 1;
      const size = sizeOf(input, kind);
      const files = Array.from({ length: count }, (_, at) => (): MadeFile => ({
        bytes: simulatedPng(size, `${seed}/${String(at)}`),
        type: 'image/png',
      }));
      return { ...base, files, media: { images: count } };
    }
  }
}

/** What an input lacks that models of that name cannot do without; null when nothing. */
export function missingOf(model: string, input: JsonObject): string | null {
  const has = (...names: readonly string[]): boolean => names.some((name) => name in input);
  if (/text-to-|flux\/|flux-schnell|ideogram/.test(model) && !has('prompt')) return 'prompt';
  if (/image-to-video/.test(model) && !has('image', 'image_url')) return 'image';
  if (/video-extend|video-face-swap|flashvsr|foley|think-sound/.test(model) && !has('video')) {
    return 'video';
  }
  if (/\/edit/.test(model) && !has('image', 'images', 'image_url', 'image_urls')) return 'image';
  if (/infinitetalk|avatar/.test(model) && !has('audio')) return 'audio';
  if (/speech-0|speech-2/.test(model) && !has('text')) return 'text';
  return null;
}
