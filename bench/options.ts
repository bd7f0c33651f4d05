/**
 * Command line of the bench.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { SCENARIOS, type Scenario, type ScenarioId } from './workload.ts';

export interface BenchOptions {
  readonly portkey: boolean;
  readonly gateway: boolean;
  readonly writeDocs: boolean;
  readonly profile: boolean;
  /** Share of the full request counts, for a look in between. */
  readonly scale: number;
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  /** Requests after which memory is compared with that after a tenth of them; null leaves it out. */
  readonly soakRequests: number | null;
  /** Where the temporary folder is made; null is the system's. */
  readonly directory: string | null;
}

export const USAGE_TEXT = `npm run bench -- [flags]
  --no-portkey        leave Portkey's gateway out (it is installed from npm otherwise)
  --no-gateway        leave this gateway out
  --scenario <id>     only small, large, stream or long; may be repeated
  --rounds <n>        rounds per figure (3)
  --quick             a fifth of the requests, one round: shows that it works, no figures to quote
  --soak <n>          also memory of this gateway after n requests against n/10
  --directory <path>  where data folders are made; should be a real disk (default: the system's temporary folder)
  --profile           no comparison: run this gateway under the CPU profiler and list where time goes
  --write-docs        put the figures into docs/benchmarks.md`;

/** @throws Error naming the flag that is wrong */
export function parseBenchOptions(commandArguments: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...commandArguments],
    options: {
      'no-portkey': { type: 'boolean', default: false },
      'no-gateway': { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      soak: { type: 'string' },
      directory: { type: 'string' },
      profile: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const chosen =
    values.scenario.length > 0 ? values.scenario.map(scenarioOf) : Object.values(SCENARIOS);
  if (values['write-docs'] && (values.quick || chosen.length < Object.keys(SCENARIOS).length)) {
    throw new Error('--write-docs wants a whole run: leave out --quick and --scenario');
  }
  return {
    portkey: !values['no-portkey'],
    gateway: !values['no-gateway'],
    writeDocs: values['write-docs'],
    profile: values.profile,
    scale: values.quick ? 0.2 : 1,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '1' : '3'), 25),
    scenarios: chosen,
    soakRequests: values.soak === undefined ? null : wholeNumber('--soak', values.soak, 10_000_000),
    directory: values.directory ?? null,
  };
}

function scenarioOf(text: string): Scenario {
  const known = Object.keys(SCENARIOS);
  if (!known.includes(text)) throw new Error(`--scenario must be one of ${known.join(', ')}`);
  return SCENARIOS[text as ScenarioId];
}

function wholeNumber(flag: string, text: string, highest: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > highest) {
    throw new Error(`${flag} must be a whole number from 1 to ${highest}`);
  }
  return value;
}
