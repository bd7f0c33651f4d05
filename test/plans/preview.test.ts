/**
 * What a changed plan would be to those who have it, over HTTP and by command, from calls that were made.
 */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInProcessStore } from '../simulation/in-process-store.ts';
import { reserveOf, settleOf } from '../../src/metering/testing/store-samples.ts';
import { commandLineOf, type CommandLine } from '../support/command-line.ts';
import { callAdmin, startTestGateway, type TestGateway } from '../support/running-gateway.ts';

const DAY_MS = 86_400_000;
const LIMITS = [
  { meter: 'requests', window: 'period', amount: 50 },
  { meter: 'requests', window: 'minute', amount: 20 },
] as const;

let folder: string;
let gateway: TestGateway;
let line: CommandLine;

/** `heavy` made 9 calls 20 days ago, `light` 2, `other` has another plan; `ended` made 9 and left. */
async function writePast(dataDir: string): Promise<void> {
  const clock = { nowMs: Date.now() - 20 * DAY_MS };
  const store = openInProcessStore({
    dataDir,
    clock,
    randomFill: (target) => void randomFillSync(target),
  });
  await store.directory.createPlan({ id: 'starter', name: 'Starter', limits: [...LIMITS] });
  await store.directory.createPlan({ id: 'roomy', name: 'Roomy', limits: [] });
  const shape = { name: null, trialDays: null, cadence: 'month', anchorLocal: null } as const;
  for (const [externalId, planId, calls] of [
    ['heavy', 'starter', 9],
    ['light', 'starter', 2],
    ['other', 'roomy', 9],
    ['ended', 'starter', 9],
  ] as const) {
    const made = { ...shape, externalId, planId, timezone: 'Europe/Berlin' };
    const { customer } = await store.directory.createCustomer(made);
    for (let n = 0; n < calls; n += 1) {
      const command = reserveOf(customer.id, `${externalId}-${n}`);
      expect((await store.ledger.reserve(command)).type).toBe('held');
      await store.ledger.settle(settleOf(command, clock.nowMs));
    }
  }
  const ended = (await store.directory.customer('ended'))?.customer.id ?? '';
  const patch = { status: 'cancelled', at: 'now', mode: 'keep_used' } as const;
  await store.directory.patchSubscription(ended, patch);
  store.stop();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-preview-'));
  const dataDir = join(folder, 'data');
  await writePast(dataDir);
  gateway = await startTestGateway({ dataDir });
  line = commandLineOf(gateway);
});
afterAll(async () => {
  line.close();
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Preview {
  readonly judged: number;
  readonly data: readonly {
    readonly externalId: string;
    readonly beyond: readonly Readonly<Record<string, unknown>>[];
    readonly relieved: readonly Readonly<Record<string, unknown>>[];
    readonly models: readonly unknown[];
  }[];
  readonly changes: readonly unknown[];
  readonly not_judged: readonly unknown[];
  readonly next_cursor: string | null;
}

const preview = (body: object, query = '') =>
  callAdmin<Preview>(gateway, `POST /plans/starter/preview${query}`, body);
const requests = (amount: number | string, window = 'period') => ({
  meter: 'requests',
  window,
  amount,
});

it('names who would have been refused, when, and by how much; and writes nothing', async () => {
  const events = await callAdmin<{ events: number }>(gateway, 'POST /ledger/verify', {});
  const found = await preview({ limits: [requests(5), LIMITS[1]] });
  expect(found).toMatchObject({
    plan: 'starter',
    version: 1,
    judged: 2,
    next_cursor: null,
    changes: [{ limit: 'requests/period', now: '50', after: '5' }],
    not_judged: [{ limit: 'requests/minute', reason: 'window' }],
  });
  expect(found.data).toMatchObject([
    {
      externalId: 'heavy',
      plan: { id: 'starter', version: 1 },
      beyond: [
        {
          limit: 'requests/period',
          now: '50',
          after: '5',
          used: '9',
          times: 1,
          effect: 'refused',
          already: false,
          key: null,
        },
      ],
      relieved: [],
      models: [],
    },
  ]);
  const firstAt = Date.parse(String(found.data[0]?.beyond[0]?.['first_at']));
  expect(Date.now() - firstAt).toBeGreaterThan(19 * DAY_MS);
  expect(await callAdmin(gateway, 'GET /plans/starter')).toMatchObject({ version: 1 });
  expect(await callAdmin(gateway, 'POST /ledger/verify', {})).toMatchObject({
    events: events.events,
  });
});

it('judges the plan as it is without a change, and shorter ranges', async () => {
  expect(await preview({})).toMatchObject({ judged: 2, data: [], changes: [] });
  // The days are over; the period still runs.
  const days = { limits: [requests(5, 'day')], days: 3 };
  expect(await preview(days)).toMatchObject({ data: [] });
  expect((await preview({ limits: [requests(5)], days: 3 })).data).toHaveLength(1);
});

it('names models that would no longer be allowed, and who gains', async () => {
  const narrowed = await preview({ models: ['gemini/*'] });
  expect(narrowed.data.map(({ externalId }) => externalId).toSorted()).toEqual(['heavy', 'light']);
  expect(narrowed.data[0]?.models).toEqual([
    { model: 'openai/gpt-4o-mini', requests: expect.any(Number) },
  ]);
  await callAdmin(gateway, 'PATCH /customers/heavy/limits', {
    overrides: { 'requests/day': { amount: 10 } },
  });
  // The override is the customer's own: no plan changes it, and it is not the plan's to give.
  expect((await preview({ limits: [requests(5)] })).data[0]?.relieved).toEqual([]);
  const own = await callAdmin<Preview>(gateway, 'POST /plans/free/preview', {
    customer: 'heavy',
    limits: [requests(100)],
  });
  expect(own).toMatchObject({ judged: 1, data: [] });
  await callAdmin(gateway, 'PATCH /customers/heavy/limits', {
    overrides: { 'requests/day': null },
  });
});

it('judges one customer of another plan before a move', async () => {
  const moved = await preview({ customer: 'other', limits: [requests(5)] });
  expect(moved.data).toMatchObject([
    { externalId: 'other', plan: { id: 'roomy' }, beyond: [{ used: '9', after: '5' }] },
  ]);
});

it('goes through customers page after page', async () => {
  const seen: string[] = [];
  let query = '?limit=1';
  for (let page = 0; page < 10; page += 1) {
    const found = await preview({ limits: [requests(1)] }, query);
    expect(found.judged).toBeLessThanOrEqual(1);
    seen.push(...found.data.map(({ externalId }) => externalId));
    if (found.next_cursor === null) break;
    query = `?limit=1&cursor=${found.next_cursor}`;
  }
  expect(seen.toSorted()).toEqual(['heavy', 'light']);
});

it('says what is wrong with a change', async () => {
  const refusal = (body: object) =>
    preview(body).catch((error: { body: Readonly<Record<string, unknown>> }) => error.body);
  expect(await refusal({ limits: [requests(0)] })).toMatchObject({ param: 'limits[0].amount' });
  expect(await refusal({ apply: 'now' })).toMatchObject({ param: 'apply' });
  expect(await refusal({ customer: 'nobody' })).toMatchObject({ status: 404, param: 'customer' });
  await expect(callAdmin(gateway, 'POST /plans/none/preview', {})).rejects.toMatchObject({
    status: 404,
  });
});

it('is told by the command for every plan of a file', async () => {
  const file = join(line.folder, 'plans.yaml');
  writeFileSync(
    file,
    `plans:
  - { id: starter, name: Starter, limits: [{ meter: requests, window: period, amount: 5 }] }
  - { id: brand-new, name: New, limits: [] }
`,
  );
  const shown = await line.run('plans', 'preview', file);
  expect(shown.code).toBe(0);
  expect(shown.err).toBe('brand-new: a new plan; nobody has it yet.\n');
  expect(shown.out).toMatch(/^starter: requests\/period 50 → 5, requests\/minute 20 → none$/m);
  expect(shown.out).toMatch(/^2 customers by their use from .* UTC: otherwise for 1\.$/m);
  expect(shown.out).toMatch(
    /^heavy +requests\/period +9 +50 +5 +would be refused from \d{4}-\d\d-\d\d \d\d:00:00 on$/m,
  );
  const json = await line.run('plans', 'preview', file, '--customer', 'light', '--json');
  expect(json.json).toMatchObject({ plans: [{ plan: 'starter', judged: 1, data: [] }] });
});
