/**
 * Asks the simulator's own log what became of a call.
 *
 * @module
 */
import type { CallLookUp, LookUpAnswer } from '../../contracts/call-look-up.ts';
import { ProviderFailureError, providerFailure } from '../../contracts/provider-failure.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { isObject, listOf, type LooseObject, textOf } from '../openai-compatible/loose-json.ts';

function malformed({ status }: WireReply): ProviderFailureError {
  const message = 'The simulator did not say what became of the call.';
  return new ProviderFailureError(providerFailure({ kind: 'malformed_reply', status, message }));
}

function parsed(reply: WireReply): LooseObject {
  try {
    const body: unknown = JSON.parse(reply.body.toString('utf8'));
    if (isObject(body)) return body;
  } catch {
    // Told below.
  }
  throw malformed(reply);
}

/** The simulator's counts have parts within their totals; a usage vector has none. */
function usageOf(billed: LooseObject): UsageVector {
  const count = (name: string): number => {
    const value = billed[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  const [cached, images, audio] = [
    count('cachedTokens'),
    count('imageTokens'),
    count('audioTokens'),
  ];
  const reasoning = count('reasoningTokens');
  const usage = {
    input_text_tokens: count('inputTokens') - cached - images - audio,
    cache_read_tokens: cached,
    input_image_tokens: images,
    input_audio_tokens: audio,
    output_text_tokens: count('outputTokens') - reasoning,
    reasoning_tokens: reasoning,
    web_searches: count('searches'),
  };
  return Object.fromEntries(Object.entries(usage).filter(([, amount]) => amount > 0));
}

function answerOf(calls: readonly LooseObject[]): LookUpAnswer {
  const [call] = calls;
  if (call === undefined) return { type: 'not_found' };
  if (call['outcome'] === 'open') return { type: 'unknown' };
  const { billed } = call;
  if (!isObject(billed)) return { type: 'not_billed' };
  return { type: 'billed', usage: usageOf(billed), modelServed: textOf(call['model']) };
}

/** A simulator that began after the call was made knows nothing of it, whatever happened. */
export const simLookUp: CallLookUp = {
  clientRequestIdHeader: 'x-client-request-id',
  request: ({ clientRequestId }) => ({
    method: 'GET',
    path: `/__simulator/calls/${encodeURIComponent(clientRequestId)}`,
    headers: { accept: 'application/json' },
    body: null,
  }),
  read(reply, { sinceMs }) {
    const body = parsed(reply);
    const { started_at_ms: startedAtMs, data } = body;
    if (typeof startedAtMs !== 'number' || !Array.isArray(data)) throw malformed(reply);
    const answer = answerOf(listOf(data).filter(isObject));
    return answer.type === 'not_found' && startedAtMs > sinceMs ? { type: 'unknown' } : answer;
  },
};
