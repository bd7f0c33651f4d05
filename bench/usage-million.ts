/**
 * How fast usage and requests are told out of a ledger with a million calls.
 *
 * Fills a data folder through the store's own door (reserve and settle, with a clock of its own, so that maintenance
 * sums up days as it does in months of service), starts a gateway on it, and times its replies over HTTP. Not part of the
 * gate: `npm run bench:usage`.
 *
 * @module
 */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGateway, type EmbeddedGateway } from '../src/index.ts';
import type { MeteringStore, ReserveCommand, SettleCommand } from '../src/metering/ports.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';
import { databasePath } from '../src/store/sqlite/database.ts';

const DAY_MS = 86_400_000;
const PLAN_ID = 'bench-usage';
const MODELS = [
  'openai/gpt-4o-mini',
  'openai/gpt-4o',
  'gemini/gemini-2.5-flash',
  'gemini/gemini-2.5-pro',
  'huggingface/openai/gpt-oss-120b',
  'sim/chat',
];
const KEYS_PER_CUSTOMER = 2;
/** One call in so many carries tags. */
const TAGGED_EVERY = 5;
const REPEATS = 7;

interface Load {
  readonly requests: number;
  readonly customers: number;
  readonly days: number;
  readonly inFlight: number;
}

/** The same numbers for the same call, wherever it stands. */
function mix(n: number): number {
  let value = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Some customers call far more than others. */
function customerOf(n: number, customers: number): number {
  const share = (mix(n) % 65_536) / 65_536;
  return Math.floor(share * share * share * customers);
}

function commandOf(n: number, customerIds: readonly string[]): ReserveCommand {
  const customer = customerOf(n, customerIds.length);
  const random = mix(n + 1_000_003);
  const costNanoUsd = BigInt(200_000 + (random % 5_000_000));
  const tagged = random % TAGGED_EVERY === 0;
  return {
    holdId: `hold_bench${n}`,
    requestId: `req_bench${n}`,
    customerId: customerIds[customer] ?? '',
    keyId: `key_${customer}_${random % KEYS_PER_CUSTOMER}`,
    operation: random % 11 === 0 ? 'image.generate' : 'text.generate',
    bound: {
      model: MODELS[(random >>> 4) % MODELS.length] ?? '',
      fixed: { requests: 1n, input_tokens: 400n, total_tokens: 400n, cost_usd: costNanoUsd },
      elastic: null,
    },
    pricing: 'priced',
    priceBookId: 'pb_bench',
    fingerprint: `bench-${n}`,
    observedFloor: {},
    tags: tagged ? { project: `project-${(random >>> 8) % 20}` } : null,
  };
}

function settleOf(command: ReserveCommand, atMs: number): SettleCommand {
  const { bound, holdId, requestId, customerId, keyId, operation, tags } = command;
  const costNanoUsd = bound.fixed.cost_usd ?? 0n;
  const slash = bound.model.indexOf('/');
  const provider = bound.model.slice(0, slash);
  const served = bound.model.slice(slash + 1);
  const usage = { input_text_tokens: 380, output_text_tokens: 120 };
  const amounts = { requests: 1n, input_tokens: 380n, output_tokens: 120n, total_tokens: 500n };
  const attempt = {
    n: 1,
    provider,
    modelRequested: served,
    modelServed: served,
    providerRequestId: `chatcmpl-${requestId}`,
    dispatchedAtMs: atMs,
    firstByteAtMs: atMs + 200,
    finishedAtMs: atMs + 900,
    outcome: 'succeeded',
    httpStatus: 200,
    billable: 'yes',
    usage,
    estimated: false,
    costNanoUsd,
    priceItemId: 'pi_bench',
  } as const;
  return {
    holdId,
    charges: [{ model: bound.model, amounts: { ...amounts, cost_usd: costNanoUsd } }],
    attempts: [attempt],
    request: {
      requestId,
      customerId,
      keyId,
      operation,
      modelAsked: bound.model,
      provider,
      modelServed: served,
      status: 200,
      errorCode: null,
      stream: false,
      clientClosed: false,
      startedAtMs: atMs,
      firstTokenAtMs: atMs + 200,
      finishedAtMs: atMs + 900,
      overheadMs: 0.4,
      attempts: 1,
      usage,
      costNanoUsd,
      estimated: false,
      simulated: false,
      warnings: [],
      tags,
    },
  };
}

async function addCustomers(store: MeteringStore, count: number): Promise<readonly string[]> {
  await store.directory.createPlan({
    id: PLAN_ID,
    name: 'Bench',
    limits: [
      { meter: 'requests', window: 'period', amount: 1_000_000_000 },
      { meter: 'cost_usd', window: 'period', amount: '1000000.00' },
    ],
  });
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { customer } = await store.directory.createCustomer({
      externalId: `bench-${n}`,
      name: null,
      planId: PLAN_ID,
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: '2026-01-01T00:00:00',
    });
    ids.push(customer.id);
  }
  return ids;
}

/** Books `load.requests` calls, spread evenly over the days before now. */
async function fill(dataDir: string, load: Load): Promise<void> {
  let nowMs = Date.now() - load.days * DAY_MS;
  const stepMs = (load.days * DAY_MS) / load.requests;
  const clock = (): number => Math.floor(nowMs);
  const store = await openSqliteStore({ dataDir, durability: 'process', clock });
  const customerIds = await addCustomers(store, load.customers);
  const startedMs = performance.now();
  for (let n = 0; n < load.requests; n += load.inFlight) {
    const size = Math.min(load.inFlight, load.requests - n);
    const commands = Array.from({ length: size }, (_, index) => commandOf(n + index, customerIds));
    const answers = await Promise.all(commands.map((command) => store.ledger.reserve(command)));
    const refused = answers.find((answer) => answer.type === 'refused');
    if (refused !== undefined) throw new Error(`a call was refused: ${JSON.stringify(refused)}`);
    const settlements = commands.map((command) => store.ledger.settle(settleOf(command, clock())));
    await Promise.all(settlements);
    nowMs += size * stepMs;
    if (Math.floor(n / 100_000) !== Math.floor((n + size) / 100_000)) {
      process.stderr.write(
        `${n + size} calls after ${Math.round((performance.now() - startedMs) / 1000)} s\n`,
      );
    }
  }
  await store.close();
}

interface Question {
  readonly name: string;
  readonly path: string;
  readonly limitMs: number;
}

function questions(): readonly Question[] {
  const day = (back: number): string =>
    new Date(Date.now() - back * DAY_MS).toISOString().slice(0, 10);
  const month = `from=${day(30)}&to=${day(-1)}`;
  const usage = (name: string, query: string): Question => ({
    name,
    path: `/admin/v1/usage?${query}`,
    limitMs: 300,
  });
  const page = (name: string, query: string): Question => ({
    name,
    path: `/admin/v1/requests?${query}`,
    limitMs: 100,
  });
  return [
    usage('overview: all customers, 30 days', month),
    usage('by day', `${month}&bucket=day`),
    usage('by model and day', `${month}&group_by=model&bucket=day`),
    usage('by provider, modality and day', `${month}&group_by=provider,modality&bucket=day`),
    usage('by plan', `${month}&group_by=plan`),
    usage('by hour, 30 days', `${month}&bucket=hour`),
    usage('by customer', `${month}&group_by=customer`),
    usage('by key', `${month}&group_by=key`),
    usage('by customer and model', `${month}&group_by=customer,model`),
    usage('by tag and day', `${month}&group_by=tag:project&bucket=day`),
    usage('one customer by day and model', `${month}&customer=bench-0&group_by=model&bucket=day`),
    usage('one customer, running period', 'customer=bench-0'),
    page('requests, first page of 50', 'limit=50'),
    page('requests of one customer, first page of 200', 'customer=bench-0&limit=200'),
    page('requests of a rare customer', 'customer=bench-900&limit=50'),
    page('requests of a day three weeks ago', `from=${day(21)}&to=${day(20)}&limit=200`),
  ];
}

async function ask(gateway: EmbeddedGateway, path: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${gateway.adminKey}` },
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${body.slice(0, 300)}`);
  return performance.now() - startedMs;
}

async function measure(dataDir: string): Promise<boolean> {
  const settings = { port: 0, dataDir, 'logging.level': 'silent' };
  const gateway = await createGateway({ settings, environment: {} });
  let met = true;
  try {
    process.stdout.write(
      '| question | first ms | median ms | limit ms |\n| --- | ---: | ---: | ---: |\n',
    );
    for (const { name, path, limitMs } of questions()) {
      const firstMs = await ask(gateway, path);
      const times: number[] = [];
      for (let n = 0; n < REPEATS; n += 1) times.push(await ask(gateway, path));
      const medianMs = times.toSorted((one, other) => one - other)[Math.floor(REPEATS / 2)] ?? 0;
      met &&= medianMs < limitMs;
      process.stdout.write(
        `| ${name} | ${firstMs.toFixed(0)} | ${medianMs.toFixed(0)} | ${limitMs} |\n`,
      );
    }
  } finally {
    await gateway.stop();
  }
  return met;
}

const HELP = `npm run bench:usage -- [--requests 1000000] [--customers 1000] [--days 30] [--dir <folder>] [--keep]

A folder that has a ledger already is measured as it is; --keep leaves a new one in place.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '1000000' },
      customers: { type: 'string', default: '1000' },
      days: { type: 'string', default: '30' },
      'in-flight': { type: 'string', default: '256' },
      dir: { type: 'string', default: join(tmpdir(), `gateway-usage-bench-${process.pid}`) },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const load: Load = {
    requests: Number(values.requests),
    customers: Number(values.customers),
    days: Number(values.days),
    inFlight: Number(values['in-flight']),
  };
  mkdirSync(values.dir, { recursive: true });
  const isNew = !existsSync(databasePath(values.dir));
  try {
    if (isNew) await fill(values.dir, load);
    const megabytes = Math.round(statSync(databasePath(values.dir)).size / 1e6);
    process.stdout.write(`${values.dir}: ${megabytes} MB\n\n`);
    return (await measure(values.dir)) ? 0 : 1;
  } finally {
    if (isNew && !values.keep) rmSync(values.dir, { recursive: true, force: true });
  }
}

process.exitCode = await main();
