/**
 * Clips of the built-in simulator: each operation makes another one, and what it makes follows from what was sent.
 *
 * - from words: as large and long as was asked for
 * - from a picture, and a talking one: as large as the picture; the latter as long as its recording, with a sound
 * - longer: as large as the clip, and longer by what was asked for
 * - larger: twice the clip, or as high as the resolution that was asked for
 * - another face, without background, with a sound: as large and long as the clip; without background it is transparent
 *
 * What was done stands in the picture, below the word that says that it is simulated.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { numberOf, stringOf, type JsonObject } from '../core/json.ts';
import { clipFacts, type ClipFacts } from '../media/clip-facts.ts';
import type { ClipLooks } from '../media/mp4.ts';
import { pictureSize } from '../media/picture-size.ts';
import { soundSeconds } from '../media/sound.ts';

const HEIGHTS: Readonly<Record<string, number>> = {
  '480p': 480,
  '720p': 720,
  '1080p': 1080,
  '4k': 2160,
};
const SECONDS = 4;
const SIDE_MAX = 4096;

/** A clip to be made. */
export interface AskedClip {
  readonly clip: ClipFacts;
  readonly looks: ClipLooks;
  /** Different for every input. */
  readonly seed: string;
}

const CAPTIONS: Readonly<Record<string, string>> = {
  'video.image_to_video': 'FROM A PICTURE',
  'video.extend': 'EXTENDED',
  'video.talking_avatar': 'SPEAKING',
  'video.face_swap': 'FACE SWAPPED',
  'video.upscale': 'UPSCALED',
  'video.remove_background': 'NO BACKGROUND',
  'video.add_sound': 'WITH SOUND',
};

function bytesOf(body: JsonObject, member: string): Buffer | null {
  const encoded = /^data:[^,]*;base64,(.*)$/s.exec(stringOf(body[member]) ?? '')?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64');
}

/** Sides as formats of clips have them: even, and not beyond what is made here. */
function sides(width: number, height: number): { readonly width: number; readonly height: number } {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  const even = (side: number): number => Math.max(2, 2 * Math.round((side * scale) / 2));
  return { width: even(width), height: even(height) };
}

function sizeNamed(body: JsonObject): { readonly width: number; readonly height: number } | null {
  const match = /^(\d{2,5})x(\d{2,5})$/.exec(stringOf(body['size']) ?? '');
  return match === null ? null : { width: Number(match[1]), height: Number(match[2]) };
}

/** Size that was asked for, in pixels or by a resolution. */
export function sizeAsked(body: JsonObject): { readonly width: number; readonly height: number } {
  const named = sizeNamed(body);
  if (named !== null) return named;
  const height = HEIGHTS[stringOf(body['resolution']) ?? ''] ?? 720;
  return { width: Math.round((height * 16) / 9), height };
}

/** Twice as large, or as high as the resolution. */
function enlarged(clip: ClipFacts, body: JsonObject): ClipFacts {
  const asked = HEIGHTS[stringOf(body['resolution']) ?? ''];
  const scale = asked === undefined ? 2 : asked / Math.min(clip.width, clip.height);
  return { ...clip, ...sides(clip.width * scale, clip.height * scale) };
}

function clipOf(operation: string, body: JsonObject): ClipFacts {
  const askedMs = (numberOf(body['seconds']) ?? SECONDS) * 1000;
  const asked: ClipFacts = { ...sizeAsked(body), durationMs: askedMs };
  const image = bytesOf(body, 'image');
  const audio = bytesOf(body, 'audio');
  const video = bytesOf(body, 'video');
  const pictured = image === null ? null : pictureSize(image);
  const given = video === null ? null : clipFacts(video);
  const asPicture =
    pictured === null || sizeNamed(body) !== null
      ? asked
      : { ...asked, ...sides(pictured.width, pictured.height) };
  switch (operation) {
    case 'video.image_to_video':
      return asPicture;
    case 'video.talking_avatar':
      return audio === null
        ? asPicture
        : { ...asPicture, durationMs: Math.round(soundSeconds(audio) * 1000) };
    case 'video.extend':
      return given === null ? asked : { ...given, durationMs: given.durationMs + askedMs };
    case 'video.upscale':
      return enlarged(given ?? asked, body);
    case 'video.face_swap':
    case 'video.remove_background':
    case 'video.add_sound':
      return given ?? asked;
    default:
      return asked;
  }
}

const INPUTS = ['image', 'last_image', 'video', 'audio', 'references'] as const;
const SOUNDING: ReadonlySet<string> = new Set(['video.talking_avatar', 'video.add_sound']);

/** The clip of a call. */
export function askedClip(operation: string, body: JsonObject, seed: string): AskedClip {
  const inputs = hash('sha256', JSON.stringify(INPUTS.map((name) => body[name] ?? null)), 'hex');
  return {
    clip: clipOf(operation, body),
    looks: {
      caption: CAPTIONS[operation] ?? '',
      isTransparent: operation === 'video.remove_background',
      hasSound: SOUNDING.has(operation) || body['with_audio'] === true,
    },
    seed: `${seed}/${operation}/${inputs.slice(0, 16)}`,
  };
}
