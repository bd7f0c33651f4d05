/**
 * Who pays what of a settled call where credits stand behind the plan's own cost limits (`plan_then_wallet`).
 *
 * @module
 */
import { sumIn } from './assess.ts';
import { type Booked, siteOf } from './booking.ts';
import { type CompiledPlan, CREDITS } from './compiled-plan.ts';
import type { Counter, Memory, OpenHold } from './state.ts';

/**
 * Takes what credits bear off the allowances. What was reserved (or is booked already) pays first, each side its own;
 * of what goes beyond, the plan's free room bears as much as all its allowances bear, and credits the rest, into debt
 * if need be.
 *
 * @param paidBy what the counter has for this call: its legs, or what an earlier end booked
 */
export function shareCost(
  memory: Memory,
  hold: OpenHold,
  call: {
    readonly booked: readonly Booked[];
    readonly paidBy: (counter: Counter) => bigint;
    readonly nowMs: number;
  },
): readonly Booked[] {
  const { booked, paidBy, nowMs } = call;
  const credits = booked.find(({ limit }) => limit.credits);
  if (hold.plan.funding !== 'plan_then_wallet' || credits === undefined) return booked;
  const allowances = booked.filter(({ limit }) => limit.allowance);
  const lackOf = (room: (one: Booked) => bigint): bigint =>
    allowances.reduce((most, one) => {
      const lack = one.actual - paidBy(one.counter) - room(one);
      return lack > most ? lack : most;
    }, 0n);
  const reserved = paidBy(credits.counter);
  let rest = lackOf(() => 0n);
  if (rest > reserved) {
    const short = lackOf((one) => {
      const site = siteOf(memory, hold, { ...one, nowMs });
      return site === null ? 0n : sumIn(site).room;
    });
    rest = short > reserved ? short : reserved;
  }
  return booked.map((one): Booked => {
    if (one === credits) return { ...one, actual: rest };
    if (!one.limit.allowance) return one;
    return { ...one, actual: one.actual > rest ? one.actual - rest : 0n };
  });
}

/**
 * What one of the uses left draws from each counter: an equal part. Where credits stand behind allowances a use draws
 * its whole cost, from the allowance as long as that lasts: parts of both, each rounded down, would not do.
 *
 * Where candidates stand under different allowances, no counter tells what a use of the others costs, and one that is
 * used up by now tells nothing at all. There a use draws an equal part of every allowance, rounded down, and of the
 * credits, rounded up. With `a + c ≥ n × cost` of any allowance `a`, credits `c` and `n` uses: the parts `⌊a ÷ n⌋` and
 * `⌈c ÷ n⌉` bear one use, since `cost − ⌈c ÷ n⌉` is a whole number not above `a ÷ n`, and what is left bears the others.
 */
export function partOfUse(
  plan: CompiledPlan,
  reserved: ReadonlyMap<Counter, bigint>,
  left: { readonly uses: number; readonly evenly: boolean },
): Map<Counter, bigint> {
  const uses = BigInt(left.uses);
  const parts = new Map<Counter, bigint>();
  for (const [counter, amount] of reserved) parts.set(counter, amount / uses);
  if (plan.funding !== 'plan_then_wallet') return parts;
  const credits = [...reserved].find(([counter]) => counter.key === CREDITS.counterKey);
  if (credits === undefined) return parts;
  const [wallet, onCredits] = credits;
  if (left.evenly) return parts.set(wallet, (onCredits + uses - 1n) / uses);
  const allowances = [...reserved].filter(
    ([{ key }]) => plan.limitsByCounter.get(key)?.allowance === true,
  );
  // An allowance that was used up has reserved nothing: credits bear each use whole.
  let rest = allowances.length > 0 ? 0n : (onCredits + uses - 1n) / uses;
  for (const [counter, amount] of allowances) {
    const cost = (amount + onCredits + uses - 1n) / uses;
    const part = amount < cost ? amount : cost;
    parts.set(counter, part);
    if (cost - part > rest) rest = cost - part;
  }
  parts.set(wallet, rest);
  return parts;
}
