/**
 * Whose change is under way, on the gateway's thread.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditedChange, AuditTrail } from '../../metering/audit-port.ts';

interface Scope {
  readonly change: AuditedChange;
  /** True once the request is answered: what it set going beside itself is no part of it. */
  isOver: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs a request whose changes are one. */
export const within: AuditTrail['within'] = (change, run) => {
  const scope: Scope = { change, isOver: false };
  return scopes.run(scope, async () => {
    try {
      return await run();
    } finally {
      scope.isOver = true;
    }
  });
};

/** The change that is under way; null outside of one. */
export function changeUnderWay(): AuditedChange | null {
  const scope = scopes.getStore();
  return scope === undefined || scope.isOver ? null : scope.change;
}
