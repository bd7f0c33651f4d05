/**
 * The whole gateway with jobs under way, killed without warning and started again, over and over; then its books against
 * what the provider took and billed.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, type SeededRandom } from '../../src/simulators/core/random.ts';
import {
  createSimulator,
  type BoardEntry,
  type FaultRule,
  type Simulator,
} from '../../src/simulators/index.ts';
import { eventually, freePort, GatewayProcess, makeCustomer } from './gateway-process.ts';

export interface JobKillOptions {
  readonly cycles: number;
  readonly seed: string;
  /** Told once a cycle. */
  readonly onCycle?: (cycle: number) => void;
}

export interface JobKillReport {
  readonly cycles: number;
  readonly seed: string;
  readonly seconds: number;
  /** Jobs that had not ended at the moment of the kill, summed over kills, and the fewest at one. */
  readonly inFlightAtKill: number;
  readonly fewestAtKill: number;
  /** Jobs that clients were told of, and that the provider took. */
  readonly told: number;
  readonly taken: number;
  readonly billed: number;
  /** Jobs whose end differs from the provider's, or that are gone, or that never end. */
  readonly lost: readonly string[];
  /** Jobs that the provider took twice. */
  readonly doubleSubmitted: readonly string[];
  /** Jobs that cost other than what the provider billed. */
  readonly wronglyCharged: readonly string[];
  readonly openHolds: number;
  /** Nano-USD by the usage page, and by the provider's log. */
  readonly bookedNanoUsd: bigint;
  readonly billedNanoUsd: bigint;
  readonly violations: readonly string[];
}

interface ShownJob {
  readonly id: string;
  readonly status: string;
  readonly cost: string | null;
}

const LANES = 24;
/** A kill waits for so many jobs at the provider. */
const IN_FLIGHT_MIN = 20;
const SECONDS = 4;
/** `sim/video` at 720p without sound: what the price book asks for four seconds. */
const CLIP_NANO_USD = 8_000_000n;
const ENDED: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'unknown',
]);

const CONFIG = {
  logging: { level: 'error' },
  jobs: { submitTimeoutMs: 2000 },
  simulators: 'off',
};

/** Replies that are lost on the way back and on the way there, and providers that fail when they are asked. */
const FAULTS: readonly FaultRule[] = [
  { match: { path: '/v1/jobs' }, sequence: ['reset-in-headers'], percent: 6 },
  { match: { path: '/v1/jobs' }, sequence: ['reset-before-headers'], percent: 4 },
  { match: { path: '/v1/jobs/*' }, sequence: ['500'], percent: 10 },
  { match: { path: '/v1/files/*' }, sequence: ['503'], percent: 10 },
];

function promptOf(random: SeededRandom): string {
  const takes = `sim:takes=${random.integer(20, 8000)}`;
  const chance = random.next();
  if (chance < 0.1) return `${takes} sim:fail`;
  if (chance < 0.15) return `${takes} sim:fail-billed`;
  if (chance < 0.2) return `${takes} sim:state=odd`;
  return takes;
}

class JobKillLoop {
  readonly #options: JobKillOptions;
  readonly #workDir: string;
  readonly #simulator: Simulator;
  readonly #port: number;
  readonly #told = new Set<string>();
  readonly violations: string[] = [];
  inFlightAtKill = 0;
  fewestAtKill = Number.POSITIVE_INFINITY;
  #key = '';

  constructor(
    options: JobKillOptions,
    place: { readonly workDir: string; readonly simulator: Simulator; readonly port: number },
  ) {
    this.#options = options;
    this.#workDir = place.workDir;
    this.#simulator = place.simulator;
    this.#port = place.port;
  }

  get told(): ReadonlySet<string> {
    return this.#told;
  }

  #start(): GatewayProcess {
    return new GatewayProcess({
      dataDir: join(this.#workDir, 'data'),
      workDir: this.#workDir,
      port: this.#port,
      config: CONFIG,
      simUrl: `${this.#simulator.url}/sim`,
    });
  }

  async begin(): Promise<void> {
    const gateway = await this.#start().ready();
    this.#key = await makeCustomer(gateway, 'studio', [
      { meter: 'cost_usd', window: 'period', amount: '10000' },
      { meter: 'video_seconds', window: 'period', amount: 1_000_000 },
    ]);
    await gateway.stop();
  }

  /** One start, one kill with at least {@link IN_FLIGHT_MIN} jobs that have not ended. */
  async cycle(cycle: number): Promise<void> {
    const random = createRandom(this.#options.seed, 'cycle', cycle);
    const gateway = await this.#start().ready();
    const verification = await gateway.verify();
    if (!verification.ok) {
      this.violations.push(`cycle ${cycle}: ${JSON.stringify(verification.mismatches)}`);
    }
    const stop = new AbortController();
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      this.#lane(gateway.url, createRandom(this.#options.seed, cycle, lane), stop.signal),
    );
    await pause(random.integer(50, 900));
    await eventually(() => this.#open() >= IN_FLIGHT_MIN);
    const open = this.#open();
    this.inFlightAtKill += open;
    this.fewestAtKill = Math.min(this.fewestAtKill, open);
    await gateway.kill();
    stop.abort();
    await Promise.all(lanes);
  }

  /** Work that the provider has not ended. */
  #open(): number {
    return this.#simulator.jobs().filter(({ state }) => state === 'queued' || state === 'running')
      .length;
  }

  async #lane(url: string, random: SeededRandom, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const id = await this.#submit(url, promptOf(random));
      if (id !== null) this.#told.add(id);
      if (id !== null && random.next() < 0.1) await this.#cancel(url, id);
      await pause(random.integer(20, 200));
    }
  }

  async #submit(url: string, prompt: string): Promise<string | null> {
    try {
      const response = await this.#call(url, '/v1/videos', {
        model: 'sim/video',
        prompt,
        seconds: SECONDS,
        size: '1280x720',
        with_audio: false,
      });
      const body = (await response.json()) as { readonly id?: string };
      return response.ok ? (body.id ?? null) : null;
    } catch {
      return null;
    }
  }

  async #cancel(url: string, id: string): Promise<void> {
    try {
      await this.#call(url, `/v1/jobs/${id}/cancel`, {});
    } catch {
      // Killed meanwhile.
    }
  }

  #call(url: string, path: string, body: object): Promise<Response> {
    return fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** Lets everything end. @returns the jobs of the gateway, its usage and its open holds */
  async finish(): Promise<{ jobs: readonly ShownJob[]; nanoUsd: bigint; openHolds: number }> {
    this.#simulator.clearFaults();
    const gateway = await this.#start().ready();
    await eventually(async () => (await this.#jobs(gateway.url)).every(isOver), 60_000);
    const jobs = await this.#jobs(gateway.url);
    const verification = await gateway.verify();
    if (!verification.ok) this.violations.push(JSON.stringify(verification.mismatches));
    const usage = await gateway.admin<{ readonly totals: { readonly cost_usd?: string } }>(
      'GET /usage?customer=studio',
    );
    await gateway.stop();
    const nanoUsd = nanoOf(usage.totals.cost_usd ?? '0.000000000');
    return { jobs, nanoUsd, openHolds: verification.open_holds };
  }

  async #jobs(url: string): Promise<readonly ShownJob[]> {
    const found: ShownJob[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const response = await fetch(`${url}/v1/jobs?limit=100${query}`, {
        headers: { authorization: `Bearer ${this.#key}` },
      });
      const page = (await response.json()) as {
        readonly data: readonly ShownJob[];
        readonly next_cursor: string | null;
      };
      found.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return found;
  }
}

function isOver({ status }: ShownJob): boolean {
  return ENDED.has(status);
}

function nanoOf(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

const STATES: Readonly<Record<BoardEntry['state'], string>> = {
  queued: 'queued',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** Compares what the gateway says of its jobs with what the provider says. */
function compare(
  told: ReadonlySet<string>,
  jobs: readonly ShownJob[],
  entries: readonly BoardEntry[],
): Pick<JobKillReport, 'lost' | 'doubleSubmitted' | 'wronglyCharged' | 'billed' | 'billedNanoUsd'> {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const taken = new Map<string, BoardEntry[]>();
  for (const entry of entries) {
    const list = taken.get(entry.reference ?? '') ?? [];
    taken.set(entry.reference ?? '', [...list, entry]);
  }
  const lost = [...told].filter((id) => !byId.has(id)).map((id) => `${id} is gone`);
  const doubleSubmitted: string[] = [];
  const wronglyCharged: string[] = [];
  for (const [id, list] of taken) {
    const job = byId.get(id);
    const [entry] = list;
    if (list.length > 1) doubleSubmitted.push(`${id}: ${String(list.length)} times`);
    if (job === undefined) lost.push(`${id} was taken, and the gateway knows nothing of it`);
    else if (entry !== undefined && job.status !== STATES[entry.state]) {
      lost.push(`${id} is ${job.status}, but ${entry.state} at the provider`);
    }
  }
  for (const job of jobs) {
    const billed = (taken.get(job.id) ?? []).filter(({ isBilled }) => isBilled).length;
    const expected = CLIP_NANO_USD * BigInt(billed);
    if (job.cost === null || nanoOf(job.cost) !== expected) {
      wronglyCharged.push(`${job.id} (${job.status}): ${job.cost ?? 'unknown'}`);
    }
  }
  const billed = entries.filter(({ isBilled }) => isBilled).length;
  const billedNanoUsd = CLIP_NANO_USD * BigInt(billed);
  return { lost, doubleSubmitted, wronglyCharged, billed, billedNanoUsd };
}

/** Runs the loop in a folder of its own. */
export async function runJobKillLoop(options: JobKillOptions): Promise<JobKillReport> {
  const beganMs = performance.now();
  const workDir = mkdtempSync(join(tmpdir(), 'gateway-job-kills-'));
  const simulator = await createSimulator({ seed: options.seed, faults: FAULTS });
  try {
    const port = await freePort();
    const loop = new JobKillLoop(options, { workDir, simulator, port });
    await loop.begin();
    for (let cycle = 1; cycle <= options.cycles; cycle += 1) {
      await loop.cycle(cycle);
      options.onCycle?.(cycle);
    }
    const { jobs, nanoUsd, openHolds } = await loop.finish();
    const entries = simulator.jobs();
    return {
      cycles: options.cycles,
      seed: options.seed,
      seconds: Math.round((performance.now() - beganMs) / 1000),
      inFlightAtKill: loop.inFlightAtKill,
      fewestAtKill: loop.fewestAtKill,
      told: loop.told.size,
      taken: entries.length,
      ...compare(loop.told, jobs, entries),
      openHolds,
      bookedNanoUsd: nanoUsd,
      violations: loop.violations,
    };
  } finally {
    await simulator.close();
    rmSync(workDir, { recursive: true, force: true });
  }
}
