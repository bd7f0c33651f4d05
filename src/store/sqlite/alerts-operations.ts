/**
 * What the writer does for alerts, the outbox and webhooks when the gateway's end asks.
 *
 * @module
 */
import type {
  AlertDraft,
  AttemptResult,
  Recovery,
  WebhookPatch,
  WebhookRecord,
} from '../../metering/alerts-port.ts';
import { AlertTables } from './alert-tables.ts';
import { OutboxTables } from './outbox-tables.ts';
import type { FlatValue } from './wire.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

export function alertsOperations({
  database,
  ids,
}: Pick<OperationParts, 'database' | 'ids'>): OperationTable {
  const alerts = new AlertTables(database, ids);
  const outbox = new OutboxTables(database);
  const writing = (run: (args: readonly FlatValue[]) => FlatValue | void) => ({
    writes: true,
    run: (args: readonly FlatValue[]): FlatValue => run(args) ?? null,
  });
  return {
    raiseAlert: writing(([draft]) => alerts.raise(draft as AlertDraft)),
    recoverAlerts: writing(([recovery]) => alerts.recover(recovery as Recovery)),
    acknowledgeAlert: writing(([id, atMs]) => alerts.acknowledge(id as string, atMs as number)),
    pruneAlerts: writing(([before]) => alerts.prune(before as Parameters<AlertTables['prune']>[0])),
    claimDeliveries: writing(([request]) =>
      outbox.claim(request as Parameters<OutboxTables['claim']>[0]),
    ),
    recordDelivery: writing(([result]) => outbox.record(result as AttemptResult)),
    redeliver: writing(([which]) =>
      outbox.redeliver(which as Parameters<OutboxTables['redeliver']>[0]),
    ),
    createWebhook: writing(([webhook]) => outbox.create(webhook as WebhookRecord)),
    patchWebhook: writing(([id, patch]) => outbox.patch(id as string, patch as WebhookPatch)),
    removeWebhook: writing(([id, atMs]) => outbox.remove(id as string, atMs as number)),
  };
}
