/**
 * Replicate's predictions of official models (`/v1`): made, asked for, cancelled, listed. Written from recorded traffic and the
 * vendor's OpenAPI description.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { bareContext, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { jobFileRoute } from '../core/job-files.ts';
import type { BoardJob } from '../core/job-board.ts';
import { objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply } from '../core/reply.ts';
import { madeWork, missingOf, typeOfWork } from '../media/made-work.ts';

const FAMILY = 'replicate';
const SECRET = 'cmVwbGljYXRlLXNlY3JldA==';
const PAGE = 100;

const STATUS = {
  queued: 'starting',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'canceled',
} as const;

const replicateError = errorsFrom((error) => {
  const { status, body } = usualErrors((title, detail) => ({ title, detail }))(error);
  return { status, body: { ...body, status } };
}, 'x-request-id');

function reply(call: SimulatedCall, status: number, body: object): BodyReply {
  const isProblem = status >= 400;
  return {
    kind: 'body',
    status,
    headers: {
      'content-type': isProblem ? 'application/problem+json' : 'application/json; charset=utf-8',
      'x-request-id': call.id,
      'ratelimit-remaining': '599',
      'ratelimit-reset': '1',
    },
    body: JSON.stringify(body),
    usage: null,
  };
}

function originOf(call: SimulatedCall): string {
  return `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
}

function outputOf(call: SimulatedCall, job: BoardJob): unknown {
  const urls = job.files.map((_, at) => {
    const ending = typeOfWork(job.operation) === 'image/png' ? '.png' : '.mp4';
    return `${originOf(call)}/files/${job.id}/${String(at)}/out${ending}`;
  });
  return /flux-schnell|flux-dev/.test(job.model) ? urls : urls[0];
}

function shown(call: SimulatedCall, job: BoardJob): JsonObject {
  const at = `${originOf(call)}/v1/predictions/${job.id}`;
  const percent = job.progress === null ? null : Math.floor(job.progress * 100);
  return {
    id: job.id,
    model: job.model,
    version: 'hidden',
    input: job.result?.['input'] ?? {},
    logs: percent === null ? '' : ` ${String(percent)}%|          | ${String(percent)}/100`,
    output: job.state === 'succeeded' ? outputOf(call, job) : null,
    data_removed: false,
    error: job.state === 'failed' ? 'The simulated work failed.' : null,
    status: job.oddState ?? STATUS[job.state],
    created_at: new Date(job.createdAtMs).toISOString(),
    urls: { get: at, cancel: `${at}/cancel` },
  };
}

/** Standard Webhooks (https://www.standardwebhooks.com). */
function signedHeaders(body: string, id: string, seconds: number): Record<string, string> {
  const signature = createHmac('sha256', Buffer.from(SECRET, 'base64'))
    .update(`${id}.${String(seconds)}.${body}`)
    .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  };
}

function create(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      const body = objectOf(call.json);
      const extra = Object.keys(body).find(
        (name) => !['input', 'webhook', 'webhook_events_filter', 'stream'].includes(name),
      );
      const input = objectOf(body['input']);
      const missing = missingOf(model, input);
      if (extra !== undefined || missing !== null) {
        const detail =
          extra === undefined
            ? `- input: ${missing ?? ''} is required\n`
            : `- Additional property ${extra} is not allowed\n`;
        const field = { type: 'invalid', field: missing ?? '', description: detail };
        return reply(call, 422, {
          detail,
          status: 422,
          title: 'Input validation failed',
          invalid_fields: [field],
        });
      }
      const prompt = stringOf(input['prompt']) ?? '';
      const work = madeWork(model, input, `${call.seed}/${prompt}`);
      const url = stringOf(body['webhook']);
      const job = call.jobs.submit(
        {
          family: FAMILY,
          model,
          operation: work.operation,
          prompt,
          reference: null,
          usage: { ...NO_USAGE, media: work.media },
          files: work.files,
          result: { input },
          webhook: url === null ? null : { url, headers: signedHeaders },
        },
        (ended) => JSON.stringify(shown(call, ended)),
      );
      return reply(call, 201, shown(call, job));
    },
  };
}

function one(call: SimulatedCall, id: string, isCancel: boolean): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      if (isCancel) call.jobs.cancel(id);
      const job = call.jobs.get(id);
      return job === null || job.family !== FAMILY
        ? reply(call, 404, { detail: 'The requested resource could not be found.', status: 404 })
        : reply(call, 200, shown(call, job));
    },
  };
}

function list(call: SimulatedCall): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const after = Date.parse(call.query.get('created_after') ?? '1970-01-01T00:00:00Z');
      const before = Date.parse(call.query.get('created_before') ?? '9999-01-01T00:00:00Z');
      const found = call.jobs
        .list()
        .filter(
          ({ family, createdAtMs }) =>
            family === FAMILY && createdAtMs >= after && createdAtMs <= before,
        );
      const from = Number(call.query.get('cursor') ?? '0');
      const further = new URLSearchParams({
        created_after: new Date(after).toISOString(),
        created_before: new Date(before).toISOString(),
        cursor: String(from + PAGE),
      });
      const isMore = found.length > from + PAGE;
      const next = isMore ? `${originOf(call)}/v1/predictions?${further.toString()}` : null;
      const results = found.slice(from, from + PAGE).map((job) => shown(call, job));
      return reply(call, 200, { previous: null, next, results });
    },
  };
}

export const replicateFamily: SimulatorFamily = {
  name: FAMILY,
  route(call) {
    const { method, path } = call;
    const file = jobFileRoute(call, /^\/files\/([\w-]+)\/(\d+)\/out\.\w+$/);
    if (file !== null) return file;
    const model = /^\/v1\/models\/([\w.-]+\/[\w.-]+)\/predictions$/.exec(path)?.[1];
    if (model !== undefined) return method === 'POST' ? create(call, model) : null;
    if (path === '/v1/predictions') return method === 'GET' ? list(call) : null;
    const [, id, cancel] = /^\/v1\/predictions\/([\w-]+)(\/cancel)?$/.exec(path) ?? [];
    if (id === undefined) return null;
    const isCancel = cancel !== undefined;
    return method === (isCancel ? 'POST' : 'GET') ? one(call, id, isCancel) : null;
  },
  credentialOf: (call) => /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error: replicateError,
  notFound: (call) => replicateError('not_found', bareContext(call.id)),
  unauthorised: (call) => replicateError('auth', bareContext(call.id)),
};
