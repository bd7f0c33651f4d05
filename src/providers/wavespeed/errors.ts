/**
 * Errors: `{code, message}` with an HTTP status, and task codes inside a task that failed
 * (https://wavespeed.ai/docs/error-codes).
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
import { objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { kindOfModelStatus } from '../replies.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

/** 1200 moderation, 1400 missing and 1401 wrong parameter, 1402 a medium that it cannot fetch, 5003 no capacity. */
const KIND_BY_TASK_CODE: Readonly<Record<number, ProviderFailureKind>> = {
  1200: 'content_filtered',
  1400: 'invalid_request',
  1401: 'invalid_request',
  1402: 'invalid_request',
  5003: 'overloaded',
};

/** The failure of a task that ended without a result. */
export function taskFailure(task: Readonly<Record<string, unknown>>): ProviderFailure {
  const code = typeof task['code'] === 'number' ? task['code'] : null;
  const message = textOf(task['error']) ?? 'The task failed, and WaveSpeed does not say why.';
  return providerFailure({
    kind: (code === null ? undefined : KIND_BY_TASK_CODE[code]) ?? 'server_error',
    status: 200,
    message: message.slice(0, MESSAGE_CHARACTERS_MAX),
    providerCode: code === null ? textOf(task['status']) : String(code),
  });
}

/** The failure that an error body stands for. */
export function bodyFailure(
  status: number,
  body: unknown,
  waitMs: number | null = null,
): ProviderFailure {
  const error = objectOf(body);
  const code = typeof error['code'] === 'number' ? error['code'] : null;
  const taskKind = code === null ? undefined : KIND_BY_TASK_CODE[code];
  const errorCode = textOf(error['error_code']) ?? (code === null ? null : String(code));
  return providerFailure({
    kind: taskKind ?? kindOfModelStatus(status === 200 ? (code ?? 500) : status),
    status,
    message: (
      textOf(error['message']) ?? `WaveSpeed answered with status ${status} and no message.`
    ).slice(0, MESSAGE_CHARACTERS_MAX),
    providerCode: errorCode,
    waitMs,
  });
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const wait = retryWaitMs(reply.headers, parseHttpDate(reply.headers['date'] ?? ''));
  return bodyFailure(reply.status, parsedOrUndefined(reply.body.toString('utf8')), wait);
}
