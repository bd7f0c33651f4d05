/**
 * Alerts, outbox and webhooks in memory, for tests that are not about the database. Keeps `alerts.contract.ts`.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { IdSource } from '../../../contracts/ids.ts';
import {
  type AlertDraft,
  type Alerting,
  type AlertRecord,
  type Alerts,
  alertStateOf,
  type AttemptResult,
  type DeliveryRecord,
  type Outbox,
  type OutboxClaim,
  type OutboxEvent,
  type WebhookRecord,
  type Webhooks,
} from '../../../metering/alerts-port.ts';
import type { Page, PageQuery } from '../../../metering/ports.ts';

interface Delivery {
  record: DeliveryRecord;
  readonly event: OutboxEvent;
  tries: number;
  queuedAtMs: number;
}

interface State {
  readonly alerts: AlertRecord[];
  readonly unrouted: OutboxEvent[];
  readonly deliveries: Delivery[];
  readonly webhooks: Map<string, WebhookRecord>;
  readonly listeners: Set<() => void>;
}

export interface FakeAlertingOptions {
  readonly ids: IdSource;
  readonly externalIdOf: (customerId: string) => string | null;
}

function page<Row>(rows: readonly Row[], query: PageQuery): Page<Row> {
  const from = query.cursor === null ? 0 : Number(query.cursor);
  const end = from + query.limit;
  return { data: rows.slice(from, end), nextCursor: end < rows.length ? String(end) : null };
}

function tell(state: State): void {
  for (const listener of state.listeners) listener();
}

const stands = ({ recoveredAtMs }: AlertRecord): boolean => recoveredAtMs === null;

function replaceIn(state: State, id: string, change: Partial<AlertRecord>): AlertRecord {
  const at = state.alerts.findIndex((alert) => alert.id === id);
  const known = state.alerts[at];
  if (known === undefined) {
    throw new GatewayError('not_found', { message: `There is no alert ${id}.`, param: 'id' });
  }
  const changed = { ...known, ...change } as AlertRecord;
  state.alerts[at] = changed;
  return changed;
}

function raiseIn(
  state: State,
  draft: AlertDraft,
  options: FakeAlertingOptions,
): AlertRecord | null {
  if (state.alerts.some((alert) => stands(alert) && alert.key === draft.key)) return null;
  const { customerId, atMs, severity, data } = draft;
  const externalId = customerId === null ? null : options.externalIdOf(customerId);
  const id = options.ids.next('evt');
  const alert = { ...draft, id, externalId, acknowledgedAtMs: null, recoveredAtMs: null };
  state.alerts.push(alert);
  const topic = `alert.${draft.kind}`;
  state.unrouted.push({ id, topic, customerId, externalId, atMs, body: { severity, data } });
  tell(state);
  return alert;
}

function pruneState(state: State, before: Parameters<Alerts['prune']>[0]): number {
  const { deliveriesMs, alertsMs } = before;
  const count = state.alerts.length + state.deliveries.length;
  const keep = <Row>(rows: Row[], holds: (row: Row) => boolean): void => {
    rows.splice(0, rows.length, ...rows.filter(holds));
  };
  keep(state.deliveries, ({ record }) => (record.endedAtMs ?? Infinity) >= deliveriesMs);
  keep(
    state.alerts,
    ({ atMs, endsAtMs, recoveredAtMs, acknowledgedAtMs }) =>
      atMs >= alertsMs ||
      [endsAtMs, recoveredAtMs, acknowledgedAtMs].every((ms) => ms === null || ms >= alertsMs),
  );
  return count - state.alerts.length - state.deliveries.length;
}

function fakeAlerts(state: State, { ids, externalIdOf }: FakeAlertingOptions): Alerts {
  const raise = (draft: AlertDraft) => raiseIn(state, draft, { ids, externalIdOf });
  return {
    raise: async (draft) => raise(draft),
    async recover({ keys, standing, thresholds, atMs, customerId }) {
      const ended = state.alerts.filter((alert) => stands(alert) && keys.includes(alert.key));
      for (const { id } of ended) replaceIn(state, id, { recoveredAtMs: atMs });
      if (ended.length === 0 || standing === null) return null;
      const recovers = ended.map(({ id }) => id);
      return raise({
        kind: 'recovered',
        severity: 'info',
        customerId,
        key: `recovered:${recovers.join(',')}`,
        atMs,
        endsAtMs: atMs,
        data: { ...standing, thresholds, recovers },
      });
    },
    async list(query) {
      const rows = state.alerts.filter(
        (alert) =>
          (query.customerId === null || alert.customerId === query.customerId) &&
          (query.kind === null || alert.kind === query.kind) &&
          (query.state === null || alertStateOf(alert, query.nowMs) === query.state),
      );
      return page(rows.toReversed(), query);
    },
    alert: async (id) => state.alerts.find((alert) => alert.id === id) ?? null,
    async acknowledge(id, atMs) {
      const known = state.alerts.find((alert) => alert.id === id);
      return replaceIn(state, id, { acknowledgedAtMs: known?.acknowledgedAtMs ?? atMs });
    },
    async counts(customerId) {
      const own = state.alerts.filter((alert) => alert.customerId === customerId);
      const unread = own.filter((alert) => alert.acknowledgedAtMs === null).length;
      return { total: own.length, unread };
    },
    standing: async (kind, nowMs) =>
      state.alerts.filter(
        (alert) =>
          alert.kind === kind &&
          stands(alert) &&
          (alert.endsAtMs === null || alert.endsAtMs > nowMs),
      ),
    periodUse: async () => [],
    spendHistory: async () => [],
    prune: async (before) => pruneState(state, before),
  };
}

type Claim = Parameters<Outbox['claim']>[0];

function routeEvents(state: State, { fixed, nowMs }: Claim): void {
  const destinations = [
    ...[...state.webhooks.values()].filter(({ disabledAtMs }) => disabledAtMs === null),
    ...fixed.map((destination) => ({ ...destination, customerIds: null })),
  ];
  for (const event of state.unrouted.splice(0)) {
    const { customerId, topic, id: eventId } = event;
    const kind = topic.slice(topic.indexOf('.') + 1);
    for (const { id, kinds, customerIds } of destinations) {
      const wanted = kinds === null || kinds.some((name) => name === kind);
      const theirs =
        customerIds === null || (customerId !== null && customerIds.includes(customerId));
      if (!wanted || !theirs) continue;
      const record: DeliveryRecord = {
        eventId,
        topic,
        destination: id,
        state: 'pending',
        createdAtMs: nowMs,
        nextAttemptAtMs: nowMs,
        endedAtMs: null,
        attempts: [],
      };
      state.deliveries.push({ record, event, tries: 0, queuedAtMs: nowMs });
    }
  }
}

function claimDue(state: State, request: Claim): OutboxClaim {
  const { nowMs, perDestination, fixed } = request;
  const live = (destination: string): boolean =>
    fixed.some(({ id }) => id === destination) ||
    state.webhooks.get(destination)?.disabledAtMs === null;
  const pending = state.deliveries.filter(
    ({ record }) => record.state === 'pending' && live(record.destination),
  );
  const perId = new Map<string, number>();
  const due = pending.filter(({ record }) => {
    const count = perId.get(record.destination) ?? 0;
    if ((record.nextAttemptAtMs ?? 0) > nowMs || count >= perDestination) return false;
    perId.set(record.destination, count + 1);
    return true;
  });
  const later = pending.map(({ record }) => record.nextAttemptAtMs ?? 0).filter((ms) => ms > nowMs);
  return {
    due: due.map(({ event, record, tries, queuedAtMs }) => ({
      event,
      destination: record.destination,
      webhook: state.webhooks.get(record.destination) ?? null,
      attempts: tries,
      queuedAtMs,
    })),
    nextDueAtMs: later.length === 0 ? null : Math.min(...later),
  };
}

function recordResult(state: State, result: AttemptResult): void {
  const delivery = state.deliveries.find(
    ({ record }) => record.eventId === result.eventId && record.destination === result.destination,
  );
  if (delivery === undefined) return;
  const { record } = delivery;
  const { startedAtMs, durationMs, status, error, reply, next } = result;
  const n = record.attempts.length + 1;
  const retrying = typeof next === 'object';
  delivery.tries += 1;
  delivery.record = {
    ...record,
    attempts: [...record.attempts, { n, startedAtMs, durationMs, status, error, reply }],
    state: retrying ? record.state : next,
    nextAttemptAtMs: retrying && record.state === 'pending' ? next.retryAtMs : null,
    endedAtMs: retrying ? record.endedAtMs : startedAtMs + durationMs,
  };
  const webhook = state.webhooks.get(result.destination);
  if (result.disable === null || webhook === undefined) return;
  const disabledAtMs = startedAtMs + durationMs;
  state.webhooks.set(webhook.id, { ...webhook, disabledAtMs, disabledReason: result.disable });
}

function fakeOutbox(state: State): Outbox {
  return {
    async claim(request) {
      routeEvents(state, request);
      return claimDue(state, request);
    },
    record: async (result) => recordResult(state, result),
    async deliveries(query) {
      const rows = state.deliveries
        .map(({ record }) => record)
        .filter(
          (record) =>
            (query.destination === null || record.destination === query.destination) &&
            (query.state === null || record.state === query.state),
        );
      return page(rows.toReversed(), query);
    },
    async redeliver({ destination, eventId, nowMs }) {
      const chosen = state.deliveries.filter(
        ({ record }) =>
          record.destination === destination &&
          (eventId === null ? record.state === 'dead' : record.eventId === eventId),
      );
      for (const delivery of chosen) {
        delivery.tries = 0;
        delivery.queuedAtMs = nowMs;
        const again = { state: 'pending', nextAttemptAtMs: nowMs, endedAtMs: null } as const;
        delivery.record = { ...delivery.record, ...again };
      }
      if (chosen.length > 0) tell(state);
      return chosen.length;
    },
    async depth() {
      const count = (wanted: string): number =>
        state.deliveries.filter(({ record }) => record.state === wanted).length;
      return { pending: count('pending') + state.unrouted.length, dead: count('dead') };
    },
    onChange(listener) {
      state.listeners.add(listener);
      return () => void state.listeners.delete(listener);
    },
  };
}

function fakeWebhooks(state: State): Webhooks {
  const known = (id: string): WebhookRecord => {
    const webhook = state.webhooks.get(id);
    if (webhook !== undefined) return webhook;
    throw new GatewayError('not_found', { message: `There is no webhook ${id}.`, param: 'id' });
  };
  return {
    async create(webhook) {
      state.webhooks.set(webhook.id, webhook);
    },
    list: async (query) => page([...state.webhooks.values()], query),
    webhook: async (id) => state.webhooks.get(id) ?? null,
    async patch(id, patch) {
      const changed = { ...known(id), ...patch };
      state.webhooks.set(id, changed);
      tell(state);
      return changed;
    },
    async remove(id, atMs) {
      known(id);
      state.webhooks.delete(id);
      for (const delivery of state.deliveries) {
        const { record } = delivery;
        if (record.destination !== id || record.state !== 'pending') continue;
        delivery.record = { ...record, state: 'dead', nextAttemptAtMs: null, endedAtMs: atMs };
      }
    },
  };
}

export function createFakeAlerting(options: FakeAlertingOptions): Alerting {
  const state: State = {
    alerts: [],
    unrouted: [],
    deliveries: [],
    webhooks: new Map(),
    listeners: new Set(),
  };
  return {
    alerts: fakeAlerts(state, options),
    outbox: fakeOutbox(state),
    webhooks: fakeWebhooks(state),
  };
}
