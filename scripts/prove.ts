/**
 * `npm run prove`: repeats the proofs that are too long for every test run and prints their figures; with
 * `--write-docs` they go into docs/proof.md.
 *
 * @module
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { writeFigures } from './prove/page.ts';
import { parseProveOptions, USAGE_TEXT, type ProveOptions } from './prove/options.ts';
import { proveSeededBugs } from './prove/seeded-bugs.ts';
import { proveKnownFailures } from './prove/known-failures.ts';
import {
  proveContention,
  proveCrashPoints,
  proveJobs,
  proveKills,
  proveModel,
  proveSimulation,
  proveStore,
  type Part,
} from './prove/parts.ts';

function renderPart({ title, command, figures, ok }: Part): string {
  const rows = figures.map(([name, value]) => `| ${name} | ${value} |`);
  return [
    `### ${title}`,
    '',
    `\`${command}\``,
    '',
    '| what | figure |',
    '| --- | --- |',
    ...rows,
    '',
    ok ? 'Holds.' : '**Does not hold.**',
  ].join('\n');
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${model}), ${gigabytes} GB, ${process.platform}, Node ${process.version}`;
}

async function runParts(options: ProveOptions): Promise<Part[]> {
  const parts: Part[] = [];
  const note = (what: string): void => void process.stderr.write(`${what}\n`);
  if (options.modelRuns > 0) {
    note('model …');
    parts.push(await proveModel(options.modelRuns, options.seed));
  }
  if (options.contentionRuns > 0) {
    note('contention …');
    parts.push(await proveContention(options.contentionRuns));
  }
  if (options.storeCycles > 0) {
    note('store, killed …');
    parts.push(await proveStore(options.storeCycles));
  }
  if (options.killCycles > 0) {
    note('gateway, killed …');
    parts.push(await proveKills(options.killCycles, options.seed));
  }
  if (options.jobCycles > 0) {
    note('gateway with jobs under way, killed …');
    parts.push(await proveJobs(options.jobCycles, options.seed));
  }
  if (options.crashPoints) {
    note('crash points …');
    parts.push(await proveCrashPoints());
  }
  if (options.simulationSeeds > 0) {
    note('simulation …');
    parts.push(await proveSimulation(options.simulationSeeds));
  }
  if (options.knownFailures) {
    note('bugs that others have shipped …');
    parts.push(await proveKnownFailures());
  }
  if (options.bugCycles > 0) {
    note('copies with a bug …');
    parts.push(await proveSeededBugs(options.bugCycles, options.seed));
  }
  return parts;
}

const options = parseProveOptions(process.argv.slice(2));
if (options === 'help') {
  console.log(USAGE_TEXT);
} else {
  const parts = await runParts(options);
  const day = new Date().toISOString().slice(0, 10);
  const figures = [`${day}, ${machine()}.`, ...parts.map(renderPart)].join('\n\n');
  console.log(figures);
  if (options.writeDocs) writeFigures('figures', figures);
  if (parts.some(({ ok }) => !ok)) process.exitCode = 1;
}
