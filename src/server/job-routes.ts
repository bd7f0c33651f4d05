/**
 * The routes of jobs and clips.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { parsePart } from '../dialects/admin/admin-route.ts';
import { jobsQuery, transcriptQuery, videosQuery } from '../dialects/jobs/shapes.ts';
import { videosDialect } from '../dialects/openai/videos/dialect.ts';
import { showVideo } from '../dialects/openai/videos/show-video.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import { addressesOf } from '../gateway/jobs/answer-job.ts';
import { showJob } from '../gateway/jobs/show-job.ts';
import { serve } from '../gateway/pipeline.ts';
import { isEnded, type JobRecord } from '../metering/job-port.ts';
import type { NodeExchange } from './node-exchange.ts';
import { queryOf } from './query-of.ts';
import type { Route } from './routes.ts';
import { callerOf, jsonReply, sendJson } from './self-service.ts';
import { sendTranscript } from './job-transcript.ts';
import { sendAsset } from './send-asset.ts';
import { sendJobEvents } from './send-job-events.ts';

const PAGE_DEFAULT = 20;

function unknown(what: string, id: string): GatewayError {
  return new GatewayError('not_found', {
    message: `There is no ${what} "${id.slice(0, 100)}" (any more): jobs and what they made are kept until their expires_at. What it cost stays in /v1/usage; to have it again, make it again.`,
  });
}

/** The caller's own job. @throws GatewayError `not_found` for another customer's as for none */
async function ownJob(
  gateway: Gateway,
  exchange: Exchange,
  { id, what }: { readonly id: string; readonly what: 'job' | 'video' },
): Promise<JobRecord> {
  const { customer } = callerOf(gateway, exchange);
  const job = await gateway.store.jobs.find(id);
  const isOne = what === 'job' || job?.operation.startsWith('video.') === true;
  if (job === null || job.customerId !== customer.id || !isOne) throw unknown(what, id);
  return job;
}

type Show = typeof showJob;

async function shown(
  gateway: Gateway,
  exchange: Exchange,
  { job, show }: { readonly job: JobRecord; readonly show: Show },
): Promise<Readonly<Record<string, unknown>>> {
  const addresses = await addressesOf(gateway, job, exchange.header('host'));
  return show(job, { nowMs: gateway.clock.nowMs(), addresses });
}

async function serveJobs(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const query = parsePart(jobsQuery, Object.fromEntries(queryOf(exchange)), 'parameter');
  const page = await gateway.store.jobs.list({
    customerId: customer.id,
    state: query.status ?? null,
    operation: query.operation ?? null,
    limit: query.limit ?? PAGE_DEFAULT,
    cursor: query.cursor ?? null,
  });
  const data = await Promise.all(
    page.data.map((job) => shown(gateway, exchange, { job, show: showJob })),
  );
  sendJson(gateway, exchange, { data, next_cursor: page.nextCursor });
}

async function serveJob(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'job' });
  sendJson(gateway, exchange, await shown(gateway, exchange, { job, show: showJob }));
}

async function serveTranscript(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'job' });
  const { response_format: format } = parsePart(
    transcriptQuery,
    Object.fromEntries(queryOf(exchange)),
    'parameter',
  );
  sendTranscript(gateway, exchange, { job, format: format ?? 'json' });
}

async function serveCancel(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const body = await exchange.readBody(gateway.settings.maxBodyBytes);
  await answerOnce(gateway, exchange, {
    ownerId: customer.id,
    body,
    run: async () => {
      const job = await ownJob(gateway, exchange, { id, what: 'job' });
      const cancelled = await gateway.jobs.cancel(job);
      const reply = await shown(gateway, exchange, { job: cancelled, show: showJob });
      return jsonReply(gateway, exchange, reply);
    },
  });
}

async function serveVideos(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const query = parsePart(videosQuery, Object.fromEntries(queryOf(exchange)), 'parameter');
  if (query.order === 'asc') {
    throw new GatewayError('invalid_request', {
      message: 'order: clips are listed newest first; leave it out.',
      param: 'order',
    });
  }
  const page = await gateway.store.jobs.list({
    customerId: customer.id,
    state: null,
    operation: 'video.*',
    limit: query.limit ?? PAGE_DEFAULT,
    cursor: query.after === undefined ? null : `after:${query.after}`,
  });
  const data = await Promise.all(
    page.data.map((job) => shown(gateway, exchange, { job, show: showVideo })),
  );
  sendJson(gateway, exchange, {
    object: 'list',
    data,
    first_id: page.data[0]?.id ?? null,
    last_id: page.data.at(-1)?.id ?? null,
    has_more: page.nextCursor !== null,
  });
}

async function serveVideo(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'video' });
  sendJson(gateway, exchange, await shown(gateway, exchange, { job, show: showVideo }));
}

async function serveContent(gateway: Gateway, exchange: NodeExchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'video' });
  if (!isEnded(job.state)) {
    throw new GatewayError('conflict', { message: `The video ${id} is not finished yet.` });
  }
  const [output] = job.outputs;
  const asset =
    output === undefined ? null : await gateway.assets.find(output.assetId, job.customerId);
  if (asset === null) {
    throw new GatewayError('not_found', {
      message: `The video ${id} has no content (any more): what was made is kept until its expires_at, or until it is deleted. Make it again.`,
    });
  }
  await sendAsset(gateway, exchange, asset);
}

async function serveDelete(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'video' });
  if (!(await gateway.store.jobs.remove(job.id))) {
    throw new GatewayError('conflict', {
      message: `The video ${id} is not finished yet: cancel it with POST /v1/jobs/${id}/cancel.`,
    });
  }
  for (const { assetId } of job.outputs) await gateway.assets.remove(assetId);
  sendJson(gateway, exchange, { id: job.id, object: 'video.deleted', deleted: true });
}

async function serveEvents(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const job = await ownJob(gateway, exchange, { id, what: 'job' });
  await sendJobEvents(gateway, exchange, job);
}

/** Every route of jobs and clips. */
export function jobRoutes(gateway: Gateway): readonly Route[] {
  type Serve = (gateway: Gateway, exchange: NodeExchange, id: string) => Promise<void>;
  const route = (method: Route['method'], path: string, handle: Serve): Route => ({
    method,
    path,
    isWork: false,
    handle: (exchange, rest) => handle(gateway, exchange, rest),
  });
  return [
    {
      method: 'POST',
      path: '/v1/videos',
      isWork: true,
      handle: (exchange) => serve(gateway, exchange, videosDialect),
    },
    route('GET', '/v1/videos', serveVideos),
    route('GET', '/v1/videos/{id}/content', serveContent),
    route('GET', '/v1/videos/', serveVideo),
    route('DELETE', '/v1/videos/', serveDelete),
    route('GET', '/v1/jobs', serveJobs),
    route('GET', '/v1/jobs/{id}/events', serveEvents),
    route('GET', '/v1/jobs/{id}/transcript', serveTranscript),
    route('POST', '/v1/jobs/{id}/cancel', serveCancel),
    route('GET', '/v1/jobs/', serveJob),
  ];
}
