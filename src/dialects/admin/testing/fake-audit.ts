/**
 * A trail that is empty, for tests of the control plane: rows come from the store that makes the changes.
 *
 * @module
 */
import type { AuditTrail } from '../../../metering/audit-port.ts';

export function createFakeAudit(): AuditTrail {
  return {
    within: (_change, run) => run(),
    mark: () => Promise.resolve(),
    list: () => Promise.resolve({ data: [], nextCursor: null }),
  };
}
