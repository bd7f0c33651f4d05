/**
 * One data directory in the kill loop and everything that was seen of it.
 *
 * @module
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, type SeededRandom } from '../../src/simulators/core/random.ts';
import type { Simulator } from '../../src/simulators/index.ts';
import { ChatCaller, type CallResult } from './chat-caller.ts';
import { allClients } from './clients/all-clients.ts';
import type { KillClient, Site } from './clients/client.ts';
import { eventually, GatewayProcess } from './gateway-process.ts';
import { CONFIG, faultsOf, RATES } from './kill-world.ts';
import { type HoldStory, readStories } from './ledger-story.ts';
import { nanoOf } from './nano-usd.ts';
import { type ProviderCall, reckon, type Reckoning } from './reckoning.ts';

/** Acts at once. */
const LANES = 24;

interface LifeOptions {
  readonly seed: string;
  /** Entry of another copy of the gateway's source. */
  readonly mainFile?: string;
}

interface LimitRow {
  readonly id: string;
  readonly limit: string;
  readonly used: string;
  readonly held: string;
}

export class Life {
  readonly #options: LifeOptions;
  readonly #workDir: string;
  readonly #simulator: Simulator;
  readonly #port: number;
  readonly #number: number;
  readonly #clients = allClients();
  readonly #results: CallResult[] = [];
  readonly #providerCalls: ProviderCall[] = [];
  readonly #violations: string[] = [];
  readonly #environment: Record<string, string> = {};
  #killsInStart = 0;
  #inFlightAtKill = 0;
  #verifications = 0;
  #limitSamples = 0;
  #events = 0;
  #serial = 0;
  #inFlight = 0;

  constructor(
    options: LifeOptions,
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
      environment: this.#environment,
      ...(this.#options.mainFile === undefined ? {} : { mainFile: this.#options.mainFile }),
    });
  }

  /** What was seen beside the books. */
  seen() {
    const counts = Object.assign({}, ...this.#clients.map((client) => client.counts?.() ?? {}));
    return {
      killsInStart: this.#killsInStart,
      inFlightAtKill: this.#inFlightAtKill,
      verifications: this.#verifications,
      limitSamples: this.#limitSamples,
      violations: this.#violations,
      events: this.#events,
      counts: counts as Readonly<Record<string, number>>,
    };
  }

  /** First start: every kind of client makes what it needs. */
  async begin(cycles: number): Promise<void> {
    for (const client of this.#clients) {
      Object.assign(this.#environment, await client.open?.(this.#options.seed));
    }
    const gateway = await this.#start().ready();
    for (const client of this.#clients) await client.prepare(gateway, cycles);
    await gateway.stop();
  }

  /** Ends what clients started. */
  async close(): Promise<void> {
    for (const client of this.#clients) await client.close?.();
  }

  /** One start, one kill. */
  async cycle(cycle: number): Promise<void> {
    const random = createRandom(this.#options.seed, 'cycle', cycle);
    this.#simulator.setFault(faultsOf(random));
    const gateway = this.#start();
    if (random.next() < 0.1) {
      await pause(random.integer(20, 700));
      if (!gateway.isListening) this.#killsInStart += 1;
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
    this.#inFlightAtKill += this.#inFlight;
    await gateway.kill();
    await Promise.all(lanes);
    await caller.close();
  }

  #site(caller: ChatCaller, random: SeededRandom, note: Site['note']): Site {
    return {
      caller,
      random,
      note,
      nextTag: () => {
        this.#serial += 1;
        return `${this.#number}x${String(this.#serial).padStart(6, '0')}`;
      },
      violate: (what) => void this.#violations.push(what),
    };
  }

  async #lane(caller: ChatCaller, random: SeededRandom, stop: AbortSignal): Promise<void> {
    let isAnswered = false;
    const site = this.#site(caller, random, (result) => {
      this.#results.push(result);
      isAnswered = result.end === 'whole';
    });
    while (!stop.aborted) {
      isAnswered = false;
      this.#inFlight += 1;
      await pickClient(this.#clients, random).act(site);
      this.#inFlight -= 1;
      // A refusal comes at once: without a pause a lane would do nothing but be refused.
      if (!isAnswered) await pause(10);
    }
  }

  /** Looks at the limits as long as the gateway lives. */
  async #watchLimits(caller: ChatCaller, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      for (const key of this.#clients.flatMap(({ keys }) => keys)) {
        const reply = await caller.get<{ readonly limits: readonly LimitRow[] }>(key, '/v1/limits');
        if (reply !== null) this.#checkLimits(reply.limits);
      }
      await pause(15);
    }
  }

  #checkLimits(limits: readonly LimitRow[]): void {
    this.#limitSamples += 1;
    for (const { id, limit, used, held } of limits) {
      const [most, spent, reserved] = [limit, used, held].map((text) => Number(text)) as [
        number,
        number,
        number,
      ];
      if (spent < 0 || reserved < 0) this.#violations.push(`${id} is negative: ${used}, ${held}`);
      if (spent + reserved > most * (1 + Number.EPSILON)) {
        this.#violations.push(`${id} is beyond its limit: ${used} + ${held} > ${limit}`);
      }
    }
  }

  async #verify(gateway: GatewayProcess, when: string): Promise<number> {
    const report = await gateway.verify();
    this.#verifications += 1;
    this.#events = report.events;
    if (!report.ok) {
      this.#violations.push(
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
      this.#providerCalls.push({
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
    await this.#nothingOpen(gateway);
    await this.#finish(gateway);
    await this.#nothingOpen(gateway);
    const stories = await readStories(gateway);
    await this.#checkSums(gateway, stories);
    for (const client of this.#clients) {
      this.#violations.push(...((await client.check?.({ gateway, stories })) ?? []));
    }
    const { code } = await gateway.stop();
    if (code !== 0) this.#violations.push(`an orderly stop ended with ${code}`);
    return reckon({
      providerCalls: this.#providerCalls,
      results: this.#results,
      stories,
      rates: RATES,
    });
  }

  async #nothingOpen(gateway: GatewayProcess): Promise<void> {
    await eventually(async () => (await this.#verify(gateway, 'the last start')) === 0);
  }

  /** What was cut off is asked for once more, the provider being well. */
  async #finish(gateway: GatewayProcess): Promise<void> {
    this.#simulator.setFault({ sequence: [null], repeat: true });
    const caller = new ChatCaller(gateway.url);
    const random = createRandom(this.#options.seed, 'finish', this.#number);
    const site = this.#site(caller, random, (result) => void this.#results.push(result));
    for (const client of this.#clients) await client.finish?.(site);
    await caller.close();
    await this.#collect();
  }

  /** Counters, rollups and request rows against the sum of the holds' own events. */
  async #checkSums(gateway: GatewayProcess, stories: readonly HoldStory[]): Promise<void> {
    const booked = stories.reduce((sum, story) => sum + story.costNanoUsd, 0n);
    const usage = await gateway.admin<{
      readonly totals: { readonly cost_usd: string; readonly requests: number | string };
    }>('GET /usage');
    if (nanoOf(usage.totals.cost_usd) !== booked) {
      this.#violations.push(
        `usage says ${usage.totals.cost_usd}, the holds sum to ${booked} nano-USD`,
      );
    }
    const charged = stories.filter(
      ({ endings }) => endings.includes('settle') || endings.includes('reconcile'),
    ).length;
    if (Number(usage.totals.requests) !== charged) {
      this.#violations.push(
        `usage says ${usage.totals.requests} requests, ${charged} holds were charged`,
      );
    }
    const caller = new ChatCaller(gateway.url);
    let used = stories.reduce((sum, story) => sum + story.creditNanoUsd, 0n);
    for (const key of this.#clients.flatMap(({ keys }) => keys)) {
      const reply = await caller.get<{ readonly limits: readonly LimitRow[] }>(key, '/v1/limits');
      this.#checkLimits(reply?.limits ?? []);
      used += nanoOf(reply?.limits.find(({ id }) => id === 'cost_usd/period')?.used ?? '0');
      if (reply?.limits.some(({ held }) => Number(held) !== 0) !== false) {
        this.#violations.push('something is held although nothing is in progress');
      }
    }
    await caller.close();
    if (used !== booked)
      this.#violations.push(`limits and credits say ${used}, the holds sum to ${booked} nano-USD`);
  }
}

function pickClient(clients: readonly KillClient[], random: SeededRandom): KillClient {
  const whole = clients.reduce((sum, { weight }) => sum + weight, 0);
  let at = random.next() * whole;
  for (const client of clients) {
    at -= client.weight;
    if (at < 0) return client;
  }
  throw new Error('no clients');
}
