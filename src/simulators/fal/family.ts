/**
 * fal's queue: submitted under the model's name, asked for at the addresses of the reply, fetched where the result lies. Status and
 * result are written from recorded traffic, the rest from the vendor's pages.
 *
 * @module
 */
import { bareContext, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { jobFileRoute } from '../core/job-files.ts';
import type { BoardJob } from '../core/job-board.ts';
import { objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply } from '../core/reply.ts';
import { madeWork, missingOf, typeOfWork } from '../media/made-work.ts';

const FAMILY = 'fal';
const ID_HEADER = 'x-fal-request-id';
const MODEL = /^\/(fal-ai\/[\w.-]+(?:\/[\w.-]+)*)$/;
const REQUEST = /^\/(fal-ai\/[\w.-]+(?:\/[\w.-]+)*)\/requests\/([\w-]+)(\/status|\/cancel)?$/;

const falError = errorsFrom(
  usualErrors((code, message) => ({ detail: [{ loc: ['body'], msg: message, type: code }] })),
  ID_HEADER,
);

function reply(call: SimulatedCall, status: number, body: object): BodyReply {
  const headers = { 'content-type': 'application/json', [ID_HEADER]: call.id };
  return { kind: 'body', status, headers, body: JSON.stringify(body), usage: null };
}

function originOf(call: SimulatedCall): string {
  return `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
}

function shown(call: SimulatedCall, job: BoardJob): JsonObject {
  const at = `${originOf(call)}/${job.model}/requests/${job.id}`;
  const isOver = job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled';
  const working = job.state === 'queued' ? 'IN_QUEUE' : 'IN_PROGRESS';
  return {
    status: job.oddState ?? (isOver ? 'COMPLETED' : working),
    request_id: job.id,
    response_url: at,
    status_url: `${at}/status`,
    cancel_url: `${at}/cancel`,
    logs: null,
    metrics: isOver ? { inference_time: 0.06 } : {},
    ...(job.state === 'queued' ? { queue_position: 0 } : {}),
  };
}

function submit(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      const input = objectOf(call.json);
      const missing = missingOf(model, input);
      if (missing !== null) {
        const detail = [
          { loc: ['body', missing], msg: 'field required', type: 'value_error.missing' },
        ];
        return reply(call, 422, { detail });
      }
      const prompt = stringOf(input['prompt']) ?? '';
      const work = madeWork(model, input, `${call.seed}/${prompt}`);
      const job = call.jobs.submit({
        family: FAMILY,
        model,
        operation: work.operation,
        prompt,
        reference: null,
        usage: { ...NO_USAGE, media: work.media },
        files: work.files,
        result: work.result,
        webhook: null,
      });
      return reply(call, 200, shown(call, job));
    },
  };
}

/** The result of a request that succeeded; that of one that failed is the error. */
function resultReply(call: SimulatedCall, job: BoardJob): BodyReply {
  if (job.state === 'failed') return reply(call, 422, { detail: 'The simulated work failed.' });
  if (job.state === 'cancelled') return reply(call, 422, { detail: 'The request was cancelled.' });
  if (job.state !== 'succeeded')
    return reply(call, 400, { detail: 'Request is still in progress' });
  if (job.result !== null) {
    const chunk = { timestamp: [0, 1], text: job.result['text'] };
    return reply(call, 200, { ...job.result, chunks: [chunk] });
  }
  const files = job.files.map((_, at) => ({
    url: `${originOf(call)}/files/${job.id}/${String(at)}`,
    content_type: typeOfWork(job.operation),
  }));
  const [first] = files;
  if (job.operation === 'clip') return reply(call, 200, { video: first });
  const isSingle = /upscaler|background|face-swap/.test(job.model);
  return reply(
    call,
    200,
    isSingle
      ? { image: first }
      : { images: files, seed: 7, has_nsfw_concepts: files.map(() => false), prompt: job.prompt },
  );
}

function request(call: SimulatedCall, id: string, action: string | undefined): FamilyRoute | null {
  const { method } = call;
  const isKnown =
    (action === '/cancel' && method === 'PUT') || (action !== '/cancel' && method === 'GET');
  if (!isKnown) return null;
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      if (job === null || job.family !== FAMILY) return reply(call, 404, { detail: 'Not found' });
      if (action === '/cancel') {
        return call.jobs.cancel(id)
          ? reply(call, 202, { status: 'CANCELLATION_REQUESTED' })
          : reply(call, 400, { status: 'ALREADY_COMPLETED' });
      }
      if (action === undefined) return resultReply(call, job);
      const body = shown(call, job);
      return reply(call, body['status'] === 'COMPLETED' ? 200 : 202, body);
    },
  };
}

export const falFamily: SimulatorFamily = {
  name: FAMILY,
  route(call) {
    const file = jobFileRoute(call, /^\/files\/([\w-]+)\/(\d+)$/);
    if (file !== null) return file;
    const asked = REQUEST.exec(call.path);
    if (asked !== null) return request(call, asked[2] ?? '', asked[3]);
    const model = MODEL.exec(call.path)?.[1];
    return call.method === 'POST' && model !== undefined ? submit(call, model) : null;
  },
  credentialOf: (call) => /^Key\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error: falError,
  notFound: (call) => falError('not_found', bareContext(call.id)),
  unauthorised: (call) => falError('auth', bareContext(call.id)),
};
