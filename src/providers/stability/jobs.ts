/**
 * Work whose reply is a promise: creative upscales, and new backgrounds with their light. It is asked for at
 * `GET /v2beta/results/{id}`, which answers 202 until it is there, at most every ten seconds; it cannot be cancelled or listed.
 *
 * @module
 */
import type {
  JobExchange,
  JobProtocol,
  JobReading,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { WireReply, WireRequest } from '../../contracts/wire.ts';
import { textOf } from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { FACTS, objectReply, readPicture } from './reply.ts';
import { headersOf, VERSION_SEGMENT } from './request.ts';

const ID = /^[\w-]{1,128}$/;
const IN_PROGRESS = 202;
const POLL_EVERY_MS = 10_000;

function ticketOf(id: string | null): ProviderTicket {
  if (id === null || !ID.test(id)) throw malformed('Stability accepted the work without an id.');
  return { id, paths: { poll: `${VERSION_SEGMENT}/results/${id}` } };
}

const RUNNING: JobReading = {
  type: 'pending',
  stage: 'running',
  progress: null,
  ticket: null,
  waitMs: null,
};

/** A picture that is there, or what became of it instead. */
function finished(reply: WireReply): Extract<JobReading, { type: 'succeeded' | 'failed' }> {
  try {
    const { bytes, mediaType } = readPicture(reply);
    const output = { bytes, url: null, needsCredential: false, mediaType, isFlagged: false };
    return { type: 'succeeded', result: { outputs: [output], transcript: null, facts: FACTS } };
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    const { failure } = error;
    if (failure.kind === 'malformed_reply') throw error;
    return { type: 'failed', failure, isBilled: failure.usage !== null };
  }
}

/** A submission that is followed. */
export function submission(
  request: WireRequest,
  warnings: readonly ProviderWarning[],
): JobExchange {
  return {
    request,
    warnings,
    facts: FACTS,
    readStart(reply) {
      if ((reply.headers['content-type'] ?? '').startsWith('image/')) return finished(reply);
      const body = objectReply(reply);
      if (textOf(body['image']) !== null) return finished(reply);
      return { type: 'accepted', ticket: ticketOf(textOf(body['id'])), reading: RUNNING };
    },
  };
}

export const jobs: JobProtocol = {
  pollEveryMs: { min: POLL_EVERY_MS, usual: POLL_EVERY_MS },
  poll: ({ paths }, target) => ({
    method: 'GET',
    path: paths['poll'] ?? '',
    // The picture itself, a third smaller than in JSON.
    headers: headersOf(target, '*/*'),
    body: null,
  }),
  readPoll: (_ticket, reply) => (reply.status === IN_PROGRESS ? RUNNING : finished(reply)),
};
