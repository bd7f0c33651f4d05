/**
 * `npm run mutate`: puts one small bug at a time into the modules that decide about money, and counts how many the
 * tests find. Every module must reach the bar; what survived is listed.
 *
 * `-- --module rates` runs one module, `-- --write-docs` puts the figures into docs/proof.md, each module's in its own place.
 *
 * Texts are not mutated: what a message says is no arithmetic.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFigures } from './prove/page.ts';

const ROOT = join(import.meta.dirname, '..');
const STRYKER = join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const LEAST_SCORE_PERCENT = 85;

/** Modules by what they decide. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  money: [
    'src/contracts/money.ts',
    'src/catalog/price.ts',
    'src/catalog/ceil-millionths.ts',
    'src/metering/core/meter-amounts.ts',
  ],
  periods: ['src/metering/core/period.ts', 'src/metering/core/windows.ts'],
  settlement: [
    'src/metering/core/settle.ts',
    'src/metering/core/booking.ts',
    'src/metering/core/late.ts',
    'src/metering/core/reconcile.ts',
  ],
  rates: ['src/metering/core/gcra.ts', 'src/metering/core/rate-view.ts'],
};

interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number } };
}

/** The part of Stryker's report that is read: https://github.com/stryker-mutator/mutation-testing-elements */
interface MutationReport {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

interface Score {
  readonly module: string;
  readonly mutants: number;
  readonly found: number;
  readonly survivors: readonly string[];
}

async function runStryker(files: readonly string[], folder: string): Promise<MutationReport> {
  const reportFile = join(folder, 'report.json');
  const configFile = join(folder, 'stryker.json');
  const config = {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'scripts/mutation/vitest.config.ts', related: false },
    mutate: files,
    mutator: { excludedMutations: ['StringLiteral'] },
    coverageAnalysis: 'perTest',
    ignoreStatic: true,
    concurrency: 1,
    // A busy machine must neither end the first run nor let a slow mutant count as an endless one.
    dryRunTimeoutMinutes: 60,
    timeoutMS: 60_000,
    timeoutFactor: 4,
    // TypeScript 7 has no JavaScript API, and the rewriting of tsconfig.json needs one.
    tsconfigFile: 'none.json',
    tempDirName: join(folder, 'sandbox'),
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: reportFile },
  };
  writeFileSync(configFile, JSON.stringify(config));
  const child = spawn(process.execPath, [STRYKER, 'run', configFile], {
    cwd: ROOT,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (code !== 0) throw new Error(`Stryker ended with ${code}`);
  return JSON.parse(readFileSync(reportFile, 'utf8')) as MutationReport;
}

/** `Timeout` counts as found: the mutant made a loop endless. Mutants in static code cannot be told apart and are left out. */
function scoreOf(module: string, report: MutationReport): Score {
  const survivors: string[] = [];
  let found = 0;
  for (const [file, { mutants }] of Object.entries(report.files)) {
    for (const mutant of mutants) {
      if (mutant.status === 'Killed' || mutant.status === 'Timeout') found += 1;
      if (mutant.status !== 'Survived' && mutant.status !== 'NoCoverage') continue;
      const where = `${relative(ROOT, join(ROOT, file))}:${mutant.location.start.line}`;
      survivors.push(`${where} ${mutant.mutatorName}: ${mutant.replacement ?? ''}`);
    }
  }
  return { module, mutants: found + survivors.length, found, survivors };
}

function percentOf({ mutants, found }: Pick<Score, 'mutants' | 'found'>): number {
  return mutants === 0 ? 0 : (found * 100) / mutants;
}

function renderScore(score: Score, day: string): string {
  const files = (MODULES[score.module] ?? []).map((file) => `\`${file}\``).join(', ');
  const counts = `${score.found} of ${score.mutants} mutants found, ${percentOf(score).toFixed(1)} %`;
  return `- **${score.module}** (${files}): ${counts}. \`npm run mutate -- --module ${score.module}\`, ${day}.`;
}

const { values } = parseArgs({
  options: { module: { type: 'string', multiple: true }, 'write-docs': { type: 'boolean' } },
});
const wanted = values.module ?? Object.keys(MODULES);
const scores: Score[] = [];
for (const module of wanted) {
  const files = MODULES[module];
  if (files === undefined) {
    throw new Error(`There is no module ${module}; there are ${Object.keys(MODULES).join(', ')}.`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'gateway-mutation-'));
  try {
    scores.push(scoreOf(module, await runStryker(files, folder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
for (const { module, survivors } of scores) {
  for (const survivor of survivors) console.log(`survived (${module}): ${survivor}`);
}
const day = new Date().toISOString().slice(0, 10);
for (const score of scores) {
  const line = renderScore(score, day);
  console.log(line);
  if (values['write-docs'] === true) writeFigures(`mutation-${score.module}`, line);
}
if (scores.some((score) => percentOf(score) < LEAST_SCORE_PERCENT)) process.exitCode = 1;
