/**
 * Options and replies that tests of media adapters are made of.
 *
 * @module
 */
import type { ImageEditOptions } from '../contracts/image-provider.ts';
import { isJobExchange, type JobExchange } from '../contracts/job-provider.ts';
import type { SentMedia } from '../contracts/media.ts';
import type { VideoOptions } from '../contracts/video-provider.ts';
import type { ProviderTarget, WireReply } from '../contracts/wire.ts';
import { PLAIN_EDIT, PLAIN_PICTURE } from './image-samples.contract.ts';

/** A picture as callers send it. */
export const PICTURE = { bytes: Buffer.from('png'), mediaType: 'image/png', fileName: 'a.png' };
/** The same as adapters get it. */
export const SENT: SentMedia = { type: 'bytes', ...PICTURE };
/** The same as a data URL. */
export const DATA_URL = `data:image/png;base64,${Buffer.from('png').toString('base64')}`;
/** A clip that lies elsewhere. */
export const ADDRESS: SentMedia = {
  type: 'url',
  url: 'https://media.example.com/clip.mp4',
  mediaType: 'video/mp4',
};

/** A picture of words, all else left to the provider. */
export const IMAGE = PLAIN_PICTURE;
/** A change by words. */
export const EDIT: ImageEditOptions = { ...PLAIN_EDIT, images: [PICTURE] };
/** A clip of words. */
export const CLIP: VideoOptions = {
  operation: 'video.text_to_video',
  prompt: 'waves',
  negativePrompt: null,
  image: null,
  lastImage: null,
  references: [],
  video: null,
  audio: null,
  seconds: null,
  size: null,
  resolution: null,
  aspectRatio: null,
  withAudio: null,
  targetIndex: null,
  targetGender: null,
  seed: null,
  extra: {},
};

/** Where a model is called. */
export function targetOf(model: string): ProviderTarget {
  return { model, baseUrl: 'https://provider.test', credential: 'key', settings: {} };
}

/** The submission that an exchange must be. */
export function job(exchange: object | undefined): JobExchange {
  if (exchange === undefined || !isJobExchange(exchange)) throw new Error('no submission');
  return exchange;
}

/** Members of its JSON body. */
export function bodyOf({ request }: JobExchange): Readonly<Record<string, unknown>> {
  return JSON.parse(request.body?.toString('utf8') ?? '{}') as Record<string, unknown>;
}

/** A reply with a JSON body. */
export function replyOf(body: unknown, status = 200, headers = {}): WireReply {
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}
