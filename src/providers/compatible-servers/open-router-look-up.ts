/**
 * Asks OpenRouter what a generation has used
 * (https://openrouter.ai/docs/api-reference/get-a-generation). It is found by OpenRouter's id alone, and some seconds
 * after its end; native counts are those that are billed.
 *
 * @module
 */
import type { CallLookUp, LookUpAnswer } from '../../contracts/call-look-up.ts';
import { ProviderFailureError, providerFailure } from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { isObject, objectOf, type LooseObject, textOf } from '../openai-compatible/loose-json.ts';

function recordOf(reply: WireReply): LooseObject | null {
  try {
    const { data } = objectOf(JSON.parse(reply.body.toString('utf8')));
    return isObject(data) ? data : null;
  } catch {
    return null;
  }
}

/** A count; null where there is none. */
function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function answerOf(record: LooseObject): LookUpAnswer | null {
  const input = countOf(record['native_tokens_prompt']);
  const output = countOf(record['native_tokens_completion']);
  if (input === null || output === null)
    return record['total_cost'] === 0 ? { type: 'not_billed' } : null;
  const cached = Math.min(input, countOf(record['native_tokens_cached']) ?? 0);
  const reasoning = Math.min(output, countOf(record['native_tokens_reasoning']) ?? 0);
  const usage = {
    input_text_tokens: input - cached,
    output_text_tokens: output - reasoning,
    ...(cached > 0 ? { cache_read_tokens: cached } : {}),
    ...(reasoning > 0 ? { reasoning_tokens: reasoning } : {}),
  };
  if (input + output === 0) return { type: 'not_billed' };
  return { type: 'billed', usage, modelServed: textOf(record['model']) };
}

export const openRouterLookUp: CallLookUp = {
  clientRequestIdHeader: null,
  request({ providerRequestId }, { credential }) {
    if (providerRequestId === null) return null;
    return {
      method: 'GET',
      path: `/v1/generation?id=${encodeURIComponent(providerRequestId)}`,
      headers: {
        accept: 'application/json',
        'user-agent': 'alwrity-gateway',
        ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      },
      body: null,
    };
  },
  read(reply) {
    if (reply.status === 404) return { type: 'not_found' };
    const record = recordOf(reply);
    const answer = record === null ? null : answerOf(record);
    if (answer !== null) return answer;
    const message = 'OpenRouter did not say what the generation has used.';
    throw new ProviderFailureError(
      providerFailure({ kind: 'malformed_reply', status: reply.status, message }),
    );
  },
};
