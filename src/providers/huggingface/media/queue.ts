/**
 * Work to be followed behind the router: fal's queue, Replicate's predictions and WaveSpeed's tasks, as the official client
 * speaks them (https://github.com/huggingface/huggingface.js/tree/main/packages/inference/src/providers). Submissions and
 * states of the queues are not recorded; one prediction of Replicate is.
 *
 * What a sub-provider names as an address of its own (`https://queue.fal.run/…`) is asked for behind the router, by its path:
 * the credential never leaves the router. Nothing of it can be cancelled or listed there.
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
import type { ResultFacts } from '../../../contracts/media.ts';
import { providerFailure, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { ProviderWarning } from '../../../contracts/text.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { inBandFailure, isInBandError } from '../../openai-compatible/errors.ts';
import {
  isObject,
  listOf,
  objectOf,
  textOf,
  type LooseObject,
} from '../../openai-compatible/loose-json.ts';
import { malformed } from '../../replies.ts';
import { headersOf, modelPath, parsedReply, postJson } from './exchange.ts';
import type { Route } from './routes.ts';

const QUEUE = '?_subdomain=queue';
/** A path that an address may be asked for by: nothing that leaves its place. */
const PATH = /^\/(?:[\w.:-]+\/)*[\w.:-]+$/;

type Ended = Extract<
  JobReading,
  { readonly type: 'succeeded' | 'failed' | 'cancelled' | 'expired' }
>;

function pending(
  stage: 'queued' | 'running',
  more: { readonly ticket?: ProviderTicket; readonly waitMs?: number } = {},
): Extract<JobReading, { readonly type: 'pending' }> {
  const { ticket = null, waitMs = null } = more;
  return { type: 'pending', stage, progress: null, ticket, waitMs };
}

/** The path of an address that a sub-provider names. @throws ProviderFailureError for what is none */
function pathOf(address: unknown): string {
  const text = textOf(address) ?? '';
  const path = URL.canParse(text) ? new URL(text).pathname : '';
  if (!PATH.test(path) || path.split('/').includes('..')) {
    throw malformed('The sub-provider named no address to ask at.');
  }
  return path;
}

function outputAt(url: string, more: Partial<MediaOutput> = {}): MediaOutput {
  return {
    bytes: null,
    url,
    needsCredential: false,
    mediaType: null,
    isFlagged: null,
    ...more,
  };
}

function failedWith(message: string): Ended {
  const failure: ProviderFailure = providerFailure({
    kind: /nsfw|safety|sensitive|moderation/i.test(message) ? 'content_filtered' : 'server_error',
    status: 200,
    message: message.slice(0, 1000),
  });
  return { type: 'failed', failure, isBilled: false };
}

/** @throws ProviderFailureError where there is nothing */
function succeeded(outputs: readonly MediaOutput[]): Ended {
  if (outputs.length === 0) throw malformed('The sub-provider ended the work without a result.');
  return { type: 'succeeded', result: { outputs, transcript: null, facts: null } };
}

/** fal's result: pictures in a list, one clip, one sound. */
function falResult(body: LooseObject): Ended {
  const flags = listOf(body['has_nsfw_concepts']);
  const files = [
    ...listOf(body['images']),
    ...['image', 'video', 'audio'].map((name) => body[name]),
  ].filter(isObject);
  return succeeded(
    files.flatMap((file, at) => {
      const url = textOf(file['url']);
      const flag = flags[at];
      const isFlagged = typeof flag === 'boolean' ? flag : null;
      const mediaType = textOf(file['content_type']);
      return url === null ? [] : [outputAt(url, { mediaType, isFlagged })];
    }),
  );
}

function falTicket(body: LooseObject): ProviderTicket {
  const result = `/fal-ai${pathOf(body['response_url'])}`;
  const id = textOf(body['request_id']) ?? result.slice(result.lastIndexOf('/') + 1);
  return { id, paths: { poll: `${result}/status${QUEUE}`, result: `${result}${QUEUE}` } };
}

/** A status, or the result once the ticket leads to it. */
function readFal(ticket: ProviderTicket, body: LooseObject): JobReading {
  const { result = '' } = ticket.paths;
  if (ticket.paths['poll'] === result) return falResult(body);
  switch (body['status']) {
    case 'COMPLETED': {
      const error = textOf(body['error']);
      if (error !== null) return failedWith(error);
      return pending('running', {
        ticket: { ...ticket, paths: { poll: result, result } },
        waitMs: 0,
      });
    }
    case 'IN_QUEUE':
      return pending('queued');
    default:
      return pending('running');
  }
}

function urlsIn(output: unknown): readonly MediaOutput[] {
  return (Array.isArray(output) ? (output as unknown[]) : [output]).flatMap((one) => {
    const url = textOf(one) ?? textOf(objectOf(one)['url']);
    return url === null ? [] : [outputAt(url)];
  });
}

/** Replicate: `starting`, `processing`, `succeeded`, `failed`, `canceled`, `aborted`. */
function readPrediction(body: LooseObject): JobReading {
  switch (body['status']) {
    case 'succeeded':
      return succeeded(urlsIn(body['output']));
    case 'failed':
    case 'aborted':
      return failedWith(textOf(body['error']) ?? 'The prediction failed without a reason.');
    case 'canceled':
      return { type: 'cancelled', isBilled: false };
    case 'starting':
      return pending('queued');
    default:
      // With `Prefer: wait` the output may be there before the state says so (recorded).
      return urlsIn(body['output']).length > 0
        ? succeeded(urlsIn(body['output']))
        : pending('running');
  }
}

/** WaveSpeed: `created`, `processing`, `completed`, `failed`, `cancelled`, `timeout`, `deleted`. */
function readTask(body: LooseObject): JobReading {
  const data = objectOf(body['data']);
  switch (data['status']) {
    case 'completed': {
      const isFlagged = listOf(data['has_nsfw_contents']).includes(true);
      return succeeded(urlsIn(data['outputs']).map((output) => ({ ...output, isFlagged })));
    }
    case 'failed':
    case 'timeout':
      return failedWith(textOf(data['error']) ?? 'The task failed without a reason.');
    case 'cancelled':
      return { type: 'cancelled', isBilled: false };
    case 'deleted':
      return { type: 'expired' };
    case 'created':
      return pending('queued');
    default:
      return pending('running');
  }
}

/** What a reply to a submission says of the work, and where it is asked for. */
function startOf(route: Route, body: LooseObject): JobStart {
  const accepted = (ticket: ProviderTicket, reading: JobReading): JobStart =>
    reading.type === 'succeeded' || reading.type === 'failed'
      ? reading
      : { type: 'accepted', ticket, reading };
  switch (route.wire) {
    case 'predictions': {
      const id = textOf(body['id']);
      if (id === null) throw malformed('The sub-provider accepted the work without an id.');
      const poll = `/replicate/v1/predictions/${encodeURIComponent(id)}`;
      return accepted({ id, paths: { poll } }, readPrediction(body));
    }
    case 'tasks': {
      const data = objectOf(body['data']);
      const poll = `/wavespeed${pathOf(objectOf(data['urls'])['get'])}`;
      const id = textOf(data['id']) ?? poll;
      return accepted({ id, paths: { poll } }, readTask(body));
    }
    case 'pipeline':
    case 'openai':
    case 'fal-sync':
    case 'fal-queue': {
      const ticket = falTicket(body);
      return accepted(ticket, readFal(ticket, body));
    }
  }
}

/** What work says of its own failure stands in members that elsewhere are errors of the exchange. */
function objectIn(reply: WireReply): LooseObject {
  const body = parsedReply(reply);
  if (!isObject(body)) throw malformed('The router answered with JSON that is no object.');
  return body;
}

function requestOf(target: ProviderTarget, route: Route, input: LooseObject) {
  const name = modelPath(route.name);
  switch (route.wire) {
    case 'predictions':
      return postJson(target, {
        path: `/replicate/v1/models/${name}/predictions`,
        members: { input },
        headers: { prefer: 'wait' },
      });
    case 'tasks':
      return postJson(target, { path: `/wavespeed/api/v3/${name}`, members: input });
    case 'pipeline':
    case 'openai':
    case 'fal-sync':
    case 'fal-queue':
      return postJson(target, { path: `/fal-ai/${name}${QUEUE}`, members: input });
  }
}

/** A submission that is followed. */
export function submission(
  target: ProviderTarget,
  route: Route,
  work: {
    readonly input: LooseObject;
    readonly warnings: readonly ProviderWarning[];
    readonly facts: ResultFacts;
  },
): JobExchange {
  return {
    request: requestOf(target, route, work.input),
    warnings: work.warnings,
    facts: work.facts,
    readStart(reply) {
      const body = objectIn(reply);
      // An error in place of a promise: nothing was accepted.
      const isPromise = ['id', 'response_url', 'data'].some((name) => name in body);
      if (isPromise || !isInBandError(body)) return startOf(route, body);
      return { type: 'failed', failure: inBandFailure(body), isBilled: false };
    },
  };
}

function readPoll(ticket: ProviderTicket, reply: WireReply): JobReading {
  const body = objectIn(reply);
  const { poll = '' } = ticket.paths;
  if (poll.startsWith('/fal-ai/')) return readFal(ticket, body);
  return poll.startsWith('/replicate/') ? readPrediction(body) : readTask(body);
}

/** How work of every sub-provider is followed: the ticket's path says whose it is. */
export const jobs: JobProtocol = {
  pollEveryMs: { min: 500, usual: 2000 },
  poll: ({ paths }, target) => ({
    method: 'GET',
    path: paths['poll'] ?? '',
    headers: headersOf(target, 'application/json'),
    body: null,
  }),
  readPoll,
};
