/**
 * Reports of invoices in memory, over attempts that the test states, for tests of the control plane.
 *
 * @module
 */
import type {
  BookedLine,
  KeptReport,
  Reconciliations,
} from '../../../metering/reconciliation-port.ts';

export function createFakeReconciliations(lines: readonly BookedLine[] = []): Reconciliations {
  const reports = new Map<string, KeptReport>();
  return {
    booked: async ({ providers, fromMs, toMs }) =>
      lines.filter(
        ({ provider, dayMs }) => providers.includes(provider) && dayMs >= fromMs && dayMs < toMs,
      ),
    async put(report) {
      reports.delete(report.id);
      reports.set(report.id, report);
    },
    list: async () =>
      [...reports.values()]
        .toReversed()
        .map(({ id, createdAtMs, head }) => ({ id, createdAtMs, head })),
    find: async (id) => reports.get(id) ?? null,
  };
}
