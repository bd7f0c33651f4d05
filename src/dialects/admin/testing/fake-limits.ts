/**
 * Limits beside plans, in memory: kept as they are given, and not enforced.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { LimitBook, LimitOverride, OverrideSet } from '../../../metering/limit-port.ts';
import type { KeyRecord } from '../../../metering/ports.ts';

export function createFakeLimits(keys: Map<string, KeyRecord>): LimitBook {
  const sets = new Map<string, OverrideSet>();
  const setOf = (customerId: string): OverrideSet =>
    sets.get(customerId) ?? { rev: 0, overrides: {} };
  return {
    async setKeyLimits(keyId, limits) {
      const key = keys.get(keyId);
      if (key === undefined) {
        throw new GatewayError('not_found', { message: `There is no key ${keyId}.` });
      }
      const changed = { ...key, limits };
      keys.set(keyId, changed);
      return changed;
    },
    overrides: async (customerId) => setOf(customerId),
    async patchOverrides(customerId, patch) {
      const before = setOf(customerId);
      const overrides: Record<string, LimitOverride> = { ...before.overrides };
      for (const [id, override] of Object.entries(patch)) {
        if (override === null) delete overrides[id];
        else overrides[id] = override;
      }
      const after = { rev: before.rev + 1, overrides };
      sets.set(customerId, after);
      return after;
    },
  };
}
