/**
 * Calls of the job machinery to providers that bring a short reply: submissions, polls, cancellations, look-ups.
 *
 * @module
 */
import type { SlotTable } from '../../collections/slot-table.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { WireReply, WireRequest } from '../../contracts/wire.ts';
import { TransportFailure } from '../../http/transport-failure.ts';
import { WholeReply } from '../../http/whole-reply.ts';
import type { AttemptFailure } from '../attempt-result.ts';
import type { ConfiguredProvider, Gateway } from '../gateway.ts';

/** A 2xx reply, or why there is none. */
export type ProviderAnswer =
  | { readonly type: 'reply'; readonly reply: WireReply }
  | {
      readonly type: 'failed';
      readonly failure: AttemptFailure;
      readonly status: number | null;
      /** What came with a status that is not 2xx; null where nothing came, or nothing that can be read. */
      readonly reply: WireReply | null;
    };

/** Calls a provider once; failures are values. `interrupts`: where what cuts the call off is kept while it runs. */
export async function callProvider(
  gateway: Pick<Gateway, 'upstream' | 'wheel' | 'settings'>,
  provider: ConfiguredProvider,
  ask: {
    readonly request: WireRequest;
    readonly timeoutMs: number;
    readonly interrupts: SlotTable<() => void>;
  },
): Promise<ProviderAnswer> {
  const collector = new WholeReply(gateway.settings.maxReplyBytes);
  const call = gateway.upstream.call(provider.baseUrl, ask.request, collector);
  collector.call = call;
  const deadline = gateway.wheel.after(ask.timeoutMs, () => {
    call.cancel(new TransportFailure({ kind: 'timeout', code: 'TOTAL', replyStarted: false }));
  });
  const interrupt = (): void => {
    call.cancel(new TransportFailure({ kind: 'cancelled', code: 'DRAINING', replyStarted: false }));
  };
  const slot = ask.interrupts.add(interrupt);
  try {
    const reply = await collector.promise;
    if (reply.status >= 200 && reply.status <= 299) return { type: 'reply', reply };
    const failure = provider.definition.readError(reply);
    return {
      type: 'failed',
      failure: { source: 'provider', failure },
      status: reply.status,
      reply,
    };
  } catch (error) {
    if (!(error instanceof TransportFailure)) throw error;
    return {
      type: 'failed',
      failure: { source: 'transport', failure: error },
      status: null,
      reply: null,
    };
  } finally {
    deadline.cancel();
    ask.interrupts.take(slot);
  }
}

/** Reads a reply with an adapter; what it cannot read is a failure like any other. */
export function readReply<Value>(
  { reply }: Extract<ProviderAnswer, { type: 'reply' }>,
  read: (reply: WireReply) => Value,
): { readonly type: 'read'; readonly value: Value } | Extract<ProviderAnswer, { type: 'failed' }> {
  try {
    return { type: 'read', value: read(reply) };
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    const failure = { source: 'provider', failure: error.failure } as const;
    return { type: 'failed', failure, status: reply.status, reply: null };
  }
}
