/**
 * The built-in simulator's own wire for work that takes its time:
 *
 * - `POST /v1/jobs` `{model, operation, prompt, size, seconds, n, reference, webhook_url, …}` → the job
 * - `GET /v1/jobs/{id}`, `POST /v1/jobs/{id}/cancel`, `GET /v1/jobs?reference=` → `{data}`
 * - `GET /v1/files/{job}/{n}` → the file
 *
 * A job is `{id, status: queued|processing|succeeded|failed|cancelled, progress, reference, model, output: [{url, content_type}],
 * result, billed, failure}`.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { BoardJob, MadeFile } from '../core/job-board.ts';
import { jobFileRoute } from '../core/job-files.ts';
import { resultExpiresMs } from '../core/job-board.ts';
import { numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply, type SimulatedMedia } from '../core/reply.ts';
import { simulatedMp4 } from '../media/mp4.ts';
import { simulatedPng } from '../media/png.ts';
import { speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { askedClip, sizeAsked } from './clips.ts';

const SECRET = 'sim-webhook-secret';
/** Hex HMAC-SHA-256 over `<seconds>.<body>`. */
function signedHeaders(body: string, _id: string, seconds: number): Record<string, string> {
  const signature = createHmac('sha256', SECRET)
    .update(`${String(seconds)}.${body}`)
    .digest('hex');
  return { 'x-sim-timestamp': String(seconds), 'x-sim-signature': signature };
}

const STATUS = {
  queued: 'queued',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;

function jsonReply(call: SimulatedCall, status: number, value: object): BodyReply {
  const headers = { 'content-type': 'application/json', 'x-request-id': call.id };
  return { kind: 'body', status, headers, body: JSON.stringify(value), usage: null };
}

function refusal(call: SimulatedCall, status: number, message: string): BodyReply {
  const type = status === 404 ? 'not_found_error' : 'invalid_request_error';
  return jsonReply(call, status, { error: { message, type, param: null, code: null } });
}

/** What a request makes, and what of it is billed. */
function workOf(
  body: JsonObject,
  seed: string,
): { files: (() => MadeFile)[]; media: SimulatedMedia; result: JsonObject | null } {
  const operation = stringOf(body['operation']) ?? '';
  if (operation.startsWith('video.')) {
    const videoSeconds = numberOf(body['seconds']) ?? 4;
    const asked = askedClip(operation, body, seed);
    const make = () => ({
      bytes: simulatedMp4(asked.clip, asked.seed, asked.looks),
      type: 'video/mp4',
    });
    return { files: [make], media: { clips: 1, videoSeconds }, result: null };
  }
  if (operation === 'audio.speech') {
    const text = stringOf(body['prompt']) ?? '';
    const make = () => ({
      bytes: wavOf(tonePcm(speechMs(text, 1), seed)),
      type: 'audio/wav',
    });
    return { files: [make], media: { characters: Array.from(text).length }, result: null };
  }
  if (operation === 'audio.transcribe' || operation === 'audio.translate') {
    const seconds = numberOf(body['seconds']) ?? 1;
    return {
      files: [],
      media: { audioSeconds: seconds },
      result: { text: 'Simulated transcript.', language: 'en', duration: seconds },
    };
  }
  const count = numberOf(body['n']) ?? 1;
  const size = sizeAsked(body);
  const files = Array.from({ length: count }, (_, at) => () => ({
    bytes: simulatedPng(size, `${seed}/${String(at)}`),
    type: 'image/png',
  }));
  return { files, media: { images: count }, result: null };
}

function shown(call: SimulatedCall, job: BoardJob): JsonObject {
  const origin = `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
  const isDone = job.state === 'succeeded';
  const expiresMs = resultExpiresMs(job.prompt);
  const query = expiresMs === null ? '' : `?expires=${String(Date.now() + expiresMs)}`;
  return {
    id: job.id,
    status: job.oddState ?? STATUS[job.state],
    progress: job.progress,
    model: job.model,
    operation: job.operation,
    reference: job.reference,
    created_ms: job.createdAtMs,
    output: isDone
      ? job.files.map((_, at) => ({ url: `${origin}/v1/files/${job.id}/${String(at)}${query}` }))
      : [],
    result: isDone ? job.result : null,
    billed: job.isBilled,
    failure:
      job.state === 'failed'
        ? { code: 'generation_failed', message: 'The simulated work failed.' }
        : null,
  };
}

function submit(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model']);
  return {
    model,
    stream: false,
    answer() {
      const operation = stringOf(body['operation']);
      if (model === null || operation === null) {
        return refusal(call, 400, 'model and operation are needed.');
      }
      const prompt = stringOf(body['prompt']) ?? '';
      const { files, media, result } = workOf(body, `${call.seed}/${prompt}`);
      const usage = { ...NO_USAGE, media };
      const url = stringOf(body['webhook_url']);
      const job = call.jobs.submit(
        {
          family: 'sim',
          model,
          operation,
          prompt,
          reference: stringOf(body['reference']),
          usage,
          files,
          result,
          webhook: url === null ? null : { url, headers: signedHeaders },
        },
        (ended) => JSON.stringify(shown(call, ended)),
      );
      return jsonReply(call, 200, shown(call, job));
    },
  };
}

function look(call: SimulatedCall, id: string): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      if (job === null) return refusal(call, 404, `There is no job ${id}.`);
      return jsonReply(call, 200, shown(call, job));
    },
  };
}

function cancel(call: SimulatedCall, id: string): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      if (!call.jobs.cancel(id)) return refusal(call, 409, 'It is too late.');
      const job = call.jobs.get(id);
      return jsonReply(call, 200, job === null ? {} : shown(call, job));
    },
  };
}

function list(call: SimulatedCall): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const reference = call.query.get('reference');
      const found = call.jobs
        .list()
        .filter((job) => reference === null || job.reference === reference);
      return jsonReply(call, 200, { data: found.map((job) => shown(call, job)) });
    },
  };
}

/** The route of a path; null for any other. */
export function jobRoute(call: SimulatedCall): FamilyRoute | null {
  const { method, path } = call;
  if (path === '/v1/jobs')
    return method === 'POST' ? submit(call) : method === 'GET' ? list(call) : null;
  const one = /^\/v1\/jobs\/([\w-]+)(\/cancel)?$/.exec(path);
  if (one !== null) {
    const [, id = '', isCancel] = one;
    if (method === 'GET' && isCancel === undefined) return look(call, id);
    return method === 'POST' && isCancel !== undefined ? cancel(call, id) : null;
  }
  return jobFileRoute(call, /^\/v1\/files\/([\w-]+)\/(\d+)$/);
}
