/**
 * A metering store in memory for tests of the control plane. It keeps the promises of the ports that the
 * control plane relies on; it admits every call, for judging calls is not what these tests are about.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { IdSource } from '../../../contracts/ids.ts';
import { modalityOf, type Meter } from '../../../contracts/metering.ts';
import { compilePlan } from '../../../metering/core/compiled-plan.ts';
import { CADENCE_MONTHS, periodAt, wallTimeAt } from '../../../metering/core/period.ts';
import type {
  Charge,
  CustomerRecord,
  Directory,
  KeyRecord,
  Ledger,
  LedgerEvent,
  MeterAmounts,
  MeteringStore,
  Page,
  PageQuery,
  PlanRecord,
  RequestDetail,
  SubscriptionRecord,
  UsageReader,
} from '../../../metering/ports.ts';
import { SEED_PLANS } from '../../../metering/seed-plans.ts';
import { createFakeLimits } from './fake-limits.ts';
import { createFakeIdempotency } from './fake-idempotency.ts';
import { fakeSubscriptions } from './fake-subscriptions.ts';
import { createFakeAlerting } from './fake-alerting.ts';
import { createFakeQuotes } from './fake-quotes.ts';
import { fakeLedgerOperations, NO_CHAIN } from './fake-ledger-operations.ts';
import { createFakeAssets } from './fake-assets.ts';
import { createFakeAudit } from './fake-audit.ts';
import { createFakeJobs } from './fake-jobs.ts';
import { createFakeVoices } from './fake-voices.ts';
import { fakePlanPreviews } from './fake-plan-previews.ts';
import { createFakePrices } from './fake-prices.ts';
import { createFakeReconciliations } from './fake-reconciliations.ts';
import { createFakeWallets } from './fake-wallets.ts';

const DAY_MS = 86_400_000;

interface Booked {
  readonly request: RequestDetail;
  readonly charges: readonly Charge[];
}

interface OpenHold {
  readonly requestId: string;
  readonly customerId: string;
  readonly amounts: MeterAmounts;
}

interface FakeState {
  readonly plans: PlanRecord[];
  readonly customers: CustomerRecord[];
  readonly subscriptions: Map<string, SubscriptionRecord>;
  readonly keys: Map<string, KeyRecord>;
  readonly holds: Map<string, OpenHold>;
  readonly booked: Booked[];
  readonly events: LedgerEvent[];
}

export interface FakeStoreOptions {
  readonly now: () => number;
  readonly ids: IdSource;
}

function pageRows<Row>(
  rows: readonly Row[],
  query: PageQuery,
  nameOf: (row: Row) => string,
): Page<Row> {
  const from =
    query.cursor === null ? 0 : rows.findIndex((row) => nameOf(row) === query.cursor) + 1;
  const data = rows.slice(from, from + query.limit);
  const last = data.at(-1);
  const more = last !== undefined && from + query.limit < rows.length;
  return { data, nextCursor: more ? nameOf(last) : null };
}

function addAmounts(sum: Map<Meter, bigint>, amounts: MeterAmounts): void {
  for (const [meter, amount] of Object.entries(amounts) as [Meter, bigint][]) {
    sum.set(meter, (sum.get(meter) ?? 0n) + amount);
  }
}

function toAmounts(sum: ReadonlyMap<Meter, bigint>): MeterAmounts {
  return Object.fromEntries(sum) as MeterAmounts;
}

function newestOf(state: FakeState, planId: string, param: string): PlanRecord {
  const record = state.plans.findLast((plan) => plan.id === planId);
  if (record !== undefined) return record;
  throw new GatewayError('not_found', { message: `There is no plan "${planId}".`, param });
}

function addPlans(state: FakeState, options: FakeStoreOptions) {
  const add = (plan: PlanRecord['plan'], version: number): PlanRecord => {
    compilePlan(plan, version);
    const record: PlanRecord = { id: plan.id, version, plan, createdAtMs: options.now() };
    state.plans.push(record);
    return record;
  };
  for (const plan of SEED_PLANS) add(plan, 1);
  return {
    async createPlan(plan) {
      if (state.plans.some((record) => record.id === plan.id)) {
        throw new GatewayError('conflict', { message: 'This plan exists.', param: 'id' });
      }
      return add(plan, 1);
    },
    async addPlanVersion(plan) {
      return add(plan, newestOf(state, plan.id, 'id').version + 1);
    },
    plans: async () => [...state.plans],
  } satisfies Partial<Directory>;
}

function customerDirectory(state: FakeState, { now, ids }: FakeStoreOptions) {
  return {
    async createCustomer(customer) {
      const plan = newestOf(state, customer.planId, 'plan');
      if (state.customers.some((known) => known.externalId === customer.externalId)) {
        throw new GatewayError('conflict', {
          message: 'A customer with this externalId exists.',
          param: 'externalId',
        });
      }
      const { externalId, name, cadence, timezone, trialDays } = customer;
      const record = { id: ids.next('cus'), externalId, name, createdAtMs: now() };
      const trialEndMs = trialDays === null ? null : now() + trialDays * DAY_MS;
      const anchorLocal = customer.anchorLocal ?? wallTimeAt(timezone, trialEndMs ?? now());
      const months = CADENCE_MONTHS[cadence];
      const span = periodAt({ anchorLocal, timezone, months }, now());
      const subscription: SubscriptionRecord = {
        id: ids.next('sub'),
        customerId: record.id,
        status: trialEndMs === null ? 'active' : 'trial',
        planId: plan.id,
        planVersion: plan.version,
        cadence,
        timezone,
        anchorLocal,
        trialEndMs,
        graceUntilMs: null,
        cancelAtMs: null,
        termEndMs: span.endMs,
        scheduled: [],
        period: { id: ids.next('per'), startMs: span.startMs, endMs: span.endMs },
        rev: 1,
      };
      state.customers.push(record);
      state.subscriptions.set(record.id, subscription);
      return { customer: record, subscription };
    },
    customers: async (query) => pageRows(state.customers, query, (customer) => customer.id),
    async customer(name) {
      const customer = state.customers.find((row) => row.id === name || row.externalId === name);
      const subscription = customer && state.subscriptions.get(customer.id);
      if (customer === undefined || subscription === undefined) return null;
      return { customer, subscription, plan: newestOf(state, subscription.planId, 'plan') };
    },
    async patchSubscription(customerId, patch) {
      const current = state.subscriptions.get(customerId);
      if (current === undefined) {
        throw new GatewayError('not_found', { message: 'There is no such customer.' });
      }
      const atOnce = patch.at === 'now';
      const plan = patch.planId === undefined ? null : newestOf(state, patch.planId, 'plan');
      const changed: SubscriptionRecord = {
        ...current,
        rev: current.rev + 1,
        ...(atOnce && plan !== null ? { planId: plan.id, planVersion: plan.version } : {}),
        ...(atOnce && patch.status !== undefined ? { status: patch.status } : {}),
        ...(!atOnce && patch.status !== undefined ? { cancelAtMs: current.period.endMs } : {}),
      };
      state.subscriptions.set(customerId, changed);
      return changed;
    },
  } satisfies Partial<Directory>;
}

function keyDirectory(state: FakeState) {
  return {
    snapshot: async () => ({ keys: [...state.keys.values()], customers: [...state.customers] }),
    async createKey(key) {
      state.keys.set(key.id, key);
    },
    async revokeKey(keyId, atMs) {
      const key = state.keys.get(keyId);
      if (key === undefined) {
        throw new GatewayError('not_found', { message: `There is no key ${keyId}.` });
      }
      const revoked = { ...key, revokedAtMs: Math.min(key.revokedAtMs ?? atMs, atMs) };
      state.keys.set(keyId, revoked);
      return revoked;
    },
    async keys(query) {
      const rows = [...state.keys.values()].filter(
        (key) => query.customerId === null || key.customerId === query.customerId,
      );
      return pageRows(rows, query, (key) => key.id);
    },
  } satisfies Partial<Directory>;
}

function addEvent(
  state: FakeState,
  kind: string,
  event: { readonly holdId: string; readonly atMs: number; readonly body: unknown },
): void {
  const seq = state.events.length + 1;
  state.events.push({ seq, eventId: `${kind}:${event.holdId}`, kind, ...event });
}

function fakeLedger(state: FakeState, { now }: FakeStoreOptions): Ledger {
  const rates = { requests: null, tokens: null };
  const close = (holdId: string): void => {
    state.holds.delete(holdId);
  };
  return {
    async reserve(command) {
      const { holdId, requestId, customerId, bound } = command;
      state.holds.set(holdId, { requestId, customerId, amounts: bound.fixed });
      addEvent(state, 'hold', { holdId, atMs: now(), body: { ...bound.fixed } });
      const plan = { id: 'free', version: 1 };
      return { type: 'held', holdId, outputTokens: null, softBreaches: [], plan, rates };
    },
    async extend({ holdId }) {
      const plan = { id: 'free', version: 1 };
      return { type: 'held', holdId, outputTokens: null, softBreaches: [], plan, rates };
    },
    async settle({ holdId, charges, attempts, request }) {
      close(holdId);
      const hold = { id: holdId, state: 'settled', legs: [] };
      state.booked.push({ request: { ...request, hold, attemptRows: attempts }, charges });
      addEvent(state, 'settle', { holdId, atMs: now(), body: charges });
      return { type: 'settled', replayed: false, overrunNanoUsd: 0n };
    },
    async void({ holdId, reason }) {
      close(holdId);
      addEvent(state, 'void', { holdId, atMs: now(), body: { reason } });
      return { type: 'voided', replayed: false, overrunNanoUsd: 0n };
    },
    progress: () => undefined,
    limits: async () => [],
    verify: async () => ({
      ok: true,
      events: state.events.length,
      buckets: 0,
      open_holds: state.holds.size,
      mismatches: [],
      chain: NO_CHAIN,
      archived: null,
    }),
  };
}

function groupKey(
  { request }: Booked,
  charge: Charge,
  query: Parameters<UsageReader['usage']>[0],
): Record<string, string> {
  const { customerId, keyId, operation } = request;
  const [provider = ''] = charge.model.split('/');
  const values: Readonly<Record<string, string>> = {
    provider,
    model: charge.model,
    customer: customerId,
    key: keyId,
    plan: 'free',
    modality: modalityOf(operation),
    operation,
  };
  const key: Record<string, string> = {};
  for (const dimension of query.groupBy) {
    const tag = request.tags?.[dimension.slice('tag:'.length)];
    key[dimension] = values[dimension] ?? tag ?? '(none)';
  }
  if (query.bucket !== null) {
    const time = new Date(request.startedAtMs).toISOString();
    const length = { hour: 13, day: 10, month: 7 }[query.bucket];
    key['bucket'] = `${time.slice(0, length)}${'-01T00:00:00Z'.slice(length - 7)}`;
  }
  return key;
}

function fakeReader(state: FakeState, { now }: FakeStoreOptions): UsageReader {
  const mine = (customerId: string | null, row: { readonly customerId: string }) =>
    customerId === null || row.customerId === customerId;
  return {
    async usage(query) {
      const totals = new Map<Meter, bigint>();
      const held = new Map<Meter, bigint>();
      const groups = new Map<string, Map<Meter, bigint>>();
      for (const booked of state.booked) {
        const { request } = booked;
        const inRange = request.startedAtMs >= query.fromMs && request.startedAtMs < query.toMs;
        if (!inRange || !mine(query.customerId, request)) continue;
        for (const charge of booked.charges) {
          addAmounts(totals, charge.amounts);
          const name = JSON.stringify(groupKey(booked, charge, query));
          const group = groups.get(name) ?? new Map<Meter, bigint>();
          groups.set(name, group);
          addAmounts(group, charge.amounts);
        }
      }
      for (const hold of state.holds.values()) {
        if (mine(query.customerId, hold)) addAmounts(held, hold.amounts);
      }
      const grouped = query.groupBy.length > 0 || query.bucket !== null;
      return {
        fromMs: query.fromMs,
        toMs: query.toMs,
        totals: toAmounts(totals),
        held: toAmounts(held),
        groups: grouped
          ? [...groups].map(([name, sum]) => ({
              key: JSON.parse(name) as Record<string, string>,
              totals: toAmounts(sum),
            }))
          : [],
        asOfMs: now(),
      };
    },
    async requests(query) {
      const rows = state.booked
        .map(({ request }) => request)
        .filter(
          (request) =>
            mine(query.customerId, request) &&
            request.startedAtMs >= (query.fromMs ?? 0) &&
            request.startedAtMs < (query.toMs ?? Number.MAX_SAFE_INTEGER),
        )
        .toReversed();
      return pageRows(rows, query, (request) => request.requestId);
    },
    async requestLog({ customerId, provider, status, limit, offset }) {
      const rows = state.booked
        .map(({ request }) => request)
        .filter(
          (request) =>
            request.customerId === customerId &&
            (provider === null || request.provider === provider) &&
            (status === null || request.status === status),
        )
        .toReversed();
      return { data: rows.slice(offset, offset + limit), total: rows.length };
    },
    request: async (requestId) =>
      state.booked.find(({ request }) => request.requestId === requestId)?.request ?? null,
    events: async (query) => pageRows(state.events, query, (event) => String(event.seq)),
  };
}

/** A store with the seed plans and nothing else. */
export function createFakeStore(options: FakeStoreOptions): MeteringStore {
  const state: FakeState = {
    plans: [],
    customers: [],
    subscriptions: new Map(),
    keys: new Map(),
    holds: new Map(),
    booked: [],
    events: [],
  };
  const ledger = fakeLedger(state, options);
  return {
    ledger,
    jobs: createFakeJobs(ledger, options.now),
    wallets: createFakeWallets(options),
    directory: {
      ...addPlans(state, options),
      ...customerDirectory(state, options),
      ...keyDirectory(state),
    },
    planPreviews: fakePlanPreviews(options.now),
    reader: fakeReader(state, options),
    limitBook: createFakeLimits(state.keys),
    idempotency: createFakeIdempotency(options.now),
    subscriptions: fakeSubscriptions(state.subscriptions),
    alerting: createFakeAlerting({
      ids: options.ids,
      externalIdOf: (id) => state.customers.find((row) => row.id === id)?.externalId ?? null,
    }),
    quotes: createFakeQuotes(),
    ledgerOperations: fakeLedgerOperations(),
    unbooked: { keep: async (ends) => ends },
    audit: createFakeAudit(),
    prices: createFakePrices(options.now),
    assets: createFakeAssets(),
    voices: createFakeVoices(),
    reconciliations: createFakeReconciliations(),
    durability: 'in memory: nothing survives',
    close: async () => undefined,
  };
}
