/**
 * The gateway's end of limits. The use of unlimited limits, which have no counter, is summed up from usage beside the
 * writer.
 *
 * @module
 */
import type { LimitStatus } from '../../contracts/limit-status.ts';
import type { LimitRow, RollupQuery } from '../../metering/core/engine.ts';
import { compileGlob } from '../../metering/core/glob.ts';
import { formatMeterAmount } from '../../metering/core/meter-amounts.ts';
import type { LimitBook } from '../../metering/limit-port.ts';
import type { Ledger, UsageDimension, UsageReport } from '../../metering/ports.ts';
import type { ReaderLink } from './reader-link.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';

const DIMENSIONS: readonly UsageDimension[] = ['key', 'operation', 'provider', 'model'];

function callWriter<Value>(
  link: Pick<WriterLink, 'ask'>,
  name: string,
  args: readonly FlatValue[],
): Promise<Value> {
  return link.ask((flat, call) => {
    putCall(flat, call, { name, args });
  });
}

/** What the report's groups count on the limit, in base units. */
function usedBy(report: UsageReport, rollup: RollupQuery): bigint {
  const operation = compileGlob(rollup.operation);
  const model = compileGlob(rollup.model);
  let used = 0n;
  for (const { key, totals } of report.groups) {
    if (rollup.keyId !== null && key['key'] !== rollup.keyId) continue;
    const name = key['model'] ?? '';
    const full = name.startsWith(`${key['provider'] ?? ''}/`)
      ? name
      : `${key['provider'] ?? ''}/${name}`;
    if (operation(key['operation'] ?? '') && model(full)) used += totals[rollup.meter] ?? 0n;
  }
  return used;
}

/** `Ledger.limits` over the threads. */
export function limitsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): Ledger['limits'] {
  const usageSince = (customerId: string, fromMs: number): Promise<UsageReport> => {
    const query = { customerId, fromMs, toMs: now() + 1, groupBy: DIMENSIONS, bucket: null };
    return readers.ask('usage', [query, now(), []]);
  };
  return async (customerId, keyId, token = null) => {
    const args = [customerId, keyId, token];
    const rows = await callWriter<readonly LimitRow[]>(link, 'limits', args);
    const reports = new Map<number, UsageReport>();
    for (const { rollup } of rows) {
      if (rollup === null || reports.has(rollup.fromMs)) continue;
      reports.set(rollup.fromMs, await usageSince(customerId, rollup.fromMs));
    }
    return rows.map(({ status, rollup }): LimitStatus => {
      const report = rollup === null ? undefined : reports.get(rollup.fromMs);
      if (rollup === null || report === undefined) return status;
      return { ...status, used: formatMeterAmount(rollup.meter, usedBy(report, rollup)) };
    });
  };
}

export function limitBookOver(link: Pick<WriterLink, 'ask'>): LimitBook {
  return {
    setKeyLimits: (keyId, limits) => callWriter(link, 'setKeyLimits', [keyId, limits]),
    overrides: (customerId) => callWriter(link, 'overrides', [customerId]),
    patchOverrides: (customerId, patch) => callWriter(link, 'patchOverrides', [customerId, patch]),
  };
}
