/**
 * Where a limit stands in one box, as alerts tell it. Pure.
 *
 * @module
 */
import type { Meter } from '../contracts/metering.ts';
import type { LimitStanding } from './alerts-port.ts';
import { timestamp } from './core/limit-status.ts';
import { formatMeterAmount } from './core/meter-amounts.ts';

/** Base units and milliseconds. */
export interface BoxUse {
  readonly ownerId: string;
  readonly limitId: string;
  readonly meter: Meter;
  readonly startMs: number;
  /** Null for a box that never ends. */
  readonly endMs: number | null;
  readonly limit: bigint;
  /** Spent and overrun. */
  readonly used: bigint;
  readonly held: bigint;
}

/**
 * The owner of a counter as alerts name it. A key or client token owns counters by itself (`key_…`, limits of its own)
 * or within its customer (`cus_…#key_…`, limits of the plan).
 */
function scopeOf(ownerId: string): string {
  const holder = ownerId.slice(ownerId.indexOf('#') + 1);
  if (holder.startsWith('cus_')) return 'customer';
  if (holder.startsWith('key_')) return `key:${holder}`;
  return holder.startsWith('agt_') ? `client_token:${holder}` : holder;
}

export function limitStanding(box: BoxUse): LimitStanding {
  const { meter, limit, used, held, endMs } = box;
  const format = (amount: bigint): string => formatMeterAmount(meter, amount);
  return {
    limit_id: box.limitId,
    meter,
    scope: scopeOf(box.ownerId),
    starts_at: timestamp(box.startMs),
    ends_at: endMs === null ? null : timestamp(endMs),
    limit: format(limit),
    used: format(used),
    held: format(held),
    percent: limit <= 0n ? 0 : Number((used * 10_000n) / limit) / 100,
  };
}
