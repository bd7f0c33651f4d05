/**
 * Does the suite find what has broken others? Each bug below is one that gateways and billing systems have shipped, or
 * that this ledger once had, put back into a copy of the source; the tests named beside it must then fail, and pass without it.
 *
 * Sources: public issues of the projects named. Some bugs need two places, as a careless change would touch both.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../../test/chaos/kill-report.ts';
import type { Part } from './parts.ts';
import { copySource, type Edit, putBug } from './source-copy.ts';

const MODEL_TEST = 'src/metering/core/engine.model.test.ts';
const SIMULATOR = 'test/simulation/simulator.test.ts';

interface KnownFailure {
  readonly name: string;
  /** Where it was seen. */
  readonly seen: string;
  readonly edits: readonly Edit[];
  /** Tests that must notice. */
  readonly tests: readonly string[];
}

export const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    name: 'calls in flight do not count, so parallel calls overspend',
    seen: 'litellm #34732, new-api #6609, one-api #2440',
    edits: [
      {
        file: 'src/metering/core/boxes.ts',
        from: 'sizeOf(bucket, target) - bucket.held - bucket.spent',
        to: 'sizeOf(bucket, target) - bucket.spent',
      },
    ],
    tests: [MODEL_TEST, 'src/metering/core/reserve.test.ts'],
  },
  {
    name: 'a released hold gives nothing back',
    seen: 'litellm #27639, new-api #4429',
    edits: [
      {
        file: 'src/metering/core/settle.ts',
        from: "step.post(leg.bucket, 'held', -leg.amount);",
        to: "if (at.booked.length > 0) step.post(leg.bucket, 'held', -leg.amount);",
      },
    ],
    tests: [MODEL_TEST],
  },
  {
    name: 'a settlement that is sent twice is booked twice',
    seen: 'litellm #30460, eliza #10930',
    edits: [
      {
        file: 'src/metering/core/settle.ts',
        from: 'return resolved.final ? replayOf(resolved) : settleLate',
        to: 'return resolved.final ? settleLate(memory, { resolved: { ...resolved, booked: [] }, charges, nowMs }) : settleLate',
      },
    ],
    tests: [MODEL_TEST, 'src/metering/core/settle.test.ts'],
  },
  {
    name: 'what a failed commit was to write is forgotten',
    seen: 'litellm #33872, #34887, unkey #5529',
    edits: [
      {
        file: 'src/store/sqlite/writer.ts',
        from: 'kept = this.#emergency.append(orders.map((order) => deferredRecord(order, nowMs)));',
        to: 'kept = orders.length > 0 && deferredRecord !== null && this.#emergency !== null;',
      },
    ],
    tests: [SIMULATOR],
  },
  {
    name: 'a crash in mid-call forgets that a provider was at work',
    seen: 'macprovider #763, azhen #51',
    edits: [
      {
        file: 'src/metering/core/engine.ts',
        from: "if (memory.holds.get(holdId)?.state === 'dispatched') ids.push(holdId);",
        to: '',
      },
    ],
    tests: [SIMULATOR],
  },
  {
    name: 'a stream that the client left is not billed',
    seen: 'litellm #14457, #13245',
    edits: [
      {
        file: 'src/gateway/deliver.ts',
        from: "return { outcome: 'client_closed', billable: 'yes' };",
        to: "return { outcome: 'client_closed', billable: 'no' };",
      },
    ],
    tests: ['test/faults/clients.test.ts'],
  },
  {
    name: 'a hold expires under a long stream',
    seen: 'oh-my-pi #10145',
    edits: [
      {
        file: 'src/metering/core/settle.ts',
        from: "return hold.state === 'held' && hold.expiresAtMs !== null && hold.expiresAtMs <= nowMs;",
        to: 'return nowMs - hold.createdAtMs >= 60_000;',
      },
    ],
    tests: [MODEL_TEST, SIMULATOR],
  },
  {
    name: 'a fallback is priced as the model that was asked for first',
    seen: 'litellm #8810',
    edits: [
      {
        file: 'src/gateway/settlement.ts',
        from: 'const price = priceOf(gateway, run, { candidate, end });',
        to: 'const price = run.candidates[0]?.price ?? priceOf(gateway, run, { candidate, end });',
      },
    ],
    tests: ['test/faults/fallback-price.test.ts'],
  },
  {
    name: 'cached tokens are charged as input once more',
    seen: 'litellm #6215, #14849, aider #5516',
    edits: [
      {
        file: 'src/catalog/price.ts',
        from: '(usage.input_text_tokens ?? 0) * rates.input_text_tokens +',
        to: '((usage.input_text_tokens ?? 0) + (usage.cache_read_tokens ?? 0)) * rates.input_text_tokens +',
      },
    ],
    tests: ['src/catalog/price.test.ts'],
  },
  {
    name: 'a fraction of a nano-dollar is cut off',
    seen: 'litellm #8867, candela #645',
    edits: [
      {
        file: 'src/catalog/ceil-millionths.ts',
        from: 'Math.ceil(',
        to: 'Math.floor(',
      },
    ],
    tests: ['src/catalog/price.test.ts', 'src/catalog/bound.test.ts'],
  },
  {
    name: 'a month is counted from the last one, so the 31st becomes the 28th for ever',
    seen: 'openmeter PR #2166, lago PR #6173, litellm #9098',
    edits: [
      {
        file: 'src/metering/core/period.ts',
        from: ".add({ months: seq * anchor.months }, { overflow: 'constrain' })",
        to: ".add({ months: seq > 0 ? 1 : 0 }, { overflow: 'constrain' }).add({ months: seq > 0 ? seq * anchor.months - 1 : seq * anchor.months })",
      },
    ],
    tests: ['src/metering/core/period.test.ts'],
  },
  {
    name: 'a clock that steps back makes room under a rate',
    seen: 'spring-cloud-gateway #1688',
    edits: [
      {
        file: 'src/metering/core/gcra.ts',
        from: 'asOfMs: Math.max(nowMs, cell.asOfMs),',
        to: 'asOfMs: nowMs,',
      },
      {
        file: 'src/metering/core/gcra.ts',
        from: /function present\([\s\S]*?\n\}/,
        to: 'function present(_cell: GcraState, nowMs: number): bigint {\n  return BigInt(nowMs) * 1000n;\n}',
      },
    ],
    tests: ['src/metering/core/gcra.test.ts'],
  },
  {
    name: 'a slot is never freed',
    seen: 'litellm #20256',
    edits: [
      {
        file: 'src/metering/core/settle.ts',
        from: 'for (const counter of hold.slots) step.setSlot(counter, hold.holdId, 0n);',
        to: '',
      },
    ],
    tests: [MODEL_TEST],
  },
  {
    name: 'the bound counts a token for every four bytes',
    seen: 'vigil PR #188, one-api PR #1312',
    edits: [
      {
        file: 'src/catalog/bound.ts',
        from: 'const inputTokens = inputBytes + inputMediaTokens;',
        to: 'const inputTokens = Math.ceil(inputBytes / 4) + inputMediaTokens;',
      },
    ],
    tests: ['src/catalog/bound.test.ts'],
  },
  {
    name: 'what one part of a limit owes is no less room in another',
    seen: 'this ledger, before its model found it',
    edits: [
      {
        file: 'src/metering/core/assess.ts',
        from: 'sum.room += balanceOf(bucket, target);',
        to: 'sum.room += balanceOf(bucket, target) > 0n ? balanceOf(bucket, target) : 0n;',
      },
    ],
    tests: [MODEL_TEST, 'src/metering/core/rollover.test.ts'],
  },
  {
    name: 'uses of a quote leave their part of the credits undrawn',
    seen: 'this ledger, before its simulation found it',
    edits: [
      {
        file: 'src/metering/core/funding.ts',
        from: 'let rest = allowances.length > 0 ? 0n : (onCredits + uses - 1n) / uses;',
        to: 'let rest = 0n;',
      },
    ],
    tests: ['src/metering/core/quote-credits.test.ts'],
  },
  {
    name: 'an idempotency key is given out again although its call was charged',
    seen: 'this ledger, before its simulation found it',
    edits: [
      {
        file: 'src/store/sqlite/idempotency-table.ts',
        from: '(hold?.atMs ?? 0) + IDEMPOTENCY_KEPT_MS',
        to: '(hold?.atMs ?? 0) * 0',
      },
    ],
    tests: ['src/store/sqlite/idempotency.test.ts'],
  },
  {
    name: 'usage of a day is lost when its call ends after the day was passed over',
    seen: 'this ledger, before its simulation found it',
    edits: [
      {
        file: 'src/store/sqlite/usage-days.ts',
        from: 'this.#firstDayMs = null;\n    if (!this.isDue(nowMs)) return;',
        to: 'if (!this.isDue(nowMs)) return;',
      },
    ],
    tests: ['src/store/sqlite/usage.model.test.ts'],
  },
];

/** What the tests of a copy need. */
const COPIED = [
  'src',
  'test',
  'docs',
  'openapi',
  'bin',
  'scripts',
  'bench',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'README.md',
];

/** True when the tests pass. */
async function passes(directory: string, tests: readonly string[]): Promise<boolean> {
  const child = spawn(
    process.execPath,
    [join(directory, 'node_modules/vitest/vitest.mjs'), 'run', '--bail=1', ...tests],
    {
      cwd: directory,
      env: { ...process.env, SIMULATION_SEEDS: '600', MODEL_RUNS: '60', MODEL_SEED: '4711' },
      stdio: 'ignore',
    },
  );
  return await new Promise<boolean>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code === 0);
    });
  });
}

/** Runs every copy; the part holds when each bug is found and the source without bugs is found clean. */
export async function proveKnownFailures(): Promise<Part> {
  const directory = copySource(COPIED);
  const figures: Figure[] = [];
  let found = 0;
  try {
    const all = [...new Set(KNOWN_FAILURES.flatMap(({ tests }) => tests))];
    const clean = await passes(directory, all);
    for (const failure of KNOWN_FAILURES) {
      const takeOut = putBug(directory, failure);
      const noticed = !(await passes(directory, failure.tests));
      takeOut();
      if (noticed) found += 1;
      figures.push([
        `${failure.name} (${failure.seen})`,
        noticed ? `found by ${failure.tests.map((test) => `\`${test}\``).join(', ')}` : 'NOT found',
      ]);
      process.stderr.write(`  ${failure.name}: ${noticed ? 'found' : 'NOT found'}\n`);
    }
    return {
      name: 'known-failures',
      title: 'Bugs that others have shipped, put back in',
      command: 'npm run prove -- --only known-failures',
      figures: [
        ['the tests pass without a bug', clean ? 'yes' : 'NO'],
        ['bugs found', `${found} of ${KNOWN_FAILURES.length}`],
        ...figures,
      ],
      ok: clean && found === KNOWN_FAILURES.length,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
