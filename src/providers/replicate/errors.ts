/**
 * Errors: `{title, detail, status, invalid_fields}` (https://replicate.com/docs/reference/http#errors; recorded 422).
 *
 * @module
 */
import { providerFailure, type ProviderFailure } from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { parseHttpDate, retryWaitMs } from '../../http/retry-after.ts';
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { kindOfModelStatus } from '../replies.ts';

const MESSAGE_CHARACTERS_MAX = 1000;

/** `ratelimit-reset`: seconds until there is room again. */
function resetMs(reply: WireReply): number | null {
  const seconds = Number(reply.headers['ratelimit-reset'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Reads a reply that is not 2xx. */
export function readError(reply: WireReply): ProviderFailure {
  const { status, headers } = reply;
  const body = objectOf(parsedOrUndefined(reply.body.toString('utf8')));
  const field = objectOf(listOf(body['invalid_fields'])[0]);
  const kind = kindOfModelStatus(status);
  const wait = retryWaitMs(headers, parseHttpDate(headers['date'] ?? ''));
  return providerFailure({
    kind,
    status,
    message: (
      textOf(body['detail']) ??
      textOf(body['title']) ??
      `Replicate answered with status ${status} and no message.`
    )
      .trim()
      .slice(0, MESSAGE_CHARACTERS_MAX),
    providerCode: textOf(field['type']) ?? textOf(body['title']),
    param: textOf(field['field']),
    waitMs: wait ?? (kind === 'rate_limited' ? resetMs(reply) : null),
  });
}
