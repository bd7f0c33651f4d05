/**
 * Runs the tests and ends with the plain line `N passed, N failed, N skipped`, which tools read.
 *
 * Without arguments: everything, with the metering core in a round of its own that also holds the core to the
 * coverage in `vitest.config.ts`. Arguments go to vitest as they are, in one round.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly startTime: number;
    readonly endTime: number;
    readonly assertionResults: readonly {
      /** `pending` and `skipped` mean the same: the reporter's word depends on its version. */
      readonly status: 'passed' | 'failed' | 'pending' | 'skipped' | 'todo' | 'disabled';
      readonly fullName: string;
    }[];
  }[];
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const CORE = 'src/metering/core';
const VITEST = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');

/** @returns the exit code of vitest */
function runVitest(args: readonly string[], folder: string): Promise<number> {
  // Tests start hundreds of threads and processes that load the same modules. Functions out of the cache would be
  // counted less exactly: https://nodejs.org/docs/latest-v24.x/api/module.html#module-compile-cache
  const cache = args.includes('--coverage')
    ? {}
    : { NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
  const child = spawn(process.execPath, [VITEST, 'run', ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...cache },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const SLOWEST_FILES = 12;

/** Where the time of a long run goes. */
function printSlowest({ testResults }: Report): void {
  if (testResults.length <= SLOWEST_FILES) return;
  const files = testResults
    .map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1_000 }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, SLOWEST_FILES);
  console.log('The slowest files:');
  for (const { name, seconds } of files) {
    console.log(`${seconds.toFixed(1).padStart(7)} s  ${relative(process.cwd(), name)}`);
  }
}

/** What did not run; each test says why in its name or where it is skipped. */
function printSkipped({ testResults }: Report): void {
  const skipped = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => `  ${relative(process.cwd(), name)}: ${fullName}`),
  );
  if (skipped.length > 0) console.log(['Skipped:', ...skipped].join('\n'));
}

function readCounts(reportFile: string): Counts {
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  printSlowest(report);
  printSkipped(report);
  // A file that cannot be loaded has no test that could fail.
  const failed =
    report.numFailedTests + (report.numFailedTests === 0 ? report.numFailedTestSuites : 0);
  return {
    passed: report.numPassedTests,
    failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** One run of vitest, its report read; null counts when it wrote none. */
async function runRound(
  folder: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly counts: Counts | null }> {
  const reportFile = join(folder, 'report.json');
  rmSync(reportFile, { force: true });
  const report = ['--reporter=dot', '--reporter=json', `--outputFile.json=${reportFile}`];
  const code = await runVitest([...report, ...args], folder);
  try {
    const counts = readCounts(reportFile);
    return { code: counts.failed > 0 || counts.passed === 0 ? code || 1 : code, counts };
  } catch (error) {
    console.error(`No test report was written: ${String(error)}`);
    return { code: code || 1, counts: null };
  }
}

async function runRounds(rounds: readonly (readonly string[])[], folder: string): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  let exitCode = 0;
  for (const args of rounds) {
    const { code, counts } = await runRound(folder, args);
    exitCode ||= code;
    total.passed += counts?.passed ?? 0;
    total.failed += counts?.failed ?? 1;
    total.skipped += counts?.skipped ?? 0;
  }
  if (exitCode !== 0 && total.failed === 0) {
    console.log('No test failed, but the run did: see the coverage or the errors above.');
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return exitCode;
}

const given = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'alwrity-gateway-tests-'));
const everything = [
  ['--exclude', `${CORE}/**`],
  [CORE, '--coverage', `--coverage.reportsDirectory=${join(folder, 'coverage')}`],
];
try {
  process.exitCode = await runRounds(given.length > 0 ? [given] : everything, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
