/**
 * fal's queue: submitted, asked at the address that it names until `COMPLETED`, then fetched at another
 * (https://docs.fal.ai/model-apis/model-endpoints/queue; status and result are recorded). There is no list of past requests.
 *
 * @module
 */
import type {
  JobProtocol,
  JobReading,
  JobResult,
  JobStart,
  MediaOutput,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import type { TranscriptionResult } from '../../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply } from '../../contracts/wire.ts';
import {
  isObject,
  listOf,
  objectOf,
  textOf,
  type LooseObject,
} from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { failureOf } from './errors.ts';
import { headersOf } from './request.ts';

const ID = /^[\w-]{1,128}$/;

function bodyOf(reply: WireReply): LooseObject {
  let body: unknown;
  try {
    body = JSON.parse(reply.body.toString('utf8'));
  } catch (error) {
    throw malformed('fal answered with something that is not JSON.', error);
  }
  if (!isObject(body)) throw malformed('fal answered with JSON that is no object.');
  return body;
}

/** The path of an address at the provider's own origin: elsewhere the credential does not go. */
function pathAt(address: unknown, target: ProviderTarget): string {
  const text = textOf(address);
  const base = new URL(target.baseUrl);
  if (text !== null && URL.canParse(text)) {
    const url = new URL(text);
    const prefix = base.pathname.replace(/\/$/, '');
    if (url.origin === base.origin && url.pathname.startsWith(`${prefix}/`)) {
      return `${url.pathname.slice(prefix.length)}${url.search}`;
    }
  }
  throw malformed('fal names an address that is not its own.');
}

function ticketOf(body: LooseObject, target: ProviderTarget): ProviderTicket {
  const id = textOf(body['request_id']);
  if (id === null || !ID.test(id)) throw malformed('fal accepted the request without an id.');
  const paths = {
    poll: pathAt(body['status_url'], target),
    result: pathAt(body['response_url'], target),
    ...(body['cancel_url'] === undefined ? {} : { cancel: pathAt(body['cancel_url'], target) }),
  };
  return { id, paths };
}

const QUEUED: Extract<JobReading, { readonly type: 'pending' }> = {
  type: 'pending',
  stage: 'queued',
  progress: null,
  ticket: null,
  waitMs: null,
};

/** The reply to a submission: a promise, always. */
export function readStart(reply: WireReply, target: ProviderTarget): JobStart {
  return { type: 'accepted', ticket: ticketOf(bodyOf(reply), target), reading: QUEUED };
}

function outputOf(item: unknown, flag: unknown): MediaOutput | null {
  const { url, content_type: mediaType } = objectOf(item);
  const address = textOf(url) ?? textOf(item);
  if (address === null) return null;
  const isFlagged = typeof flag === 'boolean' ? flag : null;
  const [, type, encoded] = /^data:([\w.+/-]{1,100});base64,(.*)$/s.exec(address) ?? [];
  if (encoded !== undefined) {
    const bytes = Buffer.from(encoded, 'base64');
    return { bytes, url: null, needsCredential: false, mediaType: type ?? null, isFlagged };
  }
  if (!/^https?:\/\//.test(address)) throw malformed('fal names an output that is no address.');
  return {
    bytes: null,
    url: address,
    needsCredential: false,
    mediaType: textOf(mediaType),
    isFlagged,
  };
}

/** `{text, chunks: [{timestamp: [start, end], text, speaker}]}`, as recorded. */
function transcriptOf(body: LooseObject): TranscriptionResult | null {
  const text = textOf(body['text']);
  if (text === null) return null;
  const segments = listOf(body['chunks']).flatMap((item) => {
    const { timestamp, text: said, speaker } = objectOf(item);
    const [start, end] = listOf(timestamp);
    if (typeof start !== 'number' || typeof end !== 'number' || typeof said !== 'string') return [];
    return [{ start, end, text: said, speaker: textOf(speaker), details: {} }];
  });
  return {
    text: text.trim(),
    language: textOf(listOf(body['inferred_languages'] ?? body['languages'])[0]),
    duration: null,
    segments: segments.length === 0 ? null : segments,
    words: null,
    reported: null,
    usage: {},
    modelServed: null,
    dimensions: {},
  };
}

function resultOf(body: LooseObject): JobResult {
  const transcript = transcriptOf(body);
  if (transcript !== null) return { outputs: [], transcript, facts: null };
  const flags = listOf(body['has_nsfw_concepts']);
  const single = body['image'] ?? body['video'] ?? body['audio'];
  const items = Array.isArray(body['images']) ? listOf(body['images']) : [single];
  const outputs = items.flatMap((item, at) => outputOf(item, flags[at]) ?? []);
  if (outputs.length === 0) throw malformed('fal finished the request without an output.');
  const pictures = Array.isArray(body['images']) ? outputs.length : null;
  return {
    outputs,
    transcript: null,
    facts:
      pictures === null ? null : { usage: { images: pictures }, modelServed: null, dimensions: {} },
  };
}

function readStatus(ticket: ProviderTicket, body: LooseObject): JobReading {
  const position = body['queue_position'];
  switch (textOf(body['status'])) {
    case null:
      throw malformed('fal tells of a request without its state.');
    case 'COMPLETED':
      // What came of it, or why nothing did, lies at the other address.
      return {
        ...QUEUED,
        stage: 'running',
        ticket: { ...ticket, paths: { ...ticket.paths, poll: ticket.paths['result'] ?? '' } },
        waitMs: 0,
      };
    case 'IN_QUEUE':
      return typeof position === 'number' ? { ...QUEUED, progress: 0 } : QUEUED;
    default:
      return { ...QUEUED, stage: 'running' };
  }
}

function hasResultAddress({ paths }: ProviderTicket): boolean {
  return paths['poll'] === paths['result'];
}

export const jobs: JobProtocol = {
  pollEveryMs: { min: 500, usual: 2_000 },
  poll: ({ paths }, target) => ({
    method: 'GET',
    path: paths['poll'] ?? '',
    headers: headersOf(target),
    body: null,
  }),
  readPoll(ticket, reply) {
    const body = bodyOf(reply);
    if (!hasResultAddress(ticket)) return readStatus(ticket, body);
    return { type: 'succeeded', result: resultOf(body) };
  },
  readPollError(ticket, reply) {
    // A request that failed is told by the status of its result.
    if (!hasResultAddress(ticket) || reply.status === 401 || reply.status === 429) return null;
    if (reply.status >= 500 && reply.status !== 500) return null;
    let body: unknown;
    try {
      body = bodyOf(reply);
    } catch {
      return null;
    }
    return { type: 'failed', failure: failureOf(reply.status, body), isBilled: false };
  },
  cancel: ({ paths }, target) => ({
    method: 'PUT',
    path: paths['cancel'] ?? '',
    headers: headersOf(target),
    body: null,
  }),
};
