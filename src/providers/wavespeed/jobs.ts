/**
 * Every call of WaveSpeed's is a task: submitted, asked for at `GET /predictions/{id}/result`, found again in the list of the last
 * seven days when the reply to its submission was lost. It cannot be cancelled.
 *
 * @module
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type {
  JobLookUp,
  JobProtocol,
  JobStart,
  JobWebhook,
  LostSubmission,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { isObject, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { headersOf, jsonPost, VERSION_SEGMENT } from './request.ts';
import { dataOf, readingOf } from './task.ts';

const ID = /^[\w-]{1,128}$/;
/** Clocks differ, and the list rounds. */
const CLOCK_SLACK_MS = 60_000;
const PAGE_SIZE = 100;
const WEBHOOK_AGE_MAX_MS = 300_000;

function ticketOf(id: string | null): ProviderTicket {
  if (id === null || !ID.test(id)) throw malformed('WaveSpeed accepted the task without an id.');
  return { id, paths: { poll: `${VERSION_SEGMENT}/predictions/${id}/result` } };
}

/** The reply to a submission. */
export function readStart(reply: WireReply): JobStart {
  const task = dataOf(reply);
  const ticket = ticketOf(textOf(task['id']));
  const reading = readingOf(task);
  // In sync mode the end may be there at once.
  if (reading.type === 'succeeded' || reading.type === 'failed') return reading;
  return { type: 'accepted', ticket, reading };
}

/** What a task was asked to do, whatever the order of its members. */
function digestOf(input: unknown): string {
  const members = Object.entries(objectOf(input)).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  return hash('sha256', JSON.stringify(members), 'hex');
}

/** Tasks of a model around the time of a submission, newest first. */
function listRequest(
  { model, sentAfterMs, sentBeforeMs }: LostSubmission,
  target: ProviderTarget,
  page: number,
): WireRequest {
  return jsonPost(target, '/predictions', {
    page,
    page_size: PAGE_SIZE,
    model,
    created_after: new Date(sentAfterMs - CLOCK_SLACK_MS).toISOString(),
    created_before: new Date(sentBeforeMs + CLOCK_SLACK_MS).toISOString(),
  });
}

function itemsOf(reply: WireReply): readonly unknown[] {
  const { items } = dataOf(reply);
  if (!Array.isArray(items)) throw malformed('WaveSpeed answered without a list of tasks.');
  return items;
}

const lookUp: JobLookUp = {
  mark: (request) => ({
    request,
    mark: digestOf(parsedOrUndefined(request.body?.toString('utf8') ?? '')),
  }),
  request: (lost, target) => listRequest(lost, target, 1),
  next: (lost, { reply, number }, target) =>
    itemsOf(reply).length < PAGE_SIZE ? null : listRequest(lost, target, number + 1),
  read({ model, mark }, reply) {
    const tasks = itemsOf(reply)
      .map(objectOf)
      .filter((task) => textOf(task['model']) === model);
    if (tasks.length === 0) return 'none';
    // Not every list repeats what a task was asked to do; without it, two tasks cannot be told apart.
    const isTold = tasks.every((task) => isObject(task['input']));
    const ours = isTold ? tasks.filter((task) => digestOf(task['input']) === mark) : tasks;
    const [first, second] = ours;
    if (first === undefined) return 'none';
    if (second !== undefined) return 'unclear';
    return ticketOf(textOf(first['id']));
  },
};

/** `v3,<hex>` over `{id}.{timestamp}.{body}`; the secret counts without its `whsec_`, as it is and not decoded. */
function isSigned(message: Parameters<JobWebhook['read']>[0]): boolean {
  const { headers, body, secret, nowMs } = message;
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const sentAtMs = Number(timestamp) * 1000;
  if (id === '' || !Number.isFinite(sentAtMs)) return false;
  if (Math.abs(nowMs - sentAtMs) > WEBHOOK_AGE_MAX_MS) return false;
  const expected = createHmac('sha256', secret.replace(/^whsec_/, ''))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const [version, hex = ''] = signature.split(',');
    const given = Buffer.from(hex, 'hex');
    return version === 'v3' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

const webhook: JobWebhook = {
  subscribe(request, url) {
    const [path = '', query = ''] = request.path.split('?');
    const parameters = new URLSearchParams(query);
    parameters.set('webhook', url);
    return { ...request, path: `${path}?${parameters.toString()}` };
  },
  secretSetting: 'webhookSecret',
  read(message) {
    if (!isSigned(message)) return null;
    const parsed = parsedOrUndefined(message.body.toString('utf8'));
    if (!isObject(parsed)) throw malformed('WaveSpeed sent a message that is no object.');
    const task = isObject(parsed['data']) ? parsed['data'] : parsed;
    return { id: ticketOf(textOf(task['id'])).id, reading: readingOf(task) };
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
  readPoll: (_ticket, reply) => readingOf(dataOf(reply)),
  lookUp,
  webhook,
};
