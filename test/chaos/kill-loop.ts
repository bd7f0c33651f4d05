/**
 * The whole gateway under load, killed without warning and started again, over and over; then its books against
 * the provider's own log.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, type SeededRandom } from '../../src/simulators/core/random.ts';
import { createSimulator, type FaultRule, type Simulator } from '../../src/simulators/index.ts';
import { ChatCaller, type CallResult } from './chat-caller.ts';
import { eventually, freePort, GatewayProcess, makeCustomer } from './gateway-process.ts';
import { readStories, type HoldStory } from './ledger-story.ts';
import { reckon, type ProviderCall, type Rates, type Reckoning } from './reckoning.ts';

export interface KillLoopOptions {
  readonly cycles: number;
  readonly seed: string;
  /** Told once a cycle. */
  readonly onCycle?: (cycle: number) => void;
  /** Entry of another copy of the gateway's source, with a bug put in on purpose. */
  readonly mainFile?: string;
}

export interface KillLoopReport extends Reckoning {
  readonly cycles: number;
  readonly seed: string;
  /** Kills that struck before the gateway listened. */
  readonly killsInStart: number;
  /** Calls in progress at the moment of the kill, summed over kills. */
  readonly inFlightAtKill: number;
  readonly verifications: number;
  readonly limitSamples: number;
  /** What must not be, as sentences: a failed verification, a counter out of bounds, a sum that differs. */
  readonly violations: readonly string[];
  readonly events: number;
  readonly seconds: number;
}

/** Own prices, so that costs are recomputed here without the gateway's price book. */
const RATES: Readonly<Record<string, Rates>> = {
  'gpt-4o-mini': { input: 150_000_000n, output: 600_000_000n },
  'gpt-4o': { input: 2_500_000_001n, output: 10_000_000_007n },
  'gemini-2.0-flash': { input: 100_000_003n, output: 400_000_009n },
};
const CANDIDATES = {
  first: ['openai/gpt-4o-mini', 'gemini/gemini-2.0-flash'],
  second: ['gemini/gemini-2.0-flash', 'openai/gpt-4o'],
  third: ['openai/gpt-4o', 'openai/gpt-4o-mini', 'gemini/gemini-2.0-flash'],
} as const;
const MODELS = [
  'first',
  'second',
  'third',
  'openai/gpt-4o-mini',
  'gemini/gemini-2.0-flash',
] as const;
const LANES = 24;
/** Calls of clients per generation of data: what one reading of the whole ledger takes in. */
const CYCLES_PER_LIFE = 100;
const GRACE_MS = 300;

const CONFIG = {
  logging: { level: 'error' },
  metering: { unknownGraceMs: GRACE_MS },
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

function faultsOf(random: SeededRandom): FaultRule {
  const sequence = Array.from({ length: 60 }, () =>
    random.next() < 1 / 6 ? random.pick([...FAULTS] as [string, ...string[]]) : null,
  );
  return { sequence, repeat: true };
}

interface LimitRow {
  readonly id: string;
  readonly limit: string;
  readonly used: string;
  readonly held: string;
}

/** One data directory and everything that was seen of it. */
class Life {
  readonly #options: KillLoopOptions;
  readonly #workDir: string;
  readonly #simulator: Simulator;
  readonly #port: number;
  readonly #number: number;
  readonly #keys: { wide: string; tight: string } = { wide: '', tight: '' };
  readonly results: CallResult[] = [];
  readonly providerCalls: ProviderCall[] = [];
  readonly violations: string[] = [];
  killsInStart = 0;
  inFlightAtKill = 0;
  verifications = 0;
  limitSamples = 0;
  events = 0;
  #serial = 0;
  #inFlight = 0;

  constructor(
    options: KillLoopOptions,
    place: {
      readonly workDir: string;
      readonly simulator: Simulator;
      readonly port: number;
      readonly number: number;
    },
  ) {
    this.#options = options;
    this.#workDir = place.workDir;
    this.#simulator = place.simulator;
    this.#port = place.port;
    this.#number = place.number;
  }

  #start(): GatewayProcess {
    return new GatewayProcess({
      dataDir: join(this.#workDir, 'data'),
      workDir: this.#workDir,
      port: this.#port,
      config: CONFIG,
      openaiUrl: `${this.#simulator.url}/openai`,
      geminiUrl: `${this.#simulator.url}/gemini`,
      ...(this.#options.mainFile === undefined ? {} : { mainFile: this.#options.mainFile }),
    });
  }

  /** First start: two customers, one that never reaches a limit and one that keeps running into them. */
  async begin(cycles: number): Promise<void> {
    const gateway = await this.#start().ready();
    this.#keys.wide = await makeCustomer(gateway, 'wide', [
      { meter: 'cost_usd', window: 'period', amount: '1000' },
      { meter: 'requests', window: 'period', amount: 1_000_000 },
      { meter: 'total_tokens', window: 'day', amount: 1_000_000_000 },
      { meter: 'requests', window: 'minute', amount: 1_000_000 },
    ]);
    this.#keys.tight = await makeCustomer(gateway, 'tight', [
      { meter: 'requests', window: 'period', amount: cycles * 8 },
      {
        meter: 'cost_usd',
        window: 'period',
        amount: `0.${String(cycles * 2000).padStart(6, '0')}`,
      },
      { meter: 'requests', window: 'concurrent', amount: 5 },
    ]);
    await gateway.stop();
  }

  /** One start, one kill. */
  async cycle(cycle: number): Promise<void> {
    const random = createRandom(this.#options.seed, 'cycle', cycle);
    this.#simulator.setFault(faultsOf(random));
    const gateway = this.#start();
    if (random.next() < 0.1) {
      await pause(random.integer(20, 700));
      if (!gateway.isListening) this.killsInStart += 1;
      await gateway.kill();
    } else {
      await gateway.ready();
      await this.#verify(gateway, `cycle ${cycle}`);
      await this.#killUnderLoad(gateway, random);
    }
    await this.#collect();
  }

  async #killUnderLoad(gateway: GatewayProcess, random: SeededRandom): Promise<void> {
    const stop = new AbortController();
    const caller = new ChatCaller(gateway.url);
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      this.#lane(caller, createRandom(this.#options.seed, random.next(), lane), stop.signal),
    );
    lanes.push(this.#watchLimits(caller, stop.signal));
    // Most kills fall into the first calls; some leave time for holds to be reconciled and marks to be written.
    await pause(random.next() < 0.12 ? random.integer(500, 3000) : random.integer(5, 500));
    stop.abort();
    this.inFlightAtKill += this.#inFlight;
    await gateway.kill();
    await Promise.all(lanes);
    await caller.close();
  }

  async #lane(caller: ChatCaller, random: SeededRandom, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#serial += 1;
      const tag = `${this.#number}x${String(this.#serial).padStart(6, '0')}`;
      const isLong = random.next() < 0.05;
      this.#inFlight += 1;
      const result = await caller.call(random.next() < 0.3 ? this.#keys.tight : this.#keys.wide, {
        tag,
        model: random.pick([...MODELS]),
        maxTokens: isLong ? 1500 : random.integer(3, 80),
        stream: random.next() < 0.6,
        leaveAfterMs: random.next() < 0.05 ? random.integer(1, 60) : null,
      });
      this.#inFlight -= 1;
      this.results.push(result);
      // A refusal comes at once: without a pause a lane would do nothing but be refused.
      if (result.end === 'error') await pause(10);
    }
  }

  /** Looks at the limits as long as the gateway lives. */
  async #watchLimits(caller: ChatCaller, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      for (const key of Object.values(this.#keys)) {
        const reply = await caller.get<{ readonly limits: readonly LimitRow[] }>(key, '/v1/limits');
        if (reply !== null) this.#checkLimits(reply.limits);
      }
      await pause(15);
    }
  }

  #checkLimits(limits: readonly LimitRow[]): void {
    this.limitSamples += 1;
    for (const { id, limit, used, held } of limits) {
      const [most, spent, reserved] = [limit, used, held].map((text) => Number(text)) as [
        number,
        number,
        number,
      ];
      if (spent < 0 || reserved < 0) this.violations.push(`${id} is negative: ${used}, ${held}`);
      if (spent + reserved > most * (1 + Number.EPSILON)) {
        this.violations.push(`${id} is beyond its limit: ${used} + ${held} > ${limit}`);
      }
    }
  }

  async #verify(gateway: GatewayProcess, when: string): Promise<number> {
    const report = await gateway.verify();
    this.verifications += 1;
    this.events = report.events;
    if (!report.ok) {
      this.violations.push(
        `verify after ${when}: ${JSON.stringify(report.mismatches).slice(0, 300)}`,
      );
    }
    return report.open_holds;
  }

  /** Takes over what the provider has written down since the last time. */
  async #collect(): Promise<void> {
    await this.#simulator.idle();
    for (const entry of this.#simulator.log) {
      const tag = /number (\d+x\d+) please/.exec(entry.requestBody ?? '')?.[1] ?? '';
      const { id, model, startedAtMs, billed } = entry;
      this.providerCalls.push({
        id,
        tag,
        model: model ?? '',
        startedAtMs,
        billed:
          billed === null
            ? null
            : { inputTokens: billed.inputTokens, outputTokens: billed.outputTokens },
      });
    }
    this.#simulator.reset();
  }

  /** Last start: every hold must end by itself; then the sums, and an orderly stop. */
  async end(): Promise<Reckoning> {
    const gateway = await this.#start().ready();
    await eventually(async () => (await this.#verify(gateway, 'the last start')) === 0);
    const stories = await readStories(gateway);
    await this.#checkSums(gateway, stories);
    const { code } = await gateway.stop();
    if (code !== 0) this.violations.push(`an orderly stop ended with ${code}`);
    return reckon({
      providerCalls: this.providerCalls,
      results: this.results,
      stories,
      rates: RATES,
    });
  }

  /** Counters, rollups and request rows against the sum of the holds' own events. */
  async #checkSums(gateway: GatewayProcess, stories: readonly HoldStory[]): Promise<void> {
    const booked = stories.reduce((sum, story) => sum + story.costNanoUsd, 0n);
    const usage = await gateway.admin<{
      readonly totals: { readonly cost_usd: string; readonly requests: number | string };
    }>('GET /usage');
    if (nanoOf(usage.totals.cost_usd) !== booked) {
      this.violations.push(
        `usage says ${usage.totals.cost_usd}, the holds sum to ${booked} nano-USD`,
      );
    }
    const charged = stories.filter(
      ({ endings }) => endings.includes('settle') || endings.includes('reconcile'),
    ).length;
    if (Number(usage.totals.requests) !== charged) {
      this.violations.push(
        `usage says ${usage.totals.requests} requests, ${charged} holds were charged`,
      );
    }
    const caller = new ChatCaller(gateway.url);
    let used = 0n;
    for (const key of Object.values(this.#keys)) {
      const reply = await caller.get<{ readonly limits: readonly LimitRow[] }>(key, '/v1/limits');
      this.#checkLimits(reply?.limits ?? []);
      used += nanoOf(reply?.limits.find(({ id }) => id === 'cost_usd/period')?.used ?? '0');
      if (reply?.limits.some(({ held }) => Number(held) !== 0) !== false) {
        this.violations.push('something is held although nothing is in progress');
      }
    }
    await caller.close();
    if (used !== booked)
      this.violations.push(`limits say ${used}, the holds sum to ${booked} nano-USD`);
  }
}

function nanoOf(usd: string): bigint {
  const [whole = '0', fraction = ''] = usd.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}

const EMPTY: Omit<KillLoopReport, 'cycles' | 'seed' | 'seconds'> = {
  killsInStart: 0,
  inFlightAtKill: 0,
  verifications: 0,
  limitSamples: 0,
  violations: [],
  events: 0,
  clientCalls: 0,
  providerCalls: 0,
  holds: 0,
  wholeAnswers: 0,
  exact: 0,
  lost: [],
  doubled: [],
  settled: 0,
  voided: 0,
  reconciled: 0,
  unexplained: [],
  beforeHold: [],
  open: [],
  leakedRefusals: [],
  refusals: 0,
  bookedTokens: 0,
  billedTokens: 0,
  bookedNanoUsd: 0n,
  recomputedNanoUsd: 0n,
  cutBilledTokens: 0,
  cutBilledNanoUsd: 0n,
  cutChargedNanoUsd: 0n,
};

type Part = typeof EMPTY;

/** Member by member: numbers are added, lists are joined. */
function plus(sum: Part, part: Part): Part {
  const entries = Object.entries(sum).map(([name, value]: [string, Part[keyof Part]]) => {
    const other = part[name as keyof Part];
    if (typeof value === 'bigint') return [name, value + BigInt(other as bigint)];
    if (typeof value === 'number') return [name, value + Number(other)];
    return [name, [...value, ...(other as readonly string[])]];
  });
  return Object.fromEntries(entries) as Part;
}

/** Runs the loop. What went wrong is in the report; only a gateway that cannot be used at all throws. */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const startedAtMs = performance.now();
  const simulator = await createSimulator({
    seed: options.seed,
    recordRequests: true,
    latency: { firstTokenMs: 8, perTokenMs: 2, jitter: 0.8 },
  });
  let total: Part = EMPTY;
  const directory = mkdtempSync(join(tmpdir(), 'gateway-kills-'));
  try {
    for (let done = 0, number = 0; done < options.cycles; number += 1) {
      const cycles = Math.min(CYCLES_PER_LIFE, options.cycles - done);
      const workDir = join(directory, String(number));
      mkdirSync(workDir);
      const life = new Life(options, { workDir, simulator, port: await freePort(), number });
      await life.begin(cycles);
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        await life.cycle(done + cycle);
        options.onCycle?.(done + cycle);
      }
      const reckoning = await life.end();
      const { killsInStart, inFlightAtKill, verifications, limitSamples, violations, events } =
        life;
      total = plus(total, {
        ...reckoning,
        killsInStart,
        inFlightAtKill,
        verifications,
        limitSamples,
        violations,
        events,
      });
      rmSync(workDir, { recursive: true, force: true });
      done += cycles;
    }
  } finally {
    await simulator.close();
    rmSync(directory, { recursive: true, force: true });
  }
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  return { ...total, cycles: options.cycles, seed: options.seed, seconds };
}
