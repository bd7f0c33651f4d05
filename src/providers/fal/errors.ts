/**
 * Errors: `{detail: "sentence"}` or `{detail: [{loc, msg, type}]}` (https://docs.fal.ai/model-apis/errors; recorded 400, 404, 422).
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
import { kindOfModelStatus } from '../replies.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

/** Types of https://docs.fal.ai/model-apis/errors that say more than the status. */
const KIND_BY_TYPE: Readonly<Record<string, ProviderFailureKind>> = {
  content_policy_violation: 'content_filtered',
  generation_timeout: 'server_error',
  downstream_service_unavailable: 'overloaded',
};

/** The failure that a parsed error stands for. */
export function failureOf(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const { detail } = objectOf(body);
  const first = objectOf(listOf(detail)[0]);
  const type = textOf(first['type']);
  const place = listOf(first['loc']).filter((step) => step !== 'body');
  const sentences = listOf(detail).flatMap((one) => textOf(objectOf(one)['msg']) ?? []);
  const message =
    textOf(detail) ?? (sentences.join(' ') || `fal answered with status ${status} and no message.`);
  return providerFailure({
    kind: (type === null ? undefined : KIND_BY_TYPE[type]) ?? kindOfModelStatus(status),
    status,
    message: message.slice(0, MESSAGE_CHARACTERS_MAX),
    providerCode: type,
    param: place.length === 0 ? null : place.join('.').slice(0, 200),
    waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return failureOf(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
