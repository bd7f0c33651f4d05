/**
 * What a plan would have done with use that is known by the hour.
 *
 * An hour in which a box begins counts to that box. What no rollup tells apart is not judged: single calls, rates,
 * concurrency, tags and client tokens; and what would have rolled over from box to box.
 *
 * @module
 */
import type { Operation } from '../../contracts/metering.ts';
import type { PreviewBreach, PreviewEffect, PreviewFinding } from '../plan-preview-port.ts';
import type { MeterAmounts } from '../ports.ts';
import { bucketed, type CompiledLimit, type CompiledPlan } from './compiled-plan.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import type { WindowOf } from './types.ts';
import { HOUR_MS, rollingSpan } from './windows.ts';

/** Use of one key, operation and model in one UTC hour. */
export interface PastHour {
  readonly hourMs: number;
  readonly keyId: string;
  readonly operation: Operation;
  readonly model: string;
  readonly amounts: MeterAmounts;
}

/** Why a limit is not judged; null: it is. */
export function notJudged(limit: CompiledLimit): 'window' | 'scope' | null {
  if (limit.scope.kind !== 'customer' && limit.scope.kind !== 'key') return 'scope';
  return limit.kind === 'number' && !bucketed(limit.windowKind) ? 'window' : null;
}

interface Tally {
  readonly limit: CompiledLimit;
  readonly keyId: string | null;
  readonly startMs: number;
  readonly endMs: number | null;
  used: bigint;
  /** Hour in which use went beyond the amount. */
  beyondAtMs: number | null;
}

interface Box {
  readonly startMs: number;
  readonly endMs: number | null;
}

const WITHOUT_END: Box = { startMs: 0, endMs: null };

/** Use as the limits of one plan count it. */
interface PlanUse {
  /** By counter, owner and box. */
  readonly tallies: ReadonlyMap<string, Tally>;
  /** Requests by model that the plan does not allow. */
  readonly models: ReadonlyMap<string, number>;
}

/**
 * Boxes of one plan's limits. Hours come in order, so the last box of a window is mostly the next hour's, too; those of
 * rolling windows open with the first use.
 */
class Boxes {
  readonly #windowOf: WindowOf;
  readonly #last = new Map<string, Box>();

  constructor(windowOf: WindowOf) {
    this.#windowOf = windowOf;
  }

  /** @param owner names the counter and whose it is */
  boxOf({ window, windowKind }: CompiledLimit, owner: string, hourMs: number): Box {
    switch (windowKind.kind) {
      case 'period':
        return this.#kept(window, hourMs + HOUR_MS - 1, (atMs) => this.#windowOf('period', atMs));
      case 'calendar':
        return this.#kept(window, hourMs + HOUR_MS - 1, (atMs) =>
          this.#windowOf(windowKind.unit, atMs),
        );
      case 'rolling':
        return this.#kept(owner, hourMs, (atMs) => rollingSpan(windowKind.lengthMs, atMs));
      case 'lifetime':
      case 'call':
      case 'minute':
      case 'concurrent':
        return WITHOUT_END;
      default:
        return windowKind satisfies never;
    }
  }

  #kept(name: string, atMs: number, find: (atMs: number) => Box): Box {
    const last = this.#last.get(name);
    if (last !== undefined && last.endMs !== null && last.startMs <= atMs && atMs < last.endMs) {
      return last;
    }
    const box = find(atMs);
    this.#last.set(name, box);
    return box;
  }
}

function isBeyond({ limit, used }: Tally): boolean {
  return limit.kind === 'disabled' ? used > 0n : used > limit.amount;
}

function count(
  tallies: Map<string, Tally>,
  { limit, keyId, box }: { limit: CompiledLimit; keyId: string | null; box: Box },
  { amount, hourMs }: { amount: bigint; hourMs: number },
): void {
  const key = `${limit.counterKey}\n${keyId ?? ''}\n${box.startMs}`;
  let tally = tallies.get(key);
  if (tally === undefined) {
    tally = { limit, keyId, startMs: box.startMs, endMs: box.endMs, used: 0n, beyondAtMs: null };
    tallies.set(key, tally);
  }
  tally.used += amount;
  if (tally.beyondAtMs === null && isBeyond(tally)) tally.beyondAtMs = hourMs;
}

/** Counts use, oldest hour first, as a plan would have. */
function useUnder(plan: CompiledPlan, hours: readonly PastHour[], windowOf: WindowOf): PlanUse {
  const tallies = new Map<string, Tally>();
  const models = new Map<string, number>();
  const boxes = new Boxes(windowOf);
  for (const { hourMs, keyId, operation, model, amounts } of hours) {
    const match = plan.match(operation, model);
    if (!match.modelAllowed) {
      models.set(model, (models.get(model) ?? 0) + Number(amounts.requests ?? 0n));
      continue;
    }
    for (const limit of match.limits) {
      const amount = amounts[limit.meter] ?? 0n;
      if (amount === 0n || limit.credits || notJudged(limit) !== null) continue;
      const owner = limit.scope.kind === 'key' ? keyId : null;
      const box = boxes.boxOf(limit, `${limit.counterKey}\n${owner ?? ''}`, hourMs);
      count(tallies, { limit, keyId: owner, box }, { amount, hourMs });
    }
  }
  return { tallies, models };
}

/** A limit's amount as replies show it. */
export function amountText({ kind, meter, amount }: CompiledLimit): string {
  return kind === 'number' ? formatMeterAmount(meter, amount) : kind;
}

function effectOf({ limit, used }: Tally): PreviewEffect {
  if (limit.kind === 'disabled') return 'refused';
  if (limit.onBreach === 'soft') return 'marked';
  if (limit.allowance) return 'credits';
  return limit.overageCap !== null && used <= limit.amount + limit.overageCap
    ? 'overage'
    : 'refused';
}

/** The most it would have admitted; null: without end. */
function ceilingOf({ kind, amount, overageCap, onBreach }: CompiledLimit): bigint | null {
  if (kind === 'disabled') return 0n;
  return kind === 'unlimited' || onBreach === 'soft' ? null : amount + (overageCap ?? 0n);
}

/** Nine tenths: admission counts upper bounds, so few customers ever reach the last unit of a limit. */
function isNear(tally: Tally): boolean {
  const ceiling = ceilingOf(tally.limit);
  return ceiling !== null && tally.limit.kind === 'number' && tally.used * 10n >= ceiling * 9n;
}

function isRaised(now: CompiledLimit, after: CompiledLimit | undefined): boolean {
  if (after === undefined) return true;
  const [most, next] = [ceilingOf(now), ceilingOf(after)];
  return most !== null && (next === null || next > most);
}

/** Tallies of one limit and owner, most use first. */
function byCounter(tallies: Iterable<Tally>): readonly (readonly [Tally, ...Tally[]])[] {
  const groups = new Map<string, [Tally, ...Tally[]]>();
  for (const tally of tallies) {
    const key = `${tally.limit.counterKey}\n${tally.keyId ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [tally]);
    else if (tally.used > group[0].used) group.unshift(tally);
    else group.push(tally);
  }
  return [...groups.values()];
}

function findingOf(
  [worst, ...others]: readonly [Tally, ...Tally[]],
  amounts: { readonly now: CompiledLimit | undefined; readonly after: CompiledLimit | undefined },
): PreviewFinding {
  const { limit, keyId, used, startMs, endMs } = worst;
  const { now, after } = amounts;
  return {
    limitId: limit.id,
    meter: limit.meter,
    window: limit.window,
    keyId,
    now: now === undefined ? null : amountText(now),
    after: after === undefined ? null : amountText(after),
    times: 1 + others.length,
    used: formatMeterAmount(limit.meter, used),
    box: { startMs, endMs },
  };
}

/** What changes for one customer between the plan it has and the one it would have. */
export interface PlanComparison {
  readonly breaches: readonly PreviewBreach[];
  readonly relieved: readonly PreviewFinding[];
  readonly models: readonly { readonly model: string; readonly requests: number }[];
}

function firstBeyondMs(tallies: readonly Tally[]): number {
  return Math.min(...tallies.map(({ beyondAtMs }) => beyondAtMs ?? Infinity));
}

/**
 * Judges use by both plans. Boxes that ended before `fromMs` are left out.
 *
 * @param hours oldest first
 */
export function comparePlans(
  plans: { readonly now: CompiledPlan; readonly after: CompiledPlan },
  hours: readonly PastHour[],
  { windowOf, fromMs }: { readonly windowOf: WindowOf; readonly fromMs: number },
): PlanComparison {
  const usedNow = useUnder(plans.now, hours, windowOf);
  const usedAfter = useUnder(plans.after, hours, windowOf);
  const counts = ({ endMs }: Tally): boolean => endMs === null || endMs > fromMs;
  const beyond = [...usedAfter.tallies.values()].filter(
    (tally) => counts(tally) && isBeyond(tally),
  );
  const near = [...usedNow.tallies.values()].filter(
    (tally) =>
      counts(tally) &&
      isNear(tally) &&
      isRaised(tally.limit, plans.after.limitsByCounter.get(tally.limit.counterKey)),
  );
  const alreadyBeyond = new Set(
    [...usedNow.tallies].filter(([, tally]) => isBeyond(tally)).map(([key]) => key),
  );
  const keyOf = ({ limit, keyId, startMs }: Tally): string =>
    `${limit.counterKey}\n${keyId ?? ''}\n${startMs}`;
  return {
    breaches: byCounter(beyond).map((group) => {
      const { limit } = group[0];
      const now = plans.now.limitsByCounter.get(limit.counterKey);
      return {
        ...findingOf(group, { now, after: limit }),
        effect: effectOf(group[0]),
        firstAtMs: firstBeyondMs(group),
        already: group.every((tally) => alreadyBeyond.has(keyOf(tally))),
      };
    }),
    relieved: byCounter(near).map((group) => {
      const { limit } = group[0];
      const after = plans.after.limitsByCounter.get(limit.counterKey);
      return findingOf(group, { now: limit, after });
    }),
    models: [...usedAfter.models].map(([model, requests]) => ({ model, requests })),
  };
}
