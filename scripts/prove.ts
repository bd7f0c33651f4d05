/**
 * `npm run prove`: repeats the proofs that are too long for every test run and prints their figures; with
 * `--write-docs` each part replaces its own figures in docs/proof.md as soon as it has ended.
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
  const day = new Date().toISOString().slice(0, 10);
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
    `${ok ? 'Holds' : '**Does not hold**'}, ${day}, ${machine()}.`,
  ].join('\n');
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores (${model}), ${gigabytes} GB, ${process.platform}, Node ${process.version}`;
}

/** The parts that are wanted, each run when its turn comes. */
function* wantedParts(options: ProveOptions): Generator<[what: string, () => Promise<Part>]> {
  const { seed } = options;
  if (options.modelRuns > 0) yield ['model', () => proveModel(options.modelRuns, seed)];
  if (options.contentionRuns > 0) {
    yield ['contention', () => proveContention(options.contentionRuns)];
  }
  if (options.storeCycles > 0) yield ['store, killed', () => proveStore(options.storeCycles)];
  if (options.killCycles > 0) yield ['gateway, killed', () => proveKills(options.killCycles, seed)];
  if (options.jobCycles > 0) {
    yield ['gateway with jobs under way, killed', () => proveJobs(options.jobCycles, seed)];
  }
  if (options.crashPoints) yield ['crash points', proveCrashPoints];
  if (options.simulationSeeds > 0) {
    yield ['simulation', () => proveSimulation(options.simulationSeeds)];
  }
  if (options.knownFailures) yield ['bugs that others have shipped', proveKnownFailures];
  if (options.bugCycles > 0) {
    yield ['copies with a bug', () => proveSeededBugs(options.bugCycles, seed)];
  }
}

const options = parseProveOptions(process.argv.slice(2));
if (options === 'help') {
  console.log(USAGE_TEXT);
} else {
  for (const [what, run] of wantedParts(options)) {
    process.stderr.write(`${what} …\n`);
    const part = await run();
    const figures = renderPart(part);
    console.log(`${figures}\n`);
    if (options.writeDocs) writeFigures(part.name, figures);
    if (!part.ok) process.exitCode = 1;
  }
}
