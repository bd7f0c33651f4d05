/**
 * Command line of `npm run prove`.
 *
 * @module
 */
import { parseArgs } from 'node:util';

export interface ProveOptions {
  readonly killCycles: number;
  /** Kills with jobs under way. */
  readonly jobCycles: number;
  readonly storeCycles: number;
  readonly modelRuns: number;
  readonly contentionRuns: number;
  /** Kills of each copy of the gateway that has a bug put in on purpose. */
  readonly bugCycles: number;
  /** Seeds of the simulation. */
  readonly simulationSeeds: number;
  readonly crashPoints: boolean;
  readonly knownFailures: boolean;
  readonly seed: string;
  readonly writeDocs: boolean;
}

export const USAGE_TEXT = `npm run prove -- [flags]
  --kill-cycles <n>      SIGKILLs of the whole gateway under load (1000)
  --job-cycles <n>       SIGKILLs of the gateway with jobs under way (100)
  --store-cycles <n>     SIGKILLs of the store alone (200)
  --model-runs <n>       random command lists against the engine's model (500)
  --contention-runs <n>  rounds of 200 parallel calls on each of two limits (20)
  --bug-cycles <n>       SIGKILLs of each copy with a bug put in, which the loop must find (30)
  --seeds <n>            worlds of the simulation (20000)
  --only <part>          one part: model, contention, store, kills, jobs, bugs, simulation, crash-points, known-failures;
                         may be repeated
  --seed <text>          of the loops; the same seed gives the same loads, faults and times of kill (date of today)
  --write-docs           put the figures of these parts into docs/proof.md, each as soon as it has ended
0 leaves a part out.`;

/** Parts of the proof, by what `--only` calls them. */
export const PARTS = [
  'model',
  'contention',
  'store',
  'kills',
  'jobs',
  'bugs',
  'simulation',
  'crash-points',
  'known-failures',
] as const;
export type PartName = (typeof PARTS)[number];

function chosenParts(names: readonly string[]): ReadonlySet<PartName> {
  const unknown = names.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`--only must be one of ${PARTS.join(', ')}`);
  return new Set(PARTS.filter((part) => names.length === 0 || names.includes(part)));
}

function count(text: string | undefined, name: string, other: number): number {
  if (text === undefined) return other;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`);
  return value;
}

/** @throws Error naming the flag that is wrong */
export function parseProveOptions(commandArguments: readonly string[]): ProveOptions | 'help' {
  const { values } = parseArgs({
    args: [...commandArguments],
    options: {
      'kill-cycles': { type: 'string' },
      'job-cycles': { type: 'string' },
      'store-cycles': { type: 'string' },
      'model-runs': { type: 'string' },
      'contention-runs': { type: 'string' },
      'bug-cycles': { type: 'string' },
      seeds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const parts = chosenParts(values.only);
  const times = (part: PartName, flag: keyof typeof values, other: number): number => {
    const text = values[flag];
    return parts.has(part) ? count(typeof text === 'string' ? text : undefined, flag, other) : 0;
  };
  return {
    killCycles: times('kills', 'kill-cycles', 1_000),
    jobCycles: times('jobs', 'job-cycles', 100),
    storeCycles: times('store', 'store-cycles', 200),
    modelRuns: times('model', 'model-runs', 500),
    contentionRuns: times('contention', 'contention-runs', 20),
    bugCycles: times('bugs', 'bug-cycles', 30),
    simulationSeeds: times('simulation', 'seeds', 20_000),
    crashPoints: parts.has('crash-points'),
    knownFailures: parts.has('known-failures'),
    seed: values.seed ?? new Date().toISOString().slice(0, 10),
    writeDocs: values['write-docs'],
  };
}
