/**
 * `POST /v1/videos` as a dialect of the pipeline: every operation that makes a clip. The reply is a job.
 *
 * @module
 */
import type { OperationSpec } from '../../../catalog/operation-spec.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { MediaInput, SentMedia } from '../../../contracts/media.ts';
import type { VideoOperation, VideoOptions } from '../../../contracts/video-provider.ts';
import { isOperationInScope } from '../../../gateway/caller.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { measureAudio } from '../../../media/audio-duration.ts';
import type { MediaKind } from '../../../media/media-type.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { MediaReceiver, readMediaBody, type MediaBody } from '../media-body.ts';
import { optionsFor } from '../provider-options.ts';
import { checked, present, unknownMembers } from '../request-fields.ts';
import { unstreamed } from '../unstreamed.ts';
import { VIDEO_MEDIA, VIDEO_OPERATIONS, videoSchema, type VideoRequest } from './schema.ts';
import { showVideo } from './show-video.ts';

/** Media of a request, by member. */
type Inputs = Pick<VideoOptions, 'image' | 'lastImage' | 'references' | 'video' | 'audio'>;

/** Members without which an operation has nothing to work on. */
const NEEDED: Readonly<Record<VideoOperation, readonly string[]>> = {
  'video.text_to_video': ['prompt'],
  'video.image_to_video': ['image'],
  'video.extend': ['video'],
  'video.talking_avatar': ['image', 'audio'],
  'video.face_swap': ['video', 'image'],
  'video.upscale': ['video'],
  'video.remove_background': ['video'],
  'video.add_sound': ['video'],
};

/** What decides the length where the request does not: the clip that is changed, or what is spoken. */
const LENGTH_OF: Partial<Record<VideoOperation, 'video' | 'audio'>> = {
  'video.talking_avatar': 'audio',
  'video.face_swap': 'video',
  'video.upscale': 'video',
  'video.remove_background': 'video',
  'video.add_sound': 'video',
};

function operationOf(request: VideoRequest, body: MediaBody): VideoOperation {
  const { operation } = request;
  if (operation !== null && operation !== undefined) return VIDEO_OPERATIONS[operation];
  return (body.media['image']?.length ?? 0) > 0 ? 'video.image_to_video' : 'video.text_to_video';
}

function assertComplete(operation: VideoOperation, request: VideoRequest, body: MediaBody): void {
  for (const member of NEEDED[operation]) {
    const isThere =
      member === 'prompt' ? (request.prompt ?? '') !== '' : (body.media[member]?.length ?? 0) > 0;
    if (!isThere) throw invalidRequest(member, `is missing: ${operation} needs it.`);
  }
}

function assertInScope(operation: VideoOperation, { caller }: RequestOrigin): void {
  if (isOperationInScope(caller.key, operation)) return;
  throw new GatewayError('forbidden', { message: `This key may not be used for ${operation}.` });
}

async function receiveInputs(body: MediaBody, receiver: MediaReceiver): Promise<Inputs> {
  const all = async (member: string, kind: MediaKind): Promise<SentMedia[]> => {
    const received = await receiver.receiveAll(body.media[member] ?? [], [kind]);
    return received.map(({ input }) => ({ type: 'bytes', ...input }));
  };
  const [image = null] = await all('image', 'image');
  const [lastImage = null] = await all('last_image', 'image');
  const references = await all('references', 'image');
  const [video = null] = await all('video', 'video');
  const [audio = null] = await all('audio', 'audio');
  return { image, lastImage, references, video, audio };
}

function bytesOf(media: SentMedia | null): MediaInput | null {
  return media?.type === 'bytes' ? media : null;
}

/** Whole seconds of the clip, as far as the request tells. @throws GatewayError for a file whose length cannot be read */
async function secondsOf(
  operation: VideoOperation,
  request: VideoRequest,
  inputs: Inputs,
): Promise<number | undefined> {
  const member = LENGTH_OF[operation];
  const file = member === undefined ? null : bytesOf(inputs[member]);
  if (member === undefined || file === null) return request.seconds ?? undefined;
  const lengthMs = await measureAudio(file.bytes, file.mediaType);
  if (lengthMs === null) {
    throw invalidRequest(
      member,
      `its length cannot be read from the ${file.mediaType} container, so its cost cannot be bounded.`,
    );
  }
  return Math.ceil(lengthMs / 1000);
}

function isOn(flag: VideoRequest['with_audio']): boolean | null {
  if (flag === null || flag === undefined) return null;
  return flag === true || flag === 'true';
}

function specOf(
  operation: VideoOperation,
  request: VideoRequest,
  seconds: number | undefined,
): OperationSpec {
  const { prompt, negative_prompt: negative, size, resolution } = request;
  return {
    operation,
    text: { inputBytes: Buffer.byteLength(prompt ?? '') + Buffer.byteLength(negative ?? '') },
    video: {
      n: 1,
      seconds,
      size: size ?? undefined,
      resolution: resolution ?? undefined,
      audio: isOn(request.with_audio) ?? undefined,
    },
  };
}

function optionsOf(
  operation: VideoOperation,
  request: VideoRequest,
  inputs: Inputs,
): Omit<VideoOptions, 'extra' | 'seconds'> {
  return {
    operation,
    ...inputs,
    prompt: request.prompt ?? null,
    negativePrompt: request.negative_prompt ?? null,
    size: request.size ?? null,
    resolution: request.resolution ?? null,
    aspectRatio: request.aspect_ratio ?? null,
    withAudio: isOn(request.with_audio),
    targetIndex: request.target_index ?? null,
    targetGender: request.target_gender ?? null,
    seed: request.seed ?? null,
  };
}

async function parseVideo(
  body: Buffer,
  context: ParseContext,
  origin: RequestOrigin,
): Promise<OperationCall> {
  const received = await readMediaBody(body, { context, origin }, VIDEO_MEDIA);
  const request = checked(videoSchema, received.members);
  const operation = operationOf(request, received);
  assertInScope(operation, origin);
  assertComplete(operation, request, received);
  const receiver = new MediaReceiver(context, origin, context.settings.maxImageBodyBytes);
  const inputs = await receiveInputs(received, receiver);
  const seconds = await secondsOf(operation, request, inputs);
  const options = optionsOf(operation, request, inputs);
  return {
    kind: 'operation',
    operation,
    work: 'media',
    model: request.model,
    stream: false,
    streamType: null,
    spec: specOf(operation, request, seconds),
    content: {
      texts: [request.prompt ?? '', request.negative_prompt ?? ''],
      images: [inputs.image, inputs.lastImage, ...inputs.references].flatMap(
        (media) => bytesOf(media) ?? [],
      ),
    },
    serviceTier: null,
    unknownParameters: unknownMembers(videoSchema, received.members),
    background: true,
    prepare(definition, target) {
      const extra = optionsFor(request.provider_options, definition.id);
      const all = { ...options, seconds: seconds ?? null, extra };
      return {
        submission: present(definition.video).start(all, target),
        answer: unstreamed,
      };
    },
  };
}

export const videosDialect: Dialect = {
  operation: null,
  bodies: 'json_or_form',
  maxBodyBytes: (settings) => settings.maxImageBodyBytes,
  parse: parseVideo,
  renderJob: (job, at) => ({ status: 200, body: showVideo(job, at) }),
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
