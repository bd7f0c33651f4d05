/**
 * Another plan for a loaded account.
 *
 * @module
 */
import { boxOf, converge, serves, siteTarget } from './boxes.ts';
import { accountFor } from './reserve.ts';
import type { Account, Counter, Memory } from './state.ts';
import { Step } from './step.ts';
import { disturbAll } from './thresholds.ts';
import type { AccountInput, Applied, JournalEntry } from './types.ts';

function convergeCounter(
  step: Step,
  account: Account,
  at: { readonly counter: Counter; readonly nowMs: number },
): void {
  const { counter, nowMs } = at;
  const limit = account.input.plan.limitsByCounter.get(counter.key);
  if (limit?.kind !== 'number') return;
  const box = boxOf(account, limit, { counter, atMs: nowMs });
  if (box === null) return;
  for (const bucket of counter.buckets) {
    if (!serves(bucket, { limit, box, atMs: nowMs })) continue;
    converge(step, bucket, siteTarget({ account, limit, box, atMs: nowMs }, bucket));
  }
}

/** What a change is entered as, even where it changes no balance. */
export type ChangeNote = Pick<JournalEntry, 'eventId' | 'body'>;

/**
 * Replaces the account and brings its live buckets to the new plan: what a limit gained is granted, what it lost
 * expires as far as it is free; the rest expires when holds release it and the bucket is next drawn from.
 *
 * @param at `change` as text is unique among all changes of plan, since the entry's id follows from it; without one the
 *   customer must not change to the same plan version twice in a millisecond
 */
export function changePlan(
  memory: Memory,
  input: AccountInput,
  at: { readonly nowMs: number; readonly change: string | ChangeNote | undefined },
): Applied<null> {
  const { nowMs, change } = at;
  const account = accountFor(memory, input.customerId);
  const before = account.input;
  const step = new Step(memory, nowMs);
  step.onUndo(() => {
    account.input = before;
    account.boxes.clear();
    disturbAll(account);
  });
  account.input = input;
  account.boxes.clear();
  disturbAll(account);
  for (const owned of account.counters.values()) {
    for (const counter of owned.values()) convergeCounter(step, account, { counter, nowMs });
  }
  if (typeof change === 'object') {
    step.enter({ ...change, kind: 'adjust', holdId: null, customerId: input.customerId });
  } else if (step.drafts.length > 0) {
    const { id, version } = input.plan;
    step.enter({
      eventId: `plan:${change ?? `${input.customerId}:${id}@${version}:${nowMs}`}`,
      kind: 'adjust',
      holdId: null,
      customerId: input.customerId,
      body: { plan: id, plan_version: version },
    });
  }
  return step.finish(null);
}
