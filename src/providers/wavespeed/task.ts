/**
 * Tasks as WaveSpeed tells of them: `{code, message, data: {id, status, outputs, error, has_nsfw_contents, urls}}`
 * (https://wavespeed.ai/docs/docs-api/webapp/get-result; recorded reply to a submission).
 *
 * @module
 */
import type { JobReading, JobResult, MediaOutput } from '../../contracts/job-provider.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { TranscriptionResult } from '../../contracts/transcription-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import {
  isObject,
  listOf,
  objectOf,
  textOf,
  type LooseObject,
} from '../openai-compatible/loose-json.ts';
import { malformed } from '../replies.ts';
import { bodyFailure, taskFailure } from './errors.ts';

/** `data` of a reply. @throws ProviderFailureError where the reply is malformed, or an error under status 200 */
export function dataOf(reply: WireReply): LooseObject {
  let body: unknown;
  try {
    body = JSON.parse(reply.body.toString('utf8'));
  } catch (error) {
    throw malformed('WaveSpeed answered with something that is not JSON.', error);
  }
  if (!isObject(body)) throw malformed('WaveSpeed answered with JSON that is no object.');
  const { code, data } = body;
  // A task that failed has a code of its own in `data`; this one is of the call.
  if (typeof code === 'number' && code >= 400 && !isObject(data)) {
    throw new ProviderFailureError(bodyFailure(reply.status, body));
  }
  if (!isObject(data)) throw malformed('WaveSpeed answered without data.');
  return data;
}

const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
const DATA_URL = /^data:([\w.+/-]{1,100});base64,/;

/** An address, an object with one, a data URL, or bare base64. */
function outputOf(item: unknown, isFlagged: boolean | null): MediaOutput {
  const text = textOf(item) ?? textOf(objectOf(item)['url']);
  if (text === null) throw malformed('WaveSpeed names an output that is none.');
  if (/^https?:\/\//.test(text)) {
    return { bytes: null, url: text, needsCredential: false, mediaType: null, isFlagged };
  }
  const [prefix = '', mediaType = null] = DATA_URL.exec(text) ?? [];
  const encoded = text.slice(prefix.length);
  if (!BASE64.test(encoded.replaceAll(/\s/g, ''))) {
    throw malformed('WaveSpeed names an output that is no address.');
  }
  const bytes = Buffer.from(encoded, 'base64');
  return { bytes, url: null, needsCredential: false, mediaType, isFlagged };
}

/** `{text}` of a recogniser; segments where times were asked for. */
function transcriptOf(outputs: unknown): TranscriptionResult | null {
  const found = isObject(outputs) ? outputs : objectOf(listOf(outputs)[0]);
  const text = textOf(found['text']);
  if (text === null) return null;
  const segments = listOf(found['segments'] ?? found['chunks']).flatMap((item) => {
    const { start, end, text: said } = objectOf(item);
    if (typeof start !== 'number' || typeof end !== 'number' || typeof said !== 'string') return [];
    return [{ start, end, text: said, speaker: null, details: {} }];
  });
  return {
    text,
    language: textOf(found['language']),
    duration: null,
    segments: segments.length === 0 ? null : segments,
    words: null,
    reported: null,
    usage: {},
    modelServed: null,
    dimensions: {},
  };
}

function resultOf(task: LooseObject): JobResult {
  const { outputs } = task;
  const transcript = transcriptOf(outputs);
  if (transcript !== null) return { outputs: [], transcript, facts: null };
  const flags = listOf(task['has_nsfw_contents']);
  const items = Array.isArray(outputs) ? outputs : listOf(outputs === undefined ? [] : [outputs]);
  const made = items.map((item, at) => {
    const flag = flags[at];
    return outputOf(item, typeof flag === 'boolean' ? flag : null);
  });
  if (made.length === 0) throw malformed('WaveSpeed finished the task without an output.');
  return { outputs: made, transcript: null, facts: null };
}

const QUEUED = new Set(['created', 'queued', 'pending']);

/** How a task stands. A state never seen before is a running one: the deadline bounds it. */
export function readingOf(task: LooseObject): JobReading {
  const status = textOf(task['status']);
  switch (status) {
    case null:
      throw malformed('WaveSpeed tells of a task without its state.');
    case 'completed':
      return { type: 'succeeded', result: resultOf(task) };
    case 'failed':
    case 'timeout':
      // Tasks that fail are not charged: https://wavespeed.ai/docs/billing
      return { type: 'failed', failure: taskFailure(task), isBilled: false };
    case 'cancelled':
    case 'canceled':
      return { type: 'cancelled', isBilled: false };
    case 'deleted':
      return { type: 'expired' };
    default:
      return {
        type: 'pending',
        stage: QUEUED.has(status) ? 'queued' : 'running',
        progress: null,
        ticket: null,
        waitMs: null,
      };
  }
}
