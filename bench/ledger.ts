/**
 * `npm run bench:ledger`: how many reserve + settle pairs a second the embedded ledger takes, with both kinds of
 * durability, at 1, 64 and 512 calls in flight, and how long the event loop that asks is kept waiting meanwhile.
 *
 * Every pair is a hold with its event committed, then a settlement with attempt, request row and rollups committed.
 * `-- --seconds 5` sets the time of each measurement, `-- --directory <path>` the disk, `-- --write-docs` puts the
 * figures into docs/benchmarks.md.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { writeFigures } from '../scripts/prove/page.ts';
import type { MeteringStore } from '../src/metering/ports.ts';
import { reserveOf, settleOf } from '../src/metering/testing/store-samples.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';

const IN_FLIGHT = [1, 64, 512] as const;
const DURABILITIES = ['process', 'power'] as const;
const WARM_UP_MS = 1_000;
const PAIRS_PER_SECOND_LEAST = 10_000;

interface Sample {
  readonly durability: (typeof DURABILITIES)[number];
  readonly inFlight: number;
  readonly pairsPerSecond: number;
  readonly cpuMicrosPerPair: number;
  readonly loopDelayP99Ms: number;
}

/** Keeps `inFlight` calls going for `durationMs`; returns the pairs that were settled. */
async function load(
  store: MeteringStore,
  customerId: string,
  run: { readonly inFlight: number; readonly durationMs: number; readonly prefix: string },
): Promise<number> {
  const untilMs = performance.now() + run.durationMs;
  let next = 0;
  let settled = 0;
  const call = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      next += 1;
      const reserve = reserveOf(customerId, `${run.prefix}${next}`, 1_000n);
      const held = await store.ledger.reserve(reserve);
      if (held.type !== 'held') throw new Error(`refused: ${held.message}`);
      await store.ledger.settle(settleOf(reserve, Date.now(), 400n));
      settled += 1;
    }
  };
  await Promise.all(Array.from({ length: run.inFlight }, call));
  return settled;
}

async function measure(
  durability: Sample['durability'],
  directory: string,
  durationMs: number,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const dataDir = mkdtempSync(join(directory, 'gateway-ledger-bench-'));
  const store = await openSqliteStore({ dataDir, durability });
  try {
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    await load(store, customerId, { inFlight: 64, durationMs: WARM_UP_MS, prefix: 'warm' });
    for (const inFlight of IN_FLIGHT) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const cpuBefore = process.cpuUsage();
      const startedMs = performance.now();
      const pairs = await load(store, customerId, {
        inFlight,
        durationMs,
        prefix: `c${inFlight}-`,
      });
      const elapsedMs = performance.now() - startedMs;
      const cpu = process.cpuUsage(cpuBefore);
      delay.disable();
      samples.push({
        durability,
        inFlight,
        pairsPerSecond: (pairs / elapsedMs) * 1_000,
        cpuMicrosPerPair: (cpu.user + cpu.system) / pairs,
        loopDelayP99Ms: delay.percentile(99) / 1e6,
      });
    }
    const report = await store.ledger.verify();
    if (!report.ok || report.open_holds > 0) throw new Error('the ledger does not verify');
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
  return samples;
}

function renderTable(samples: readonly Sample[]): string {
  const rows = samples.map(
    (sample) =>
      `| ${sample.durability} | ${sample.inFlight} | ${Math.round(sample.pairsPerSecond).toLocaleString('en-US')} | ${sample.cpuMicrosPerPair.toFixed(0)} | ${sample.loopDelayP99Ms.toFixed(1)} |`,
  );
  return [
    '| durability | calls in flight | reserve + settle pairs/s | CPU-µs per pair, all threads | event-loop delay p99, ms (timer resolution 1 ms) |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
    'write-docs': { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0 && seconds <= 60)) throw new Error('--seconds must be between 0 and 60');
const samples: Sample[] = [];
for (const durability of DURABILITIES) {
  samples.push(...(await measure(durability, values.directory, seconds * 1_000)));
}
const table = renderTable(samples);
console.log(table);
if (values['write-docs']) {
  writeFigures('ledger', `\`npm run bench:ledger\`\n\n${table}`, 'benchmarks');
}
const busiest = samples.find((one) => one.durability === 'process' && one.inFlight === 512);
if (busiest === undefined || busiest.pairsPerSecond < PAIRS_PER_SECOND_LEAST) {
  console.log(`Below ${PAIRS_PER_SECOND_LEAST} pairs a second at 512 in flight.`);
}
