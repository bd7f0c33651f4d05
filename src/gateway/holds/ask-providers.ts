/**
 * Asks the providers of one call what became of it.
 *
 * @module
 */
import { amountsOf } from '../../catalog/bound.ts';
import { billedUsage, costNanoUsd } from '../../catalog/price.ts';
import type { PriceItem } from '../../catalog/price-item.ts';
import {
  type CallReference,
  clientRequestIdOf,
  type LookUpAnswer,
} from '../../contracts/call-look-up.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { TransportFailure } from '../../http/transport-failure.ts';
import { WholeReply } from '../../http/whole-reply.ts';
import type { OpenHoldView } from '../../metering/ledger-operations-port.ts';
import type { Charge } from '../../metering/ports.ts';
import { MAX_ATTEMPTS } from '../../routing/index.ts';
import { chargedPrice } from '../charged-price.ts';
import type { ConfiguredProvider, Gateway } from '../gateway.ts';

/** What all that could be learned comes to. */
export type Verdict =
  /** What the providers billed. */
  | { readonly type: 'billed'; readonly charges: readonly Charge[] }
  /** They billed nothing. */
  | { readonly type: 'not_billed' }
  /** No provider has a record of it: proof only once their records have caught up. */
  | { readonly type: 'not_found' }
  /** Ask again. */
  | { readonly type: 'later' }
  /** One of them cannot be asked, or what it billed cannot be priced: the policy must do. */
  | { readonly type: 'cannot' };

export type Asking = Pick<
  Gateway,
  'providers' | 'upstream' | 'wheel' | 'catalog' | 'priceRules' | 'directory'
>;

const ANSWER_MS = 15_000;
/** A record of one call is small. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** One provider that may have been called, and the model that it was asked for. */
interface Asked {
  readonly provider: ConfiguredProvider;
  readonly model: string;
}

type Billed = Extract<LookUpAnswer, { readonly type: 'billed' }>;

/** Null where one of the providers is not configured any more, or keeps no records. */
function askedOf({ providers }: Asking, { models }: OpenHoldView): readonly Asked[] | null {
  const byProvider = new Map<string, Asked>();
  for (const name of models) {
    const slash = name.indexOf('/');
    const id = name.slice(0, slash);
    const provider = providers.get(id);
    if (provider?.definition.lookUp === undefined) return null;
    if (!byProvider.has(id)) byProvider.set(id, { provider, model: name.slice(slash + 1) });
  }
  return byProvider.size === 0 ? null : [...byProvider.values()];
}

async function fetchAnswer(
  { upstream, wheel }: Asking,
  { provider }: Asked,
  { request, reference }: { readonly request: WireRequest; readonly reference: CallReference },
): Promise<LookUpAnswer> {
  const collector = new WholeReply(MAX_ANSWER_BYTES);
  const call = upstream.call(provider.baseUrl, request, collector);
  collector.call = call;
  const deadline = wheel.after(ANSWER_MS, () => {
    call.cancel(new TransportFailure({ kind: 'timeout', code: 'TOTAL', replyStarted: false }));
  });
  try {
    const reply = await collector.promise;
    const isRead = reply.status === 404 || (reply.status >= 200 && reply.status <= 299);
    return isRead
      ? (provider.definition.lookUp?.read(reply, reference) ?? { type: 'unknown' })
      : { type: 'unknown' };
  } catch (error) {
    if (error instanceof TransportFailure || error instanceof ProviderFailureError) {
      return { type: 'unknown' };
    }
    throw error;
  } finally {
    deadline.cancel();
  }
}

/** Every attempt that the provider may have got; null where it cannot be asked for them. */
async function answersOf(
  asking: Asking,
  hold: Pick<OpenHoldView, 'requestId' | 'createdAtMs' | 'providerRequestId'>,
  asked: Asked,
): Promise<readonly LookUpAnswer[] | null> {
  const { definition, baseUrl, credential, settings } = asked.provider;
  const target = { model: asked.model, baseUrl, credential, settings };
  const attempts = definition.lookUp?.clientRequestIdHeader === null ? 1 : MAX_ATTEMPTS;
  const answers: LookUpAnswer[] = [];
  for (let n = 1; n <= attempts; n += 1) {
    const reference = {
      clientRequestId: clientRequestIdOf(hold.requestId, n),
      providerRequestId: hold.providerRequestId,
      sinceMs: hold.createdAtMs,
    };
    const request = definition.lookUp?.request(reference, target) ?? null;
    if (request === null) return null;
    answers.push(await fetchAnswer(asking, asked, { request, reference }));
  }
  return answers;
}

function priceOf(
  asking: Asking,
  hold: OpenHoldView,
  { provider, model }: { readonly provider: string; readonly model: string },
): PriceItem | null {
  const customer = asking.directory.customer(hold.customerId);
  if (customer === null) return null;
  const payer = { customer, planId: hold.planId };
  return chargedPrice(asking, payer, { provider, model, atMs: hold.createdAtMs });
}

/** Null where what was billed has no price. */
function chargeOf(
  asking: Asking,
  hold: OpenHoldView,
  billed: { readonly asked: Asked; readonly answer: Billed; readonly isLast: boolean },
): Charge | null {
  const { asked, answer } = billed;
  const provider = asked.provider.definition.id;
  const served = answer.modelServed;
  const price =
    (served === null ? null : priceOf(asking, hold, { provider, model: served })) ??
    priceOf(asking, hold, { provider, model: asked.model });
  if (price === null) return null;
  const usage = billedUsage(price, answer.usage);
  return {
    model: `${provider}/${asked.model}`,
    amounts: amountsOf(usage, costNanoUsd(price, usage), billed.isLast ? 1 : 0),
  };
}

/** Asks all providers that the hold covers. Nothing is booked here. */
export async function askProviders(asking: Asking, hold: OpenHoldView): Promise<Verdict> {
  // Media are priced by what was asked for, which no record tells; work of jobs is followed by them.
  if (hold.operation !== 'text.generate') return { type: 'cannot' };
  const all = askedOf(asking, hold);
  if (all === null) return { type: 'cannot' };
  const billed: { readonly asked: Asked; readonly answer: Billed }[] = [];
  let isFound = false;
  for (const asked of all) {
    // The id is of the attempt that ran last, at whichever provider that was.
    const providerRequestId = all.length === 1 ? hold.providerRequestId : null;
    const answers = await answersOf(asking, { ...hold, providerRequestId }, asked);
    if (answers === null) return { type: 'cannot' };
    for (const answer of answers) {
      if (answer.type === 'unknown') return { type: 'later' };
      if (answer.type !== 'not_found') isFound = true;
      if (answer.type === 'billed') billed.push({ asked, answer });
    }
  }
  if (billed.length === 0) return { type: isFound ? 'not_billed' : 'not_found' };
  const charges = billed.flatMap((one, index): readonly Charge[] => {
    const charge = chargeOf(asking, hold, { ...one, isLast: index === billed.length - 1 });
    return charge === null ? [] : [charge];
  });
  return charges.length < billed.length ? { type: 'cannot' } : { type: 'billed', charges };
}
