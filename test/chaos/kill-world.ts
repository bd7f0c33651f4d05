/**
 * Where the kill loop takes place: the gateway's settings, its models with prices of their own, and the faults of the
 * provider.
 *
 * @module
 */
import type { SeededRandom } from '../../src/simulators/core/random.ts';
import type { FaultRule } from '../../src/simulators/index.ts';
import type { Rates } from './reckoning.ts';

/** Own prices, so that costs are recomputed here without the gateway's price book. */
export const RATES: Readonly<Record<string, Rates>> = {
  'gpt-4o-mini': { input: 150_000_000n, output: 600_000_000n },
  'gpt-4o': { input: 2_500_000_001n, output: 10_000_000_007n },
  'gemini-2.0-flash': { input: 100_000_003n, output: 400_000_009n },
};
const CANDIDATES = {
  first: ['openai/gpt-4o-mini', 'gemini/gemini-2.0-flash'],
  second: ['gemini/gemini-2.0-flash', 'openai/gpt-4o'],
  third: ['openai/gpt-4o', 'openai/gpt-4o-mini', 'gemini/gemini-2.0-flash'],
} as const;
export const MODELS = [
  'first',
  'second',
  'third',
  'openai/gpt-4o-mini',
  'gemini/gemini-2.0-flash',
] as const;
const GRACE_MS = 300;

export const CONFIG = {
  logging: { level: 'error' },
  metering: { unknownGraceMs: GRACE_MS },
  jobs: { submitTimeoutMs: 2000 },
  // What was made is fetched from its provider.
  egress: { allowPrivateHosts: ['127.0.0.1'] },
  models: {
    aliases: Object.entries(CANDIDATES).map(([alias, candidates]) => ({ alias, candidates })),
    prices: Object.entries(RATES).map(([model, { input, output }]) => ({
      provider: model.startsWith('gemini') ? 'gemini' : 'openai',
      model,
      rates: { input_text_tokens: Number(input), output_text_tokens: Number(output) },
    })),
  },
};

/** One in six calls meets one of these; all of them lead to a repeat, a fallback or a broken stream. */
const FAULTS = [
  '503',
  '500',
  '429-retry-after-ms-20',
  'reset-before-headers',
  'reset-in-body',
  'eof-after-3',
  'half-event-after-2',
  'close-after-1',
  'stall-first-150',
  'error-after-2',
  'bad-json',
] as const;

export function faultsOf(random: SeededRandom): FaultRule {
  const sequence = Array.from({ length: 60 }, () =>
    random.next() < 1 / 6 ? random.pick([...FAULTS] as [string, ...string[]]) : null,
  );
  return { sequence, repeat: true };
}
