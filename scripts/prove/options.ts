/**
 * Command line of `npm run prove`.
 *
 * @module
 */
import { parseArgs } from 'node:util';

export interface ProveOptions {
  readonly killCycles: number;
  readonly storeCycles: number;
  readonly modelRuns: number;
  readonly contentionRuns: number;
  /** Kills of each copy of the gateway that has a bug put in on purpose. */
  readonly bugCycles: number;
  readonly seed: string;
  readonly writeDocs: boolean;
}

export const USAGE_TEXT = `npm run prove -- [flags]
  --kill-cycles <n>      SIGKILLs of the whole gateway under load (300)
  --store-cycles <n>     SIGKILLs of the store alone (200)
  --model-runs <n>       random command lists against the engine's model (500)
  --contention-runs <n>  rounds of 200 parallel calls on each of two limits (20)
  --bug-cycles <n>       SIGKILLs of each copy with a bug put in, which the loop must find (30)
  --seed <text>          of the loops; the same seed gives the same loads, faults and times of kill (date of today)
  --write-docs           put the figures into docs/proof.md
0 leaves a part out.`;

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
      'store-cycles': { type: 'string' },
      'model-runs': { type: 'string' },
      'contention-runs': { type: 'string' },
      'bug-cycles': { type: 'string' },
      seed: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    killCycles: count(values['kill-cycles'], 'kill-cycles', 300),
    storeCycles: count(values['store-cycles'], 'store-cycles', 200),
    modelRuns: count(values['model-runs'], 'model-runs', 500),
    contentionRuns: count(values['contention-runs'], 'contention-runs', 20),
    bugCycles: count(values['bug-cycles'], 'bug-cycles', 30),
    seed: values.seed ?? new Date().toISOString().slice(0, 10),
    writeDocs: values['write-docs'],
  };
}
