/**
 * `npm run bench:writer`: what a reserve + settle pair costs the ledger's writer, without threads and without HTTP: one
 * writer in this thread is fed batches as the gateway's thread makes them. It tells where a change saves or loses a
 * microsecond; what calls cost as a whole is told by `npm run bench`.
 *
 * `-- --pairs 20` pairs in a batch, `-- --seconds 3` time of each of the `-- --rounds 5`, `-- --directory <path>` the disk,
 * `-- --customers 200` lets as many customers call in turn, `-- --profile <file>` writes a V8 CPU profile of the last
 * round (`node bench/profile.ts <file>` prints it).
 *
 * @module
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createIdSource } from '../src/contracts/ids.ts';
import type { PlanInput } from '../src/contracts/metering.ts';
import type { ReserveCommand, SettleCommand } from '../src/metering/ports.ts';
import { reserveOf, settleOf } from '../src/metering/testing/store-samples.ts';
import { Checkpointer } from '../src/store/sqlite/checkpointer.ts';
import { databasePath, openWriterDatabase } from '../src/store/sqlite/database.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';
import {
  ANSWER_HELD,
  ANSWER_SETTLED,
  type Flat,
  FlatReader,
  putReserve,
  putSettle,
  readHeld,
  readSettled,
} from '../src/store/sqlite/wire.ts';
import { startWriterService, type WriterService } from '../src/store/sqlite/writer-service.ts';

/** The plan of `npm run bench`: high but finite, so that every limit is looked up, reserved and settled. */
const PLAN: PlanInput = {
  id: 'bench',
  name: 'Bench',
  limits: [
    { meter: 'requests', window: 'period', amount: 1_000_000_000 },
    { meter: 'cost_usd', window: 'period', amount: '10000000.00' },
    { meter: 'total_tokens', window: 'period', amount: 1_000_000_000_000 },
    { meter: 'requests', window: 'minute', amount: 100_000_000 },
    { meter: 'requests', window: 'concurrent', amount: 10_000 },
  ],
};

const ids = createIdSource(Date.now, (target) =>
  crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
);

const PARTS = ['writer', 'commands', 'copies', 'answers'] as const;
type Part = (typeof PARTS)[number];

/** Microseconds a pair, one number a batch. */
type Costs = Record<Part, number[]>;

function commandOf(customerId: string, keyId: string): ReserveCommand {
  const sample = reserveOf(customerId, '', 87_450n);
  const requestId = ids.next('req');
  return {
    ...sample,
    holdId: ids.next('hold'),
    requestId,
    keyId,
    fingerprint: requestId,
    priceBookId: 'pb_2026-11-20_5c1e93',
    bound: {
      ...sample.bound,
      elastic: { tokens: 256, minTokens: 1, nanoUsdPerMillion: 600_000_000n },
    },
  };
}

function endOf(reserve: ReserveCommand): SettleCommand {
  const settle = settleOf(reserve, Date.now(), 61_200n);
  return {
    ...settle,
    attempts: settle.attempts.map((attempt) => ({
      ...attempt,
      providerRequestId: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
    })),
    request: { ...settle.request, warnings: [], tags: null },
  };
}

function readAnswers(answers: Flat): number {
  const reader = new FlatReader(answers);
  let count = 0;
  while (!reader.done) {
    const code = reader.number();
    reader.number();
    if (code === ANSWER_HELD) readHeld(reader, '');
    else if (code === ANSWER_SETTLED) {
      readSettled(reader);
    } else throw new Error(`refused: ${JSON.stringify(reader.next())}`);
    count += 1;
  }
  return count;
}

function nowMicros(): number {
  return performance.now() * 1_000;
}

/** What nine batches of ten take at least: what else uses the cores only lengthens them. */
function lowestTenth(micros: readonly number[]): string {
  const sorted = micros.toSorted((one, other) => one - other);
  return (sorted[Math.floor(sorted.length / 10)] ?? 0).toFixed(1);
}

/** Feeds batches for `durationMs`; returns the pairs. */
async function round(
  service: WriterService,
  run: {
    readonly customerIds: readonly string[];
    readonly keyId: string;
    readonly pairs: number;
    readonly durationMs: number;
    readonly noteProgress: (nextSeq: number) => void;
  },
  costs: Costs,
): Promise<number> {
  const untilMs = performance.now() + run.durationMs;
  let open: readonly ReserveCommand[] = [];
  let pairs = 0;
  let calls = 0;
  const batch = (reserves: readonly ReserveCommand[]): void => {
    const ends = open.map(endOf);
    const started = nowMicros();
    const flat: Flat = [Date.now()];
    let call = 0;
    for (const end of ends) putSettle(flat, (call += 1), end);
    for (const reserve of reserves) putReserve(flat, (call += 1), reserve);
    const made = nowMicros();
    const received = structuredClone(flat);
    const copied = nowMicros();
    const replies = service.run(received);
    run.noteProgress(service.nextSeq());
    const written = nowMicros();
    const answers = structuredClone(replies);
    const copiedBack = nowMicros();
    if (readAnswers(answers) !== call) throw new Error('an answer is missing');
    const read = nowMicros();
    if (open.length === reserves.length) {
      costs.commands.push((made - started) / open.length);
      costs.copies.push((copied - made + copiedBack - written) / open.length);
      costs.writer.push((written - copied) / open.length);
      costs.answers.push((read - copiedBack) / open.length);
    }
    pairs += open.length;
    open = reserves;
  };
  while (performance.now() < untilMs) {
    batch(
      Array.from({ length: run.pairs }, () => {
        const customerId = run.customerIds[calls % run.customerIds.length] ?? '';
        calls += 1;
        return commandOf(customerId, run.keyId);
      }),
    );
    // The copier's answers come over the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  batch([]);
  return pairs;
}

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
    customers: { type: 'string', default: '1' },
    profile: { type: 'string' },
  },
});
const dataDir = mkdtempSync(join(values.directory, 'gateway-writer-bench-'));
try {
  const store = await openSqliteStore({ dataDir, durability: 'process' });
  await store.directory.createPlan(PLAN);
  const customerIds: string[] = [];
  for (let n = 0; n < Number(values.customers); n += 1) {
    const { customer } = await store.directory.createCustomer({
      externalId: `bench-${n}`,
      name: null,
      planId: PLAN.id,
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    customerIds.push(customer.id);
  }
  await store.close();
  const database = openWriterDatabase(dataDir, 'process');
  const service = startWriterService({
    database,
    options: {
      dataDir,
      durability: 'process',
      nowMs: Date.now(),
      graceMs: 60_000,
      policy: 'release',
    },
  });
  const checkpointer = new Checkpointer(dataDir, service.nextSeq());
  const run = {
    customerIds,
    keyId: ids.next('key'),
    pairs: Number(values.pairs),
    durationMs: Number(values.seconds) * 1_000,
    noteProgress: (nextSeq: number) => {
      checkpointer.noteProgress(nextSeq);
    },
  };
  const session = new Session();
  let total = 0;
  for (let n = 0; n <= Number(values.rounds); n += 1) {
    const costs: Costs = { writer: [], commands: [], copies: [], answers: [] };
    const isProfiled = values.profile !== undefined && n === Number(values.rounds);
    if (isProfiled) {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 100 });
      await session.post('Profiler.start');
    }
    const pairs = await round(service, run, costs);
    if (isProfiled && values.profile !== undefined) {
      const { profile } = await session.post('Profiler.stop');
      writeFileSync(values.profile, JSON.stringify(profile));
    }
    total += pairs;
    const line = PARTS.map((part) => `${part} ${lowestTenth(costs[part])}`).join(', ');
    const name = n === 0 ? 'warm-up' : `round ${n}`;
    console.log(`${name}: ${line} µs a pair (${pairs} pairs)`);
  }
  await checkpointer.close();
  service.close();
  const size = statSync(databasePath(dataDir)).size;
  console.log(`database: ${Math.round(size / total)} bytes a pair`);
} finally {
  if (process.env['KEEP']) console.log(dataDir);
  else rmSync(dataDir, { recursive: true, force: true });
}
