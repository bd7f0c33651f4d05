/**
 * Usage against a plain fold over the calls, under random sequences of calls, late settlements, replays, restarts and
 * clocks that run on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  Charge,
  UsageAmounts,
  UsageColumn,
  MeteringStore,
  ReserveCommand,
  UsageDimension,
  UsageQuery,
} from '../../metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';

const START_MS = Date.parse('2026-03-30T22:40:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const GRACE_MS = 15 * 60_000;

interface Call {
  readonly command: ReserveCommand;
  readonly planId: string;
  readonly reservedAtMs: number;
  state: 'open' | 'unknown' | 'estimated' | 'voided' | 'settled';
  charges: readonly Charge[];
}

type Step =
  | { readonly do: 'reserve'; readonly who: number; readonly model: number; readonly tags: number }
  | { readonly do: 'settle'; readonly which: number; readonly cost: number; readonly tries: number }
  | { readonly do: 'void'; readonly which: number }
  | { readonly do: 'replay'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'change_plan'; readonly who: number; readonly plan: number }
  | { readonly do: 'restart' };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      who: fc.nat(2),
      model: fc.nat(2),
      tags: fc.nat(5),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(40),
      cost: fc.integer({ min: 1, max: 5_000_000 }),
      tries: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('void' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const), which: fc.nat(40) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(3 * HOUR_MS), fc.nat(3 * DAY_MS)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('change_plan' as const),
      who: fc.nat(2),
      plan: fc.nat(1),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

const MODELS = ['openai/gpt-4o-mini', 'gemini/flash', 'openai/o9'];
const TAGS = [
  null,
  { project: 'a' },
  { project: 'b', team: 'x' },
  { team: 'y' },
  { project: '' },
  null,
];
const PLANS = ['wide', 'broad'];

function add(sums: Partial<Record<UsageColumn, bigint>>, amounts: UsageAmounts): void {
  for (const [name, amount] of Object.entries(amounts) as [UsageColumn, bigint][]) {
    sums[name] = (sums[name] ?? 0n) + amount;
    if (sums[name] === 0n) delete sums[name];
  }
}

class World {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'gateway-usage-'));
  readonly calls: Call[] = [];
  readonly customers: { id: string; planId: string }[] = [];
  nowMs = START_MS;
  store!: MeteringStore;

  async open(): Promise<void> {
    const clock = (): number => this.nowMs;
    this.store = await openSqliteStore({ dataDir: this.dataDir, durability: 'process', clock });
  }

  async begin(): Promise<void> {
    await this.open();
    const { directory } = this.store;
    for (const id of PLANS) {
      await directory.createPlan({
        id,
        name: id,
        limits: (['requests', 'cost_usd', 'total_tokens'] as const).map((meter) => ({
          meter,
          window: 'lifetime',
          amount: meter === 'cost_usd' ? '1000.00' : 1_000_000,
        })),
      });
    }
    for (const externalId of ['one', 'two', 'three']) {
      const planId = 'wide';
      const made = await directory.createCustomer({
        externalId,
        planId,
        name: null,
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      this.customers.push({ id: made.customer.id, planId });
    }
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'reserve':
        return this.#reserve(step);
      case 'settle':
        return this.#settle(step);
      case 'void':
        return this.#void(step.which);
      case 'replay':
        return this.#replay(step.which);
      case 'wait':
        this.nowMs += step.ms;
        return this.#tick();
      case 'change_plan':
        return this.#changePlan(step);
      case 'restart':
        await this.store.close();
        await this.open();
        for (const call of this.calls) if (call.state === 'open') call.state = 'unknown';
        return this.#tick();
      default:
        return step satisfies never;
    }
  }

  /** Any batch lets the writer's clock and its maintenance run on. */
  async #tick(): Promise<void> {
    await this.store.ledger.limits(this.customers[0]?.id ?? '', null);
    await this.store.ledger.limits(this.customers[0]?.id ?? '', null);
    await this.#learnEstimates();
  }

  /** What was unknown for its grace has been estimated by now, or will be: reads which. */
  async #learnEstimates(): Promise<void> {
    for (const call of this.calls) {
      if (call.state !== 'unknown') continue;
      const detail = await this.store.reader.request(call.command.requestId);
      if (detail === null) continue;
      call.state = 'estimated';
      const requests = call.command.bound.fixed.requests ?? 0n;
      call.charges = [
        { model: call.command.bound.model, amounts: { ...call.command.observedFloor, requests } },
      ];
    }
  }

  async #reserve({ who, model, tags }: Extract<Step, { do: 'reserve' }>): Promise<void> {
    const customer = this.customers[who];
    if (customer === undefined) return;
    const sample = reserveOf(customer.id, this.calls.length);
    const command: ReserveCommand = {
      ...sample,
      keyId: `key_${model % 2}`,
      operation: model === 1 ? 'image.generate' : 'text.generate',
      bound: { ...sample.bound, model: MODELS[model] ?? '' },
      tags: TAGS[tags] ?? null,
    };
    const answer = await this.store.ledger.reserve(command);
    expect(answer.type).toBe('held');
    this.calls.push({
      command,
      planId: customer.planId,
      reservedAtMs: this.nowMs,
      state: 'open',
      charges: [],
    });
  }

  #pick(which: number, states: readonly Call['state'][]): Call | undefined {
    const fitting = this.calls.filter((call) => states.includes(call.state));
    return fitting.length === 0 ? undefined : fitting[which % fitting.length];
  }

  async #settle({ which, cost, tries }: Extract<Step, { do: 'settle' }>): Promise<void> {
    await this.#learnEstimates();
    const call = this.#pick(which, ['open', 'unknown', 'estimated', 'voided']);
    if (call === undefined) return;
    const sample = settleOf(call.command, this.nowMs, BigInt(cost));
    const charges = Array.from({ length: tries }, (_, n) => ({
      model: MODELS[(which + n) % MODELS.length] ?? '',
      amounts: sample.charges[0]?.amounts ?? {},
      // Some calls are charged more than the provider does, some less, most neither.
      ...(cost % 3 === 0 ? { marginNanoUsd: BigInt(cost % 2 === 0 ? cost + n : -cost) } : {}),
    }));
    const request = { ...sample.request, ...this.#identity(call) };
    await this.store.ledger.settle({ ...sample, charges, request });
    call.state = 'settled';
    call.charges = charges.map((charge, n) => ({
      ...charge,
      amounts: { ...charge.amounts, requests: n === tries - 1 ? 1n : 0n },
    }));
  }

  #identity({ command: { keyId, operation, tags } }: Call) {
    return { keyId, operation, tags };
  }

  async #void(which: number): Promise<void> {
    const call = this.#pick(which, ['open']);
    if (call === undefined) return;
    const sample = voidOf(call.command, this.nowMs);
    await this.store.ledger.void({
      ...sample,
      request: { ...sample.request, ...this.#identity(call) },
    });
    call.state = 'voided';
  }

  async #replay(which: number): Promise<void> {
    const call = this.#pick(which, ['settled']);
    if (call === undefined) return;
    const answer = await this.store.ledger.settle(settleOf(call.command, this.nowMs, 77n));
    expect(answer.replayed).toBe(true);
  }

  async #changePlan({ who, plan }: Extract<Step, { do: 'change_plan' }>): Promise<void> {
    const customer = this.customers[who];
    const planId = PLANS[plan];
    if (customer === undefined || planId === undefined) return;
    await this.store.directory.patchSubscription(customer.id, {
      planId,
      at: 'now',
      mode: 'keep_used',
    });
    customer.planId = planId;
  }

  valueOf(call: Call, model: string, dimension: UsageDimension): string {
    const { customerId, keyId, operation, tags } = call.command;
    switch (dimension) {
      case 'customer':
        return customerId;
      case 'key':
        return keyId;
      case 'operation':
        return operation;
      case 'modality':
        return operation.split('.')[0] ?? '';
      case 'model':
        return model;
      case 'provider':
        return model.split('/')[0] ?? '';
      case 'plan':
        return call.planId;
      default:
        return tags?.[dimension.slice(4)] ?? '(none)';
    }
  }

  /** The answer as a fold over the calls. */
  expected(query: UsageQuery): { totals: UsageAmounts; groups: Record<string, UsageAmounts> } {
    const totals: Partial<Record<UsageColumn, bigint>> = {};
    const groups: Record<string, Partial<Record<UsageColumn, bigint>>> = {};
    for (const call of this.calls) {
      const inRange = call.reservedAtMs >= query.fromMs && call.reservedAtMs < query.toMs;
      const isMine = query.customerId === null || call.command.customerId === query.customerId;
      if (!inRange || !isMine) continue;
      for (const { model, amounts: counted, marginNanoUsd = 0n } of call.charges) {
        const amounts = { ...counted, margin_usd: marginNanoUsd };
        add(totals, amounts);
        const parts = query.groupBy.map((name) => [name, this.valueOf(call, model, name)]);
        const iso = new Date(call.reservedAtMs).toISOString();
        const cut = { hour: 13, day: 10, month: 7 };
        const bucket = query.bucket === null ? [] : [['bucket', iso.slice(0, cut[query.bucket])]];
        const key = JSON.stringify([...bucket, ...parts]);
        groups[key] ??= {};
        add(groups[key], amounts);
      }
    }
    return {
      totals,
      groups: query.groupBy.length + (query.bucket === null ? 0 : 1) > 0 ? groups : {},
    };
  }

  async actual(query: UsageQuery): ReturnType<() => Promise<ReturnType<World['expected']>>> {
    const report = await this.store.reader.usage(query);
    const cut = { hour: 13, day: 10, month: 7 };
    const groups = Object.fromEntries(
      report.groups.map(({ key, totals }) => {
        const bucket =
          query.bucket === null ? [] : [['bucket', key['bucket']?.slice(0, cut[query.bucket])]];
        return [
          JSON.stringify([...bucket, ...query.groupBy.map((name) => [name, key[name]])]),
          totals,
        ];
      }),
    );
    return { totals: report.totals, groups };
  }

  async close(): Promise<void> {
    await this.store.close();
    rmSync(this.dataDir, { recursive: true });
  }
}

const VIEWS: readonly (readonly UsageDimension[])[] = [
  [],
  ['customer'],
  ['key'],
  ['provider', 'model'],
  ['plan'],
  ['modality'],
  ['operation', 'customer'],
  ['tag:project'],
  ['tag:team', 'customer', 'model'],
  ['customer', 'key', 'plan'],
];

describe('usage', () => {
  let world: World | null = null;

  afterEach(async () => {
    await world?.close();
    world = null;
  });

  async function compare(at: World, ranges: readonly { fromMs: number; toMs: number }[]) {
    for (const [index, groupBy] of VIEWS.entries()) {
      const range = ranges[index % ranges.length] ?? { fromMs: 0, toMs: at.nowMs + 1 };
      const bucket = ([null, 'hour', 'day', 'month'] as const)[index % 4] ?? null;
      for (const customerId of [null, at.customers[index % 3]?.id ?? null]) {
        for (const query of [
          { customerId, groupBy, bucket, ...range },
          { customerId, groupBy, bucket: null, fromMs: 0, toMs: at.nowMs + 1 },
        ]) {
          expect(await at.actual(query), JSON.stringify(query)).toEqual(at.expected(query));
        }
      }
    }
  }

  it('sums up the first day of all when its call ends after one of the day after', async () => {
    const at = new World();
    world = at;
    await at.begin();
    const call = { do: 'reserve', who: 0, model: 0, tags: 0 } as const;
    const end = { do: 'settle', cost: 7, tries: 1 } as const;
    await at.run(call);
    await at.run({ do: 'wait', ms: 4 * HOUR_MS });
    await at.run(call);
    await at.run({ ...end, which: 1 });
    await at.run({ do: 'wait', ms: HOUR_MS });
    await at.run({ ...end, which: 0 });
    for (let day = 0; day < 4; day += 1) await at.run({ do: 'wait', ms: DAY_MS });
    await compare(at, []);
  });

  it('is the fold over the settled calls in every view, and the counters’ own numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 10, maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(6 * DAY_MS), fc.nat(6 * DAY_MS)), { minLength: 2, maxLength: 3 }),
        async (steps, cuts) => {
          const at = new World();
          world = at;
          await at.begin();
          for (const step of steps) await at.run(step);
          await at.run({ do: 'wait', ms: GRACE_MS * 3 });
          const ranges = cuts.map(([from, length]) => ({
            fromMs: START_MS + from,
            toMs: START_MS + from + length + 1,
          }));
          await compare(at, ranges);
          for (const { id } of at.customers) {
            const all = {
              customerId: id,
              fromMs: 0,
              toMs: at.nowMs + 1,
              groupBy: [],
              bucket: null,
            };
            const { totals } = await at.store.reader.usage(all);
            const limits = await at.store.ledger.limits(id, null);
            const used = limits.find((limit) => limit.id === 'requests/lifetime')?.used;
            expect(used).toBe(String(totals.requests ?? 0n));
          }
          expect((await at.store.ledger.verify()).ok).toBe(true);
          await at.close();
          world = null;
        },
      ),
      { numRuns: 6 },
    );
  }, 120_000);
});
