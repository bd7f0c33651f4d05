/**
 * Questions to a provider that cost nothing and belong to no call: which voices it has, that one of them is to go.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';
import { TransportFailure } from '../http/transport-failure.ts';
import { WholeReply } from '../http/whole-reply.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';

/** Patience with a question, in milliseconds. */
const QUESTION_MS = 15_000;

/** A provider as its codecs see it, for a question about none of its models. */
export function questionTarget(provider: ConfiguredProvider, model = ''): ProviderTarget {
  const { baseUrl, credential, settings } = provider;
  return { model, baseUrl, credential, settings };
}

/**
 * Asks once, without a repetition.
 *
 * @throws GatewayError `provider_error` where there is no 2xx reply in time
 */
export async function askProvider(
  gateway: Pick<Gateway, 'upstream' | 'wheel' | 'settings'>,
  provider: ConfiguredProvider,
  question: { readonly request: WireRequest; readonly patienceMs?: number },
): Promise<WireReply> {
  const { request, patienceMs = QUESTION_MS } = question;
  const collector = new WholeReply(gateway.settings.maxReplyBytes);
  const call = gateway.upstream.call(provider.baseUrl, request, collector);
  collector.call = call;
  const deadline = gateway.wheel.after(patienceMs, () => {
    call.cancel(new TransportFailure({ kind: 'timeout', code: 'TOTAL', replyStarted: false }));
  });
  try {
    const reply = await collector.promise;
    if (reply.status >= 200 && reply.status <= 299) return reply;
    throw unanswered(provider, `it answered ${reply.status}`);
  } catch (error) {
    if (error instanceof TransportFailure) throw unanswered(provider, error.code, error);
    throw error;
  } finally {
    deadline.cancel();
  }
}

function unanswered(
  { definition }: ConfiguredProvider,
  reason: string,
  cause?: unknown,
): GatewayError {
  return new GatewayError('provider_error', {
    message: `${definition.title} has not answered: ${reason}.`,
    ...(cause === undefined ? {} : { cause }),
  });
}
