/**
 * Changes to plans, customers and keys, as the gateway's end asks for them.
 *
 * @module
 */
import type { PlanInput } from '../../contracts/metering.ts';
import type { KeyRecord, NewCustomer } from '../../metering/ports.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function directoryOperations({
  accounts,
  directory,
  scopes,
}: Pick<OperationParts, 'accounts' | 'directory' | 'scopes'>): OperationTable {
  return {
    createPlan: {
      writes: true,
      run: ([plan], unit) => directory.createPlan(plan as PlanInput, unit.nowMs),
    },
    addPlanVersion: {
      writes: true,
      run([plan, apply], unit) {
        const record = directory.addPlanVersion(
          plan as PlanInput,
          apply as 'now' | 'period_end',
          unit.nowMs,
        );
        if (apply === 'now') accounts.doubtAll();
        return record;
      },
    },
    createCustomer: {
      writes: true,
      run: ([customer], unit) => directory.createCustomer(customer as NewCustomer, unit.nowMs),
    },
    createKey: {
      writes: true,
      run([key], unit) {
        const { id, limits = [] } = key as KeyRecord;
        directory.createKey(key as KeyRecord);
        scopes.setKeyLimits(id, limits, unit);
        return null;
      },
    },
    revokeKey: {
      writes: true,
      run: ([keyId, atMs]) => directory.revokeKey(keyId as string, atMs as number),
    },
  };
}
