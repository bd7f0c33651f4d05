/**
 * Work that sub-providers behind the router take and finish later: fal's queue, Replicate's predictions, WaveSpeed's tasks, as
 * the official client speaks them (https://github.com/huggingface/huggingface.js/tree/main/packages/inference/src/providers).
 * Recorded are states and a result of fal's queue, and one prediction.
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { BoardJob, MadeFile } from '../core/job-board.ts';
import { objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply, type SimulatedMedia } from '../core/reply.ts';
import { simulatedMp4 } from '../media/mp4.ts';
import { speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { drawn, sidesOf } from './pipelines.ts';

const CLIP = { width: 848, height: 480, durationMs: 5000 };

function jsonReply(call: SimulatedCall, status: number, value: object): BodyReply {
  const headers = { 'content-type': 'application/json', 'x-request-id': call.id };
  return { kind: 'body', status, headers, body: JSON.stringify(value), usage: null };
}

function notFound(call: SimulatedCall): BodyReply {
  return jsonReply(call, 404, { detail: 'Not found' });
}

/** What a model makes, by words in its name. */
function workOf(
  call: SimulatedCall,
  model: string,
  input: JsonObject,
): { readonly make: () => MadeFile; readonly media: SimulatedMedia } {
  const seed = `${call.seed}/${call.body.toString('latin1')}`;
  if (/video|t2v|i2v|ltx/i.test(model)) {
    const make = () => ({ bytes: simulatedMp4(CLIP, seed), type: 'video/mp4' });
    return { make, media: { clips: 1, videoSeconds: CLIP.durationMs / 1000 } };
  }
  if (/speech|tts|kokoro|chatterbox/i.test(model)) {
    const text = stringOf(input['text']) ?? '';
    const make = () => ({ bytes: wavOf(tonePcm(speechMs(text, 1), seed)), type: 'audio/wav' });
    return { make, media: { characters: Array.from(text).length } };
  }
  const [, width, height] = /^(\d+)\*(\d+)$/.exec(stringOf(input['size']) ?? '') ?? [];
  const size =
    width === undefined
      ? { ...input, ...objectOf(input['image_size']) }
      : { width: Number(width), height: Number(height) };
  const sides = sidesOf(size) ?? { width: 1024, height: 1024 };
  return { make: () => ({ bytes: drawn(call, sides), type: 'image/png' }), media: { images: 1 } };
}

function submitted(call: SimulatedCall, model: string, input: JsonObject): BoardJob {
  const { make, media } = workOf(call, model, input);
  return call.jobs.submit({
    family: 'huggingface',
    model,
    operation: 'media',
    prompt: stringOf(input['prompt']) ?? stringOf(input['text']) ?? '',
    reference: null,
    usage: { ...NO_USAGE, media },
    files: [make],
    result: null,
    webhook: null,
  });
}

function addressOf(call: SimulatedCall, job: BoardJob): string {
  return `http://${call.headers.host ?? 'localhost'}${call.prefix}/files/${job.id}/0`;
}

/** A job, or that there is none. */
function routeOfJob(
  call: SimulatedCall,
  id: string,
  show: (job: BoardJob) => BodyReply,
): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      return job === null ? notFound(call) : show(job);
    },
  };
}

const FAL_STATES = {
  queued: 'IN_QUEUE',
  running: 'IN_PROGRESS',
  succeeded: 'COMPLETED',
  // The failure stands beside it.
  failed: 'COMPLETED',
  cancelled: 'COMPLETED',
} as const;

function falStatus(app: string, job: BoardJob): object {
  const address = `https://queue.fal.run/${app}/requests/${job.id}`;
  return {
    status: job.oddState ?? FAL_STATES[job.state],
    request_id: job.id,
    response_url: address,
    status_url: `${address}/status`,
    cancel_url: `${address}/cancel`,
    logs: null,
    metrics: {},
    ...(job.state === 'failed'
      ? { error: 'The simulated work failed.', error_type: 'generation_failed' }
      : {}),
  };
}

function falResult(call: SimulatedCall, job: BoardJob): BodyReply {
  if (job.state !== 'succeeded') {
    const failure = { loc: ['body'], msg: 'The simulated work failed.', type: 'generation_failed' };
    return jsonReply(call, 422, { detail: [failure] });
  }
  const url = addressOf(call, job);
  const type = job.files[0]?.().type ?? '';
  if (type.startsWith('video/')) return jsonReply(call, 200, { video: { url } });
  if (type.startsWith('audio/')) return jsonReply(call, 200, { audio: { url } });
  return jsonReply(call, 200, {
    images: [{ url, content_type: type }],
    has_nsfw_concepts: [false],
    prompt: job.prompt,
  });
}

function falRoute(call: SimulatedCall, path: string): FamilyRoute | null {
  const asked = /^([\w.-]+\/[\w.-]+)\/requests\/([\w-]+)(\/status)?$/.exec(path);
  if (asked !== null && call.method === 'GET') {
    const [, app = '', id = '', isStatus] = asked;
    return routeOfJob(call, id, (job) =>
      isStatus === undefined ? falResult(call, job) : jsonReply(call, 200, falStatus(app, job)),
    );
  }
  if (call.method !== 'POST') return null;
  const app = path.split('/').slice(0, 2).join('/');
  const answer = () =>
    jsonReply(call, 200, falStatus(app, submitted(call, path, objectOf(call.json))));
  return { model: path, stream: false, answer };
}

const PREDICTION_STATES = {
  queued: 'starting',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'canceled',
} as const;

function prediction(call: SimulatedCall, job: BoardJob): object {
  return {
    id: job.id,
    model: job.model,
    status: job.oddState ?? PREDICTION_STATES[job.state],
    output: job.state === 'succeeded' ? [addressOf(call, job)] : null,
    error: job.state === 'failed' ? 'The simulated work failed.' : null,
    logs: '',
    urls: { get: `https://api.replicate.com/v1/predictions/${job.id}` },
  };
}

function predictionRoute(call: SimulatedCall, path: string): FamilyRoute | null {
  const [, id] = /^predictions\/([\w-]+)$/.exec(path) ?? [];
  if (id !== undefined && call.method === 'GET') {
    return routeOfJob(call, id, (job) => jsonReply(call, 200, prediction(call, job)));
  }
  const [, model] = /^models\/([\w.-]+\/[\w.-]+)\/predictions$/.exec(path) ?? [];
  if (model === undefined || call.method !== 'POST') return null;
  const answer = () => {
    const job = submitted(call, model, objectOf(objectOf(call.json)['input']));
    return jsonReply(call, 201, prediction(call, job));
  };
  return { model, stream: false, answer };
}

const TASK_STATES = {
  queued: 'created',
  running: 'processing',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;

function task(call: SimulatedCall, job: BoardJob): object {
  return {
    code: 200,
    message: 'success',
    data: {
      id: job.id,
      model: job.model,
      status: job.oddState ?? TASK_STATES[job.state],
      outputs: job.state === 'succeeded' ? [addressOf(call, job)] : [],
      urls: { get: `https://api.wavespeed.ai/api/v3/predictions/${job.id}/result` },
      has_nsfw_contents: job.state === 'succeeded' ? [false] : [],
      error: job.state === 'failed' ? 'The simulated work failed.' : '',
    },
  };
}

function taskRoute(call: SimulatedCall, path: string): FamilyRoute | null {
  const [, id] = /^predictions\/([\w-]+)\/result$/.exec(path) ?? [];
  if (id !== undefined && call.method === 'GET') {
    return routeOfJob(call, id, (job) => jsonReply(call, 200, task(call, job)));
  }
  if (call.method !== 'POST') return null;
  const answer = () => jsonReply(call, 200, task(call, submitted(call, path, objectOf(call.json))));
  return { model: path, stream: false, answer };
}

function fileRoute(call: SimulatedCall, id: string): FamilyRoute {
  return routeOfJob(call, id, (job) => {
    const made = job.state === 'succeeded' ? job.files[0]?.() : undefined;
    if (made === undefined) return notFound(call);
    const headers = { 'content-type': made.type };
    return { kind: 'body', status: 200, headers, body: made.bytes, usage: null };
  });
}

/** The route of a call about such work; null for any other. */
export function queueRoute(call: SimulatedCall): FamilyRoute | null {
  const { path } = call;
  const [, file] = /^\/files\/([\w-]+)\/0$/.exec(path) ?? [];
  if (file !== undefined && call.method === 'GET') return fileRoute(call, file);
  const isQueue = call.query.get('_subdomain') === 'queue';
  if (path.startsWith('/fal-ai/') && isQueue) return falRoute(call, path.slice('/fal-ai/'.length));
  if (path.startsWith('/replicate/v1/')) {
    return predictionRoute(call, path.slice('/replicate/v1/'.length));
  }
  return path.startsWith('/wavespeed/api/v3/')
    ? taskRoute(call, path.slice('/wavespeed/api/v3/'.length))
    : null;
}
