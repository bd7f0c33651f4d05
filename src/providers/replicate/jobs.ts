/**
 * Predictions: made, asked for, cancelled, found again in the list of the newest
 * (https://replicate.com/docs/reference/http#predictions.get; recorded).
 *
 * @module
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type {
  JobLookUp,
  JobProtocol,
  JobReading,
  JobResult,
  JobStart,
  JobWebhook,
  MediaOutput,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import { providerFailure } from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import {
  isObject,
  listOf,
  objectOf,
  textOf,
  type LooseObject,
} from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { headersOf, VERSION_SEGMENT } from './request.ts';

const ID = /^[\w-]{1,128}$/;
/** Clocks differ. */
const CLOCK_SLACK_MS = 60_000;
const WEBHOOK_AGE_MAX_MS = 300_000;
const MESSAGE_CHARACTERS_MAX = 1000;

function bodyOf(reply: WireReply): LooseObject {
  const body = parsedOrUndefined(reply.body.toString('utf8'));
  if (!isObject(body)) throw malformed('Replicate answered with something that is no JSON object.');
  return body;
}

function ticketOf(prediction: LooseObject): ProviderTicket {
  const id = textOf(prediction['id']);
  if (id === null || !ID.test(id)) throw malformed('Replicate made a prediction without an id.');
  const path = `${VERSION_SEGMENT}/predictions/${id}`;
  return { id, paths: { poll: path, cancel: `${path}/cancel` } };
}

function outputOf(item: unknown): MediaOutput {
  const address = textOf(item);
  const [, mediaType, encoded] = /^data:([\w.+/-]{1,100});base64,(.*)$/s.exec(address ?? '') ?? [];
  const common = { needsCredential: false, isFlagged: null };
  if (encoded !== undefined) {
    const bytes = Buffer.from(encoded, 'base64');
    return { ...common, bytes, url: null, mediaType: mediaType ?? null };
  }
  if (address === null || !/^https?:\/\//.test(address)) {
    throw malformed('Replicate names an output that is no address.');
  }
  return { ...common, bytes: null, url: address, mediaType: null };
}

function outputsOf(prediction: LooseObject): readonly MediaOutput[] {
  const { output } = prediction;
  if (output === null || output === undefined) return [];
  const items = Array.isArray(output) ? listOf(output) : [output];
  return items.map(outputOf);
}

function resultOf(prediction: LooseObject, isPicture: boolean): JobResult {
  const outputs = outputsOf(prediction);
  if (outputs.length === 0) throw malformed('Replicate finished the prediction without an output.');
  const facts = isPicture
    ? { usage: { images: outputs.length }, modelServed: null, dimensions: {} }
    : null;
  return { outputs, transcript: null, facts };
}

/** Whether pictures are made, and so counted: clips have endings of their own. */
function hasPictures(prediction: LooseObject): boolean {
  const { output } = prediction;
  const [first] = Array.isArray(output) ? listOf(output) : [output];
  return /\.(?:png|jpe?g|webp)(?:\?|$)|^data:image\//.test(textOf(first) ?? '');
}

/** How a prediction stands. A state never seen before is a running one: the deadline bounds it. */
function readingOf(prediction: LooseObject): JobReading {
  const status = textOf(prediction['status']);
  switch (status) {
    case null:
      throw malformed('Replicate tells of a prediction without its state.');
    case 'succeeded':
      return { type: 'succeeded', result: resultOf(prediction, hasPictures(prediction)) };
    case 'failed':
    case 'aborted': {
      const message = textOf(prediction['error']) ?? `The prediction ${status}.`;
      const failure = providerFailure({
        kind: /nsfw|flagged as sensitive|safety/i.test(message)
          ? 'content_filtered'
          : 'server_error',
        status: 200,
        message: message.slice(0, MESSAGE_CHARACTERS_MAX),
        providerCode: status,
      });
      return { type: 'failed', failure, isBilled: false };
    }
    case 'canceled':
    case 'cancelled':
      return { type: 'cancelled', isBilled: false };
    default:
      return {
        type: 'pending',
        stage: status === 'starting' ? 'queued' : 'running',
        progress: progressOf(textOf(prediction['logs'])),
        ticket: null,
        waitMs: null,
      };
  }
}

/** The last ` 42%|` of a progress bar in the log; models write them as they like, or not at all. */
function progressOf(logs: string | null): number | null {
  const last = [...(logs ?? '').matchAll(/\b(\d{1,3})%\|/g)].at(-1)?.[1];
  const percent = Number(last ?? Number.NaN);
  return percent >= 0 && percent <= 100 ? percent / 100 : null;
}

/** The reply to a submission; with `Prefer: wait` the end may be there at once. */
export function readStart(reply: WireReply): JobStart {
  const prediction = bodyOf(reply);
  const ticket = ticketOf(prediction);
  const reading = readingOf(prediction);
  if (reading.type === 'succeeded' || reading.type === 'failed') return reading;
  return { type: 'accepted', ticket, reading };
}

/** What a model was asked to do, whatever the order of its members. */
function digestOf(input: unknown): string {
  const members = Object.entries(objectOf(input)).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  return hash('sha256', JSON.stringify(members), 'hex');
}

const lookUp: JobLookUp = {
  mark: (request) => {
    const body = objectOf(parsedOrUndefined(request.body?.toString('utf8') ?? ''));
    return { request, mark: digestOf(body['input']) };
  },
  request: ({ sentAfterMs, sentBeforeMs }, target) => {
    const query = new URLSearchParams({
      created_after: new Date(sentAfterMs - CLOCK_SLACK_MS).toISOString(),
      created_before: new Date(sentBeforeMs + CLOCK_SLACK_MS).toISOString(),
    });
    return {
      method: 'GET',
      path: `${VERSION_SEGMENT}/predictions?${query.toString()}`,
      headers: headersOf(target),
      body: null,
    };
  },
  next(_lost, { reply }, target) {
    const address = textOf(bodyOf(reply)['next']);
    if (address === null) return null;
    const query = URL.canParse(address) ? new URL(address).search : '';
    // Whatever else the address says: the credential goes to the provider's own origin alone.
    if (query === '') throw malformed('Replicate names a further page that is no address.');
    const path = `${VERSION_SEGMENT}/predictions${query}`;
    return { method: 'GET', path, headers: headersOf(target), body: null };
  },
  read({ model, mark }, reply) {
    const { results } = bodyOf(reply);
    if (!Array.isArray(results)) throw malformed('Replicate answered without a list.');
    const ours = results
      .map(objectOf)
      .filter((one) => textOf(one['model']) === model && digestOf(one['input']) === mark);
    const [first, second] = ours;
    if (second !== undefined) return 'unclear';
    return first === undefined ? 'none' : ticketOf(first);
  },
};

/** Standard Webhooks: `v1,<base64>` over `{id}.{timestamp}.{body}`, keyed with the decoded secret. */
function isSigned(message: Parameters<JobWebhook['read']>[0]): boolean {
  const { headers, body, secret, nowMs } = message;
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const sentAtMs = Number(timestamp) * 1000;
  if (id === '' || timestamp === '' || !Number.isFinite(sentAtMs)) return false;
  if (Math.abs(nowMs - sentAtMs) > WEBHOOK_AGE_MAX_MS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const [version, encoded = ''] = signature.split(',');
    const given = Buffer.from(encoded, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const webhook: JobWebhook = {
  subscribe(request, url) {
    const body = objectOf(parsedOrUndefined(request.body?.toString('utf8') ?? ''));
    const told = { ...body, webhook: url, webhook_events_filter: ['completed'] };
    return { ...request, body: Buffer.from(JSON.stringify(told)) };
  },
  secretSetting: 'webhookSecret',
  read(message) {
    if (!isSigned(message)) return null;
    const prediction = parsedOrUndefined(message.body.toString('utf8'));
    if (!isObject(prediction)) throw malformed('Replicate sent a message that is no object.');
    return { id: ticketOf(prediction).id, reading: readingOf(prediction) };
  },
};

export const jobs: JobProtocol = {
  pollEveryMs: { min: 500, usual: 2_000 },
  poll: ({ paths }, target) => ({
    method: 'GET',
    path: paths['poll'] ?? '',
    headers: headersOf(target),
    body: null,
  }),
  readPoll: (_ticket, reply: WireReply) => readingOf(bodyOf(reply)),
  cancel: ({ paths }, target) => ({
    method: 'POST',
    path: paths['cancel'] ?? '',
    headers: headersOf(target),
    body: null,
  }),
  lookUp,
  webhook,
};
