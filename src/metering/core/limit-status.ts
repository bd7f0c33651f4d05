/**
 * Limits as callers see them.
 *
 * @module
 */
import type { LimitStatus } from '../../contracts/limit-status.ts';
import { cellOf, type Standing, standingOf } from './assess.ts';
import type { CompiledLimit } from './compiled-plan.ts';
import { drainMs, waitMs } from './gcra.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import { type Account, type Counter, findCounter, ownerOf } from './state.ts';

/** RFC 3339 in UTC, without a fraction where there is none. */
export function timestamp(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

function scopeText(limit: CompiledLimit, ownerId: string): string {
  // The owner of a tag's counter is `<customer>#tag:<name>=<value>`.
  return limit.scope.kind === 'tag' ? ownerId.slice(ownerId.indexOf('#') + 1) : limit.scope.kind;
}

export interface StatusQuery {
  readonly limit: CompiledLimit;
  readonly ownerId: string;
  readonly counter: Counter | undefined;
  readonly standing: Standing;
  /** What a call asks of the limit; null where nothing is asked. */
  readonly requested: bigint | null;
  readonly nowMs: number;
}

/** When the limit gives way, in milliseconds since the epoch: what is asked fits, or all is free; null: never by itself. */
export function resetsAtMs(query: Omit<StatusQuery, 'ownerId'>): number | null {
  const { limit, counter, standing, requested, nowMs } = query;
  if (limit.windowKind.kind === 'minute' && limit.kind === 'number') {
    const cell = cellOf(counter, limit);
    const asked = requested === null ? null : requested - standing.have;
    if (asked === null || asked > limit.amount) return nowMs + drainMs(cell, nowMs);
    return nowMs + waitMs(cell, asked, nowMs);
  }
  const { box } = standing;
  if (box === null) return null;
  const unopened =
    limit.windowKind.kind === 'rolling' &&
    counter?.buckets.some((bucket) => bucket.windowId === box.id) !== true;
  return unopened ? null : box.endMs;
}

export function limitStatus(query: StatusQuery): LimitStatus {
  const { limit, standing, requested } = query;
  const format = (amount: bigint): string => formatMeterAmount(limit.meter, amount);
  const resetsAt = resetsAtMs(query);
  return {
    id: limit.id,
    meter: limit.meter,
    window: limit.window,
    scope: scopeText(limit, query.ownerId),
    limit: limit.kind === 'disabled' ? 'disabled' : format(standing.size),
    used: format(standing.used),
    held: format(standing.held),
    ...(requested === null ? {} : { requested: format(requested) }),
    remaining: format(standing.capacity - standing.have),
    resets_at: resetsAt === null ? null : timestamp(resetsAt),
  };
}

/** Use on an unlimited limit, which has no counter: from the usage rollups. Base units. */
export type UnlimitedUse = (
  limit: CompiledLimit,
) => { readonly used: bigint; readonly held: bigint } | null;

function ownersOf(account: Account, limit: CompiledLimit, keyId: string | null): readonly string[] {
  const { customerId } = account.input;
  if (limit.scope.kind !== 'tag') {
    const ownerId = ownerOf(limit, { customerId, keyId, tags: null });
    return ownerId === null ? [] : [ownerId];
  }
  const start = `${customerId}#tag:${limit.scope.name}=`;
  return [...account.counters]
    .filter(([ownerId, counters]) => ownerId.startsWith(start) && counters.has(limit.counterKey))
    .map(([ownerId]) => ownerId);
}

function unlimitedStatus(limit: CompiledLimit, use: { used: bigint; held: bigint }): LimitStatus {
  return {
    id: limit.id,
    meter: limit.meter,
    window: limit.window,
    scope: limit.scope.kind,
    limit: 'unlimited',
    used: formatMeterAmount(limit.meter, use.used),
    held: formatMeterAmount(limit.meter, use.held),
    remaining: 'unlimited',
    resets_at: null,
  };
}

const NOTHING: Standing = { box: null, have: 0n, capacity: 0n, size: 0n, used: 0n, held: 0n };

/**
 * Every limit of the account's plan, in its order; key-scoped ones for `keyId`, tag-scoped ones for each tag seen.
 * An unlimited limit is listed where `unlimitedUse` knows its use.
 */
export function limitStatuses(
  account: Account,
  keyId: string | null,
  at: { readonly nowMs: number; readonly unlimitedUse?: UnlimitedUse | undefined },
): readonly LimitStatus[] {
  const statuses: LimitStatus[] = [];
  for (const limit of account.input.plan.limits) {
    if (limit.kind === 'unlimited') {
      const use = at.unlimitedUse?.(limit) ?? null;
      if (use !== null) statuses.push(unlimitedStatus(limit, use));
      continue;
    }
    for (const ownerId of ownersOf(account, limit, keyId)) {
      const counter = findCounter(account, ownerId, limit.counterKey);
      const query = { account, limit, counter, hold: null, nowMs: at.nowMs };
      const standing = limit.kind === 'disabled' ? NOTHING : standingOf(query);
      statuses.push(limitStatus({ ...query, ownerId, standing, requested: null }));
    }
  }
  return statuses;
}
