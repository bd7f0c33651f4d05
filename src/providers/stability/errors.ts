/**
 * Errors: `{id, name, errors: ["field: sentence"]}`
 * (https://platform.stability.ai/docs/api-reference, schemas `Error` and `ContentModerationResponse`).
 *
 * @module
 */
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { parseHttpDate, retryWaitMs } from '../../http/retry-after.ts';
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { kindOfStatus } from '../replies.ts';

/** "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for 60 seconds." */
const TIMED_OUT_MS = 60_000;
const MESSAGE_CHARACTERS_MAX = 1000;

const KIND_BY_NAME: Readonly<Record<string, ProviderFailureKind>> = {
  content_moderation: 'content_filtered',
  public_figure: 'content_filtered',
  payment_required: 'credit',
  unauthorized: 'auth',
  rate_limit_exceeded: 'rate_limited',
  internal_error: 'server_error',
};

function kindOf(status: number, name: string | null): ProviderFailureKind {
  const byName = name === null ? undefined : KIND_BY_NAME[name];
  return byName ?? kindOfStatus(status);
}

/** The field that a sentence begins with. */
function fieldOf(sentence: string | null): string | null {
  return /^([a-z_]{1,40}):/.exec(sentence ?? '')?.[1] ?? null;
}

/** The failure that a parsed error stands for. */
export function failureOf(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const error = objectOf(body);
  const name = textOf(error['name']);
  const sentences = listOf(error['errors']).flatMap((one) => textOf(one) ?? []);
  const [first = null] = sentences;
  const kind = kindOf(status, name);
  return providerFailure({
    kind,
    status,
    message:
      sentences.join(' ').slice(0, MESSAGE_CHARACTERS_MAX) ||
      `Stability answered with status ${status} and no message.`,
    providerCode: name,
    param: kind === 'invalid_request' ? fieldOf(first) : null,
    waitMs: kind === 'rate_limited' ? (waitMs ?? TIMED_OUT_MS) : waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return failureOf(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
