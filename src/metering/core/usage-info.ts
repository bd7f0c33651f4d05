/**
 * `usage_info` of refusals: the members that ALwrity's interface reads, JSON numbers as the original has them
 * (its usage limit responses, ALwrity/ALwrity at ce9bf293).
 *
 * @module
 */
import type { Assessment, Call } from './assess.ts';
import { timestamp } from './limit-status.ts';
import { meterAmountAsNumber } from './meter-amounts.ts';

type UsageInfo = Readonly<Record<string, unknown>>;

function providerOf(call: Call): string {
  const { model } = call.next;
  const slash = model.indexOf('/');
  return slash < 0 ? model : model.slice(0, slash);
}

/** Members for the limit that is named: by cost, by tokens, or by any other count. */
export function limitInfo(call: Call, assessment: Assessment, requested: bigint): UsageInfo {
  const { limit, used, held, have, size } = assessment;
  const inNumber = (amount: bigint): number => meterAmountAsNumber(limit.meter, amount);
  const current = used + held - have;
  const share = size === 0n ? 100 : Number((current * 10_000n) / size) / 100;
  const common = { limit: inNumber(size), usage_percentage: share, operation_type: call.operation };
  if (limit.meter === 'cost_usd') return { current_cost: inNumber(current), ...common };
  const provider = providerOf(call);
  if (limit.meter.endsWith('_tokens')) {
    return {
      current_tokens: inNumber(current),
      requested_tokens: inNumber(requested),
      ...common,
      provider,
    };
  }
  return { current_calls: inNumber(current), ...common, provider };
}

/** Members where the subscription does not allow calls. */
export function expiryInfo(call: Call): UsageInfo {
  const { subscription } = call.account.input;
  const common = { expired: true, operation_type: call.operation };
  if (subscription?.status === 'past_due') return { ...common, auto_renew_failed: true };
  const endMs = subscription?.cancelAtMs ?? subscription?.trialEndMs ?? null;
  return endMs === null ? common : { ...common, period_end: timestamp(endMs) };
}

/** Members where plan, model or price stand in the way. */
export function planInfo(call: Call): UsageInfo {
  return { current_calls: 0, limit: 0, provider: providerOf(call), operation_type: call.operation };
}
