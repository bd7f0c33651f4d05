/**
 * Alerts, outbox and webhooks as the gateway's end asks for them.
 *
 * @module
 */
import type { Alerting } from '../../metering/alerts-port.ts';

type Ask = <Value>(name: string, args: readonly unknown[]) => Promise<Value>;

export interface AlertingLinks {
  /** An operation of the writer, by name. */
  readonly write: Ask;
  /** A query of the reader, by name. */
  readonly read: Ask;
  /** Called when the outbox may have new rows. @returns unsubscribes */
  readonly onOutboxChange: (listener: () => void) => () => void;
}

export function alertingOver({ write, read, onOutboxChange }: AlertingLinks): Alerting {
  return {
    alerts: {
      raise: (draft) => write('raiseAlert', [draft]),
      recover: (recovery) => write('recoverAlerts', [recovery]),
      list: (query) => read('alerts', [query]),
      alert: (id) => read('alert', [id]),
      acknowledge: (id, atMs) => write('acknowledgeAlert', [id, atMs]),
      counts: (customerId) => read('alertCounts', [customerId]),
      standing: (kind, nowMs) => read('standingAlerts', [kind, nowMs]),
      periodUse: (nowMs) => read('periodUse', [nowMs]),
      spendHistory: (range) => read('spendHistory', [range]),
      prune: (before) => write('pruneAlerts', [before]),
    },
    outbox: {
      claim: (request) => write('claimDeliveries', [request]),
      record: async (result) => {
        await write('recordDelivery', [result]);
      },
      deliveries: (query) => read('deliveries', [query]),
      redeliver: (which) => write('redeliver', [which]),
      depth: () => read('outboxDepth', []),
      onChange: onOutboxChange,
    },
    webhooks: {
      create: async (webhook) => {
        await write('createWebhook', [webhook]);
      },
      list: (page) => read('webhooks', [page]),
      webhook: (id) => read('webhook', [id]),
      patch: (id, patch) => write('patchWebhook', [id, patch]),
      remove: async (id, atMs) => {
        await write('removeWebhook', [id, atMs]);
      },
    },
  };
}
