/**
 * Shapes of the self-service replies that the control plane shows too.
 *
 * @module
 */
import { showAmounts } from '../dialects/admin/shapes.ts';
import type { UsageReport } from '../metering/ports.ts';

export function usageJson(
  report: UsageReport,
  range: { readonly customer: string; readonly fromMs: number; readonly toMs: number },
): Record<string, unknown> {
  return {
    customer: range.customer,
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
    totals: showAmounts(report.totals),
    held: showAmounts(report.held),
    groups: report.groups.map((group) => ({ key: group.key, totals: showAmounts(group.totals) })),
    as_of: new Date(report.asOfMs).toISOString(),
  };
}
