/**
 * Changes to limits beside plans, and how limits stand.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { LimitInput } from '../../contracts/metering.ts';
import { checkOverride, type Overrides, overridesAt } from '../../metering/core/overrides.ts';
import type { LimitOverride, OverrideSet } from '../../metering/limit-port.ts';
import type { TokenClaim } from '../../metering/ports.ts';
import type { Unit } from './accounts.ts';
import { KEY_ROWS, readKey } from './directory-rows.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

type Parts = Pick<OperationParts, 'database' | 'engine' | 'accounts' | 'scopes'>;

type OverridePatch = Readonly<Record<string, LimitOverride | null>>;

function patched(before: Overrides, patch: OverridePatch): Overrides {
  const after: Record<string, LimitOverride> = { ...before };
  for (const [id, override] of Object.entries(patch)) {
    if (override === null) delete after[id];
    else after[id] = override;
  }
  return after;
}

function patchOverrides(
  parts: Parts,
  customerId: string,
  change: { patch: OverridePatch; unit: Unit },
): OverrideSet {
  const { accounts, database, engine } = parts;
  const { patch, unit } = change;
  const before = accounts.overridesOf(customerId);
  const plan = accounts.plainPlanOf(customerId, unit.nowMs);
  for (const [id, override] of Object.entries(patch)) {
    if (override !== null) checkOverride(plan, id, override);
  }
  accounts.ensure(customerId, unit);
  const rev = before.rev + 1;
  const overrides = patched(overridesAt(before.overrides, unit.nowMs), patch);
  database
    .prepare(
      'INSERT INTO limit_override (customer_id, rev, created_at, overrides) VALUES (?, ?, ?, ?)',
    )
    .run(customerId, rev, unit.nowMs, JSON.stringify(overrides));
  const account = accounts.load(accounts.subscription(customerId), unit);
  const note = {
    eventId: `overrides:${customerId}:${rev}`,
    body: { overrides: JSON.stringify(overrides) },
  };
  unit.keep(engine.changePlan(account, unit.nowMs, note));
  return { rev, overrides };
}

export function limitOperations(parts: Parts): OperationTable {
  const { accounts, database, engine, scopes } = parts;
  const key = database.prepare(`${KEY_ROWS} WHERE id = ?`);
  return {
    limits: {
      writes: false,
      run([customer, keyId, token], unit) {
        const customerId = customer as string;
        const claim = token as TokenClaim | null;
        accounts.ensure(customerId, unit);
        scopes.ensure({ customerId, keyId: (keyId as string | null) ?? '', token: claim }, unit);
        const query = { customerId, keyId: keyId as string | null, token: claim };
        return engine.limitRows(query, unit.nowMs);
      },
    },
    setKeyLimits: {
      writes: true,
      run([id, limits], unit) {
        const keyId = id as string;
        if (key.get(keyId) === undefined) {
          throw new GatewayError('not_found', { message: `There is no key ${keyId}.` });
        }
        scopes.setKeyLimits(keyId, limits as readonly LimitInput[], unit);
        const row = key.get(keyId);
        if (row === undefined) throw new Error(`key ${keyId} has gone`);
        return readKey(row);
      },
    },
    overrides: {
      writes: false,
      run([customerId]) {
        accounts.subscription(customerId as string);
        return accounts.overridesOf(customerId as string);
      },
    },
    patchOverrides: {
      writes: true,
      run: ([customerId, patch], unit) =>
        patchOverrides(parts, customerId as string, { patch: patch as OverridePatch, unit }),
    },
  };
}
