/**
 * Clips of Veo: `:predictLongRunning`, the operation, the download
 * (https://ai.google.dev/gemini-api/docs/video; recorded from end to end with veo-3.1-lite-generate-preview). No usage is
 * reported; seconds by resolution are billed. What a filter withheld is not. It cannot be cancelled or listed.
 *
 * @module
 */
import type {
  JobExchange,
  JobProtocol,
  JobReading,
  JobStart,
  MediaOutput,
  ProviderTicket,
} from '../../../contracts/job-provider.ts';
import type { SentMedia } from '../../../contracts/media.ts';
import { providerFailure } from '../../../contracts/provider-failure.ts';
import type { VideoOptions, VideoProvider } from '../../../contracts/video-provider.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { askedOfVideo, ESSENTIAL_OF_VIDEOS, type AskedOptions } from '../../asked-options.ts';
import { checkMediaOptions } from '../../media-options.ts';
import { failureOfError } from '../errors.ts';
import { requestHeaders } from '../headers.ts';
import {
  asList,
  asRecord,
  asRecords,
  asText,
  parseJsonOrUndefined,
  type JsonRecord,
} from '../json.ts';
import { VERSION_SEGMENT } from '../model.ts';
import { WarningList } from '../warnings.ts';
import { failed, methodRequest, refused } from './exchange.ts';
import { VIDEO_OPERATIONS, videoModel, videoSize } from './models.ts';

const MS = 1000;
const DEFAULT_SECONDS = 8;
const DEFAULT_RESOLUTION = '720p';

/** Pixels are asked for as shape and class; a sound is always there, so that it is not asked for. */
function askedOf(options: VideoOptions): AskedOptions {
  const asked = askedOfVideo(options);
  const size = options.size === null ? null : videoSize(options.size);
  return {
    ...asked,
    resolution: asked['resolution'] ?? size?.resolution ?? null,
    aspect_ratio: asked['aspect_ratio'] ?? size?.aspectRatio ?? null,
    with_audio: options.withAudio === false ? false : null,
  };
}

function blobOf(file: SentMedia, param: string): JsonRecord {
  if (file.type === 'url') {
    throw refused(param, `Veo takes ${param} in bytes: send a data URL or an asset.`);
  }
  return { bytesBase64Encoded: file.bytes.toString('base64'), mimeType: file.mediaType };
}

function instanceOf(options: VideoOptions): JsonRecord {
  const { prompt, image, lastImage, references } = options;
  if (lastImage !== null && image === null) {
    throw refused('last_image', 'A last picture needs a first: send image as well.');
  }
  return {
    ...(prompt === null ? {} : { prompt }),
    ...(image === null ? {} : { image: blobOf(image, 'image') }),
    ...(lastImage === null ? {} : { lastFrame: blobOf(lastImage, 'last_image') }),
    ...(references.length === 0
      ? {}
      : {
          referenceImages: references.map((one) => ({
            image: blobOf(one, 'references'),
            referenceType: 'asset',
          })),
        }),
  };
}

/** What a hold was computed from, in any spelling that the API takes. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'samplecount',
  'durationseconds',
  'resolution',
]);

/** The caller's own parameters, but for those; each of them is named. */
function furtherParameters(extra: JsonRecord, warnings: WarningList): JsonRecord {
  const entries = Object.entries(extra).filter(([name]) => {
    const isOwn = OWN_PARAMETERS.has(name.replaceAll('_', '').toLowerCase());
    if (isOwn)
      warnings.dropped(`providerOptions.${name}`, 'set by the gateway from the request itself');
    return !isOwn;
  });
  return Object.fromEntries(entries);
}

/** Higher resolutions and reference pictures are made at the full length alone. */
function assertLength(seconds: number, resolution: string, references: number): void {
  if (seconds === DEFAULT_SECONDS) return;
  if (resolution === DEFAULT_RESOLUTION && references === 0) return;
  const what = references > 0 ? 'Clips from references' : `Clips in ${resolution}`;
  throw refused('seconds', `${what} are ${DEFAULT_SECONDS} seconds long.`);
}

const RUNNING: JobReading = {
  type: 'pending',
  stage: 'running',
  progress: null,
  ticket: null,
  waitMs: null,
};

const OPERATION = /^(?:[A-Za-z]+\/[\w.-]+\/)?operations\/[\w-]+$/;

function objectOf(reply: WireReply): JsonRecord {
  const body = asRecord(parseJsonOrUndefined(reply.body.toString('utf8')));
  if (body !== null) return body;
  throw failed('malformed_reply', 'Gemini answered with something that is not a JSON object.');
}

function withheld(reasons: readonly unknown[]): JobReading {
  const said = reasons.flatMap((reason) => asText(reason) ?? []).join(' ');
  const message = `Gemini withheld the clip${said === '' ? '.' : `: ${said.slice(0, 500)}`}`;
  const failure = providerFailure({ kind: 'content_filtered', status: 200, message });
  return { type: 'failed', failure, isBilled: false };
}

function outputAt(url: string): MediaOutput {
  return { bytes: null, url, needsCredential: true, mediaType: 'video/mp4', isFlagged: null };
}

/** An operation without `done` is running (recorded). */
function readOperation(body: JsonRecord): JobReading {
  const { error } = body;
  if (error !== undefined && error !== null) {
    return { type: 'failed', failure: failureOfError(error, { status: 200 }), isBilled: false };
  }
  if (body['done'] !== true) return RUNNING;
  const response = asRecord(asRecord(body['response'])?.['generateVideoResponse']);
  const outputs = asRecords(response?.['generatedSamples']).flatMap((sample) => {
    const uri = asText(asRecord(sample['video'])?.['uri']);
    return uri !== null && URL.canParse(uri) ? [outputAt(uri)] : [];
  });
  if (outputs.length > 0) {
    return { type: 'succeeded', result: { outputs, transcript: null, facts: null } };
  }
  const reasons = asList(response?.['raiMediaFilteredReasons']);
  if (reasons.length > 0 || response?.['raiMediaFilteredCount'] !== undefined) {
    return withheld(reasons);
  }
  throw failed('malformed_reply', 'Gemini ended the work without a clip.');
}

function ticketOf(name: string | null): ProviderTicket {
  if (name === null || !OPERATION.test(name)) {
    throw failed('malformed_reply', 'Gemini accepted the work without a name.');
  }
  return { id: name, paths: { poll: `${VERSION_SEGMENT}/${name}` } };
}

function readStart(reply: WireReply): JobStart {
  const body = objectOf(reply);
  const reading = 'error' in body ? readOperation(body) : RUNNING;
  if (reading.type === 'failed') return reading;
  const ticket = ticketOf(asText(body['name']));
  return { type: 'accepted', ticket, reading: readOperation(body) };
}

/** Clips from words and pictures. */
export const geminiVideo: VideoProvider = {
  has: (operation, model) =>
    (VIDEO_OPERATIONS as readonly string[]).includes(operation) && model.startsWith('veo-'),
  start(options: VideoOptions, target: ProviderTarget): JobExchange {
    const table = videoModel(target.model, options.operation);
    const { values, warnings } = checkMediaOptions(table, askedOf(options), ESSENTIAL_OF_VIDEOS);
    const seconds = Number(values['seconds'] ?? DEFAULT_SECONDS);
    const resolution = String(values['resolution'] ?? DEFAULT_RESOLUTION);
    assertLength(seconds, resolution, options.references.length);
    const named = {
      durationSeconds: values['seconds'],
      resolution: values['resolution'],
      aspectRatio: values['aspect_ratio'],
      negativePrompt: values['negative_prompt'],
      seed: values['seed'],
    };
    const given = Object.entries(named).filter(([, value]) => value !== undefined);
    const ownWarnings = new WarningList();
    const body = {
      instances: [instanceOf(options)],
      parameters: {
        ...furtherParameters(options.extra, ownWarnings),
        ...Object.fromEntries(given),
      },
    };
    return {
      request: methodRequest(target, { method: 'predictLongRunning', body }),
      warnings: [...warnings, ...ownWarnings.all],
      facts: {
        usage: { video_clips: 1, video_ms: seconds * MS },
        modelServed: null,
        dimensions: { resolution, seconds: String(seconds) },
      },
      readStart,
    };
  },
};

function pathAfter(baseUrl: string, url: string): string {
  const { pathname, search } = new URL(url);
  const base = new URL(baseUrl).pathname.replace(/\/$/, '');
  return `${pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname}${search}`;
}

/** How operations are followed: every few seconds (recorded: a clip of four seconds took 27). */
export const geminiJobs: JobProtocol = {
  pollEveryMs: { min: 2000, usual: 5000 },
  poll: ({ paths }, target) => ({
    method: 'GET',
    path: paths['poll'] ?? '',
    headers: requestHeaders(target, false),
    body: null,
  }),
  readPoll: (_ticket, reply) => readOperation(objectOf(reply)),
  fetch: (url, target) => ({
    method: 'GET',
    path: pathAfter(target.baseUrl, url),
    headers: { ...requestHeaders(target, false), accept: '*/*' },
    body: null,
  }),
};
