/**
 * The WaveSpeed wire (`/api/v3`): every call a task, its state and result at one address, a list of tasks, and what a call would
 * cost. Written from the vendor's pages, a third-party description of its wire and one recorded reply to a submission.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { bareContext, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { jobFileRoute } from '../core/job-files.ts';
import type { BoardJob } from '../core/job-board.ts';
import { numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply } from '../core/reply.ts';
import { madeWork, missingOf } from '../media/made-work.ts';

const FAMILY = 'wavespeed';
const BASE = '/api/v3';
/** Owner and name, as WaveSpeed's models have them. */
const MODEL = /^\/api\/v3\/([\w.-]+\/[\w.-]+(?:\/[\w.-]+)*)$/;
const OWNERS =
  /^(?:wavespeed-ai|alibaba|bytedance|google|minimax|lightricks|kwaivgi|akool|ideogram-ai|heygen|openai)\//;
const SECRET = 'wavespeed-secret';
const LIST_MAX = 100;

const STATUS = {
  queued: 'created',
  running: 'processing',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;

const say = usualErrors((code, message) => ({ code: 400, message, error_code: code }));
const wavespeedError = errorsFrom((error) => {
  const row = say(error);
  return { ...row, body: { ...row.body, code: row.status } };
}, 'x-request-id');

function reply(call: SimulatedCall, status: number, body: object): BodyReply {
  const headers = { 'content-type': 'application/json', 'x-request-id': call.id };
  return { kind: 'body', status, headers, body: JSON.stringify(body), usage: null };
}

function refuse(call: SimulatedCall, status: number, message: string): BodyReply {
  return reply(call, status, { code: status, message });
}

/** A task as the wire shows it. */
function shown(call: SimulatedCall, job: BoardJob): JsonObject {
  const origin = `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
  const isDone = job.state === 'succeeded';
  const files = job.files.map((_, at) => `${origin}/files/${job.id}/${String(at)}`);
  return {
    id: job.id,
    model: job.model,
    outputs: isDone ? (job.result?.['outputs'] ?? files) : [],
    urls: { get: `${origin}${BASE}/predictions/${job.id}/result` },
    has_nsfw_contents: isDone ? files.map(() => false) : [],
    status: job.oddState ?? STATUS[job.state],
    created_at: new Date(job.createdAtMs).toISOString(),
    error: job.state === 'failed' ? 'The simulated work failed.' : '',
    ...(job.state === 'failed' ? { code: 1403 } : {}),
    timings: { inference: isDone ? 60 : 0 },
    input: job.result?.['input'] ?? {},
  };
}

function success(data: object): object {
  return { code: 200, message: 'success', data };
}

function submit(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      if (!OWNERS.test(model)) return refuse(call, 404, `model not found: ${model}`);
      const input = objectOf(call.json);
      const missing = missingOf(model, input);
      if (missing !== null) return refuse(call, 400, `property "${missing}" is missing`);
      const prompt = stringOf(input['prompt']) ?? stringOf(input['text']) ?? '';
      const work = madeWork(model, input, `${call.seed}/${prompt}`);
      const url = call.query.get('webhook') ?? stringOf(input['webhook_url']);
      const job = call.jobs.submit(
        {
          family: FAMILY,
          model,
          operation: work.operation,
          prompt,
          reference: null,
          usage: { ...NO_USAGE, media: work.media },
          files: work.files,
          // Recognisers answer with an object in place of the list.
          result: { input, ...(work.result === null ? {} : { outputs: work.result }) },
          webhook: url === null ? null : { url, headers: signedHeaders },
        },
        (ended) => JSON.stringify(shown(call, ended)),
      );
      return reply(call, 200, success(shown(call, job)));
    },
  };
}

/** `v3,<hex>` over `{id}.{timestamp}.{body}`, keyed with the secret as it is written. */
function signedHeaders(body: string, id: string, seconds: number): Record<string, string> {
  const hex = createHmac('sha256', SECRET)
    .update(`${id}.${String(seconds)}.${body}`)
    .digest('hex');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v3,${hex}`,
  };
}

function look(call: SimulatedCall, id: string): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      return job === null || job.family !== FAMILY
        ? refuse(call, 404, 'prediction not found')
        : reply(call, 200, success(shown(call, job)));
    },
  };
}

/** Tasks of a model between two instants, newest first. */
function list(call: SimulatedCall): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const query = objectOf(call.json);
      const model = stringOf(query['model']);
      const page = numberOf(query['page']) ?? 1;
      const after = Date.parse(stringOf(query['created_after']) ?? '1970-01-01T00:00:00Z');
      const before = Date.parse(stringOf(query['created_before']) ?? '9999-01-01T00:00:00Z');
      const items = call.jobs
        .list()
        .filter(
          (job) =>
            job.family === FAMILY &&
            (model === null || job.model === model) &&
            job.createdAtMs >= after &&
            job.createdAtMs <= before,
        )
        .slice((page - 1) * LIST_MAX, page * LIST_MAX)
        .map((job) => shown(call, job));
      return reply(call, 200, success({ page, items }));
    },
  };
}

const CENTS = 100;

/** Dollars of a call: ten cents a second of a clip, four cents for all else; twenty per cent off. */
function priceOf(
  model: string,
  inputs: JsonObject,
): { readonly list: number; readonly off: number } {
  const seconds = numberOf(inputs['duration']) ?? 5;
  const cents = model.includes('video') ? 10 * seconds : 4;
  return { list: cents / CENTS, off: Math.round(cents * 80) / (100 * CENTS) };
}

/** What a call would cost. */
function price(call: SimulatedCall): FamilyRoute {
  const { model_id: named, inputs } = objectOf(call.json);
  const model = stringOf(named) ?? '';
  return {
    model,
    stream: false,
    answer() {
      if (!OWNERS.test(model)) return refuse(call, 404, `model not found: ${model}`);
      const { list: full, off } = priceOf(model, objectOf(inputs));
      const told = { model_id: model, price: full, discounted_price: off, discount_rate: 80 };
      return reply(call, 200, success({ ...told, currency: 'USD' }));
    },
  };
}

export const wavespeedFamily: SimulatorFamily = {
  name: FAMILY,
  route(call) {
    const { method, path } = call;
    const file = jobFileRoute(call, /^\/files\/([\w-]+)\/(\d+)$/);
    if (file !== null) return file;
    if (method === 'POST' && path === `${BASE}/predictions`) return list(call);
    if (method === 'POST' && path === `${BASE}/model/price`) return price(call);
    const one = /^\/api\/v3\/predictions\/([\w-]+)(?:\/result)?$/.exec(path)?.[1];
    if (one !== undefined) return method === 'GET' ? look(call, one) : null;
    const model = MODEL.exec(path)?.[1];
    return method === 'POST' && model !== undefined ? submit(call, model) : null;
  },
  credentialOf: (call) => /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error: wavespeedError,
  notFound: (call) => wavespeedError('not_found', bareContext(call.id)),
  unauthorised: (call) => wavespeedError('auth', bareContext(call.id)),
};
