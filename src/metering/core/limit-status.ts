/**
 * Limits as callers see them.
 *
 * @module
 */
import type { LimitStatus } from '../../contracts/limit-status.ts';
import type { LimitInput, Meter } from '../../contracts/metering.ts';
import type { TokenClaim } from '../ports.ts';
import { cellOf, type Standing, standingOf } from './assess.ts';
import { boxOf } from './boxes.ts';
import { type CompiledLimit, CREDITS } from './compiled-plan.ts';
import { drainMs, waitMs } from './gcra.ts';
import { compileGlob } from './glob.ts';
import { formatMeterAmount } from './meter-amounts.ts';
import {
  type Account,
  type Counter,
  findCounter,
  type Memory,
  ownerOf,
  type Ruling,
  rulingsOf,
} from './state.ts';

/** RFC 3339 in UTC, without a fraction where there is none. */
export function timestamp(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

function scopeText(limit: CompiledLimit, ownerId: string): string {
  switch (limit.scope.kind) {
    case 'tag':
    case 'provider':
      // The owner is `<customer>#tag:<name>=<value>` or `deployment#provider:<id>`.
      return ownerId.slice(ownerId.indexOf('#') + 1);
    case 'own':
      return limit.scope.holder.type;
    default:
      return limit.scope.kind;
  }
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
  // A token's counter ends with the token, which is no reset.
  if (box === null || limit.windowKind.kind === 'lifetime') return null;
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

/** Whose limits are asked for. */
export interface LimitsQuery {
  readonly customerId: string;
  readonly keyId: string | null;
  readonly token: TokenClaim | null;
}

/** What an unlimited limit, which has no counter, has seen used: the sum of the usage rollups that this names. */
export interface RollupQuery {
  readonly meter: Meter;
  readonly fromMs: number;
  /** Null where calls of every key count. */
  readonly keyId: string | null;
  /** Globs. */
  readonly operation: string;
  readonly model: string;
}

/** A limit as it stands; `rollup` says where the use of an unlimited one is found, which `status` shows as none. */
export interface LimitRow {
  readonly status: LimitStatus;
  readonly rollup: RollupQuery | null;
}

function ownersOf(account: Account, limit: CompiledLimit, query: LimitsQuery): readonly string[] {
  if (limit.scope.kind !== 'tag') {
    const ownerId = ownerOf(limit, { ...query, tags: null });
    return ownerId === null ? [] : [ownerId];
  }
  const start = `${query.customerId}#tag:${limit.scope.name}=`;
  return [...account.counters]
    .filter(([ownerId, counters]) => ownerId.startsWith(start) && counters.has(limit.counterKey))
    .map(([ownerId]) => ownerId);
}

/** Where the use of a limit without a number begins to count now; null where only calls in flight count. */
function countsFrom(
  account: Account,
  limit: CompiledLimit,
  nowMs: number,
): { readonly fromMs: number; readonly endMs: number | null } | null {
  if (limit.windowKind.kind === 'rolling') {
    return { fromMs: nowMs - limit.windowKind.lengthMs, endMs: null };
  }
  const box = boxOf(account, limit, { counter: undefined, atMs: nowMs });
  return box === null ? null : { fromMs: box.startMs, endMs: box.endMs };
}

interface UnlimitedSite {
  readonly memory: Memory;
  readonly ruling: Ruling;
  readonly query: LimitsQuery;
  readonly nowMs: number;
}

/** What open holds count on a limit that has no counter. */
function heldWithout(limit: CompiledLimit, input: LimitInput, site: UnlimitedSite): bigint {
  const { memory, query } = site;
  const operation = compileGlob(input.operation ?? '*');
  const model = compileGlob(input.model ?? '*');
  let held = 0n;
  for (const hold of memory.holds.values()) {
    if (hold.customerId !== query.customerId || !operation(hold.operation)) continue;
    if (limit.scope.kind !== 'customer' && hold.keyId !== query.keyId) continue;
    const covered = hold.covered.filter((charge) => model(charge.model));
    if (covered.length === 0) continue;
    if (limit.meter === 'requests') held += hold.requests;
    else for (const { amounts } of covered) held += amounts[limit.meter] ?? 0n;
  }
  return held;
}

/** Null where nothing tells the use of one counter from another's: of a tag, a token, or all customers. */
function unlimitedRow(
  limit: CompiledLimit,
  input: LimitInput,
  site: UnlimitedSite,
): LimitRow | null {
  const { kind } = limit.scope;
  const byKey = kind === 'key' || (kind === 'own' && limit.scope.holder.type === 'key');
  const { keyId } = site.query;
  if (kind !== 'customer' && (!byKey || keyId === null)) return null;
  const counted = countsFrom(site.ruling.account, limit, site.nowMs);
  const { endMs } = counted ?? { endMs: null };
  const status: LimitStatus = {
    id: limit.id,
    meter: limit.meter,
    window: limit.window,
    scope: scopeText(limit, ''),
    limit: 'unlimited',
    used: formatMeterAmount(limit.meter, 0n),
    held: formatMeterAmount(limit.meter, heldWithout(limit, input, site)),
    remaining: 'unlimited',
    resets_at: endMs === null ? null : timestamp(endMs),
  };
  if (counted === null) return { status, rollup: null };
  const rollup = {
    meter: limit.meter,
    fromMs: counted.fromMs,
    keyId: byKey ? keyId : null,
    operation: input.operation ?? '*',
    model: input.model ?? '*',
  };
  return { status, rollup };
}

const NOTHING: Standing = { box: null, have: 0n, capacity: 0n, size: 0n, used: 0n, held: 0n };

/**
 * Every limit that binds the customer's calls under that key and token: those of the plan in its order, of the key,
 * of the token, of the deployment. Tag-scoped ones once for each tag seen; credits last, where the plan draws on them.
 */
export function limitRows(
  memory: Memory,
  account: Account,
  { query, nowMs }: { readonly query: LimitsQuery; readonly nowMs: number },
): readonly LimitRow[] {
  const { keyId, token } = query;
  const rows: LimitRow[] = [];
  for (const ruling of rulingsOf(memory, account, { keyId: keyId ?? '', token })) {
    const site = { memory, ruling, query, nowMs };
    ruling.plan.limits.forEach((limit, index) => {
      const input = ruling.plan.input.limits[index];
      if (limit.kind !== 'unlimited') rows.push(...countedRows(limit, site));
      else if (input !== undefined) {
        const row = unlimitedRow(limit, input, site);
        if (row !== null) rows.push(row);
      }
    });
  }
  if (account.input.plan.funding !== 'plan') rows.push(creditRow(account, nowMs));
  return rows;
}

function countedRows(limit: CompiledLimit, site: UnlimitedSite): readonly LimitRow[] {
  const { account } = site.ruling;
  return ownersOf(account, limit, site.query).map((ownerId) => {
    const counter = findCounter(account, ownerId, limit.counterKey);
    const query = { account, limit, counter, hold: null, nowMs: site.nowMs };
    const standing = limit.kind === 'disabled' ? NOTHING : standingOf(query);
    return { status: limitStatus({ ...query, ownerId, standing, requested: null }), rollup: null };
  });
}

function creditRow(account: Account, nowMs: number): LimitRow {
  const ownerId = account.input.customerId;
  const counter = findCounter(account, ownerId, CREDITS.counterKey);
  const query = { account, limit: CREDITS, counter, hold: null, nowMs };
  const standing = standingOf(query);
  return { status: limitStatus({ ...query, ownerId, standing, requested: null }), rollup: null };
}
