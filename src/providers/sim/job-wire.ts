/**
 * The built-in simulator's own wire for work that takes its time (`src/simulators/sim/jobs.ts`).
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type {
  JobExchange,
  JobProtocol,
  JobReading,
  JobResult,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import type { ResultFacts } from '../../contracts/media.ts';
import { providerFailure } from '../../contracts/provider-failure.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import { listOf, objectOf, textOf, type LooseObject } from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { jsonRequest, objectReply } from '../openai-compatible/media/server.ts';
import { simMedia } from './media.ts';

const PATH = '/jobs';
/** Signatures older than this are replays. */
const WEBHOOK_AGE_MAX_S = 300;

function get(target: ProviderTarget, path: string): WireRequest {
  const { headers } = jsonRequest(simMedia, target, { path: '', members: {} });
  return { method: 'GET', path: `/v1${path}`, headers, body: null };
}

function ticketOf(job: LooseObject): ProviderTicket {
  const id = textOf(job['id']);
  if (id === null) throw malformed('The simulator answered without the id of a job.');
  return { id, paths: {} };
}

function resultOf(job: LooseObject): JobResult {
  const result = objectOf(job['result']);
  const text = textOf(result['text']);
  const { duration, language } = result;
  return {
    outputs: listOf(job['output']).map((output) => ({
      bytes: null,
      url: textOf(objectOf(output)['url']),
      needsCredential: false,
      mediaType: null,
      isFlagged: null,
    })),
    transcript:
      text === null
        ? null
        : {
            text,
            language: textOf(language),
            duration: typeof duration === 'number' ? duration : null,
            segments: null,
            words: null,
            reported: null,
            usage: {},
            modelServed: null,
            dimensions: {},
          },
    facts: null,
  };
}

/** How a job stands. States never seen before are work that goes on. */
function readingOf(job: LooseObject): JobReading {
  if (textOf(job['status']) === null) throw malformed('The simulator answered without a status.');
  const isBilled = job['billed'] === true;
  switch (job['status']) {
    case 'succeeded':
      return { type: 'succeeded', result: resultOf(job) };
    case 'cancelled':
      return { type: 'cancelled', isBilled };
    case 'failed': {
      const message = textOf(objectOf(job['failure'])['message']) ?? 'The work failed.';
      const failure = providerFailure({ kind: 'server_error', status: 500, message });
      return { type: 'failed', failure, isBilled };
    }
    default: {
      const { progress } = job;
      return {
        type: 'pending',
        stage: job['status'] === 'queued' ? 'queued' : 'running',
        progress: typeof progress === 'number' ? progress : null,
        ticket: null,
        waitMs: null,
      };
    }
  }
}

/** Submits work to the simulator. */
export function submission(
  target: ProviderTarget,
  members: Readonly<Record<string, unknown>>,
  facts: ResultFacts,
): JobExchange {
  const all = { model: target.model, ...members };
  return {
    request: jsonRequest(simMedia, target, { path: PATH, members: all }),
    warnings: [],
    facts,
    readStart(reply: WireReply) {
      const job = objectReply(reply);
      const reading = readingOf(job);
      if (reading.type === 'succeeded' || reading.type === 'failed') return reading;
      return { type: 'accepted', ticket: ticketOf(job), reading };
    },
  };
}

function withMembers(request: WireRequest, more: LooseObject): WireRequest {
  const body = objectOf(JSON.parse(request.body?.toString('utf8') ?? '{}'));
  return { ...request, body: Buffer.from(JSON.stringify({ ...body, ...more })) };
}

function isSigned(
  headers: Readonly<Record<string, string>>,
  message: { readonly body: Buffer; readonly secret: string; readonly nowMs: number },
): boolean {
  const stamp = headers['x-sim-timestamp'] ?? '';
  const given = Buffer.from(headers['x-sim-signature'] ?? '', 'hex');
  const ageS = Math.abs(message.nowMs / 1000 - Number(stamp));
  if (!/^\d{1,12}$/.test(stamp) || ageS > WEBHOOK_AGE_MAX_S) return false;
  const wanted = createHmac('sha256', message.secret)
    .update(`${stamp}.`)
    .update(message.body)
    .digest();
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export const simJobs: JobProtocol = {
  pollEveryMs: { min: 20, usual: 50 },
  poll: ({ id }, target) => get(target, `${PATH}/${id}`),
  readPoll: (_ticket, reply) => readingOf(objectReply(reply)),
  cancel: ({ id }, target) =>
    jsonRequest(simMedia, target, { path: `${PATH}/${id}/cancel`, members: {} }),
  lookUp: {
    mark: (request, jobId) => ({
      request: withMembers(request, { reference: jobId }),
      mark: jobId,
    }),
    request: ({ mark }, target) => get(target, `${PATH}?reference=${encodeURIComponent(mark)}`),
    read(_lost, reply) {
      const [first, ...others] = listOf(objectReply(reply)['data']);
      if (first === undefined) return 'none';
      return others.length > 0 ? 'unclear' : ticketOf(objectOf(first));
    },
  },
  webhook: {
    secretSetting: 'webhookSecret',
    subscribe: (request, url) => withMembers(request, { webhook_url: url }),
    read({ headers, body, secret, nowMs }) {
      if (!isSigned(headers, { body, secret, nowMs })) return null;
      const job = objectReply({ status: 200, headers, body });
      return { id: ticketOf(job).id, reading: readingOf(job) };
    },
  },
};
