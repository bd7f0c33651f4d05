/**
 * The whole gateway with jobs of several providers under way, waited for and not, killed without warning and started again, over
 * and over; then its books against what the providers took and billed.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../../src/simulators/core/random.ts';
import { createSimulator, type Simulator } from '../../src/simulators/index.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { eventually, freePort, GatewayProcess, makeCustomer } from './gateway-process.ts';
import { compareBooks, markOf, nanoOf, type JobBooks, type ShownJob } from './job-books.ts';
import {
  JOB_FAULTS,
  JOB_KINDS,
  JOB_SECRETS,
  jobEnvironment,
  promptOf,
  type JobKind,
} from './job-kinds.ts';

export interface JobKillOptions {
  readonly cycles: number;
  readonly seed: string;
  /** Told once a cycle. */
  readonly onCycle?: (cycle: number) => void;
}

export interface JobKillReport extends JobBooks {
  readonly cycles: number;
  readonly seed: string;
  readonly seconds: number;
  /** Jobs that had not ended at the moment of the kill, summed over kills, and the fewest at one. */
  readonly inFlightAtKill: number;
  readonly fewestAtKill: number;
  /** Calls at the kills whose clients waited for the end. */
  readonly waitingAtKill: number;
  /** Jobs that clients were told of, and those that every provider took. */
  readonly told: number;
  readonly taken: Readonly<Record<string, number>>;
  /** Calls that were repeated under their idempotency key after their gateway had died. */
  readonly repeated: number;
  /** Answers to clients that were errors, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Ends that the operator's webhook was told of, and jobs whose end it was not told of, or as two. */
  readonly toldEnds: number;
  readonly untoldEnds: readonly string[];
  readonly openHolds: number;
  /** Nano-USD by the usage page. */
  readonly bookedNanoUsd: bigint;
  readonly violations: readonly string[];
}

const LANES = 28;
/** A kill waits for so many jobs at the providers. */
const IN_FLIGHT_MIN = 20;
const OPEN: ReadonlySet<string> = new Set(['queued', 'running']);

function configOf(port: number): Readonly<Record<string, unknown>> {
  return {
    logging: { level: 'error' },
    jobs: { submitTimeoutMs: 2000 },
    // What a provider without a list may have taken is booked in full, soon.
    metering: { unknownPolicy: 'charge_hold', unknownGraceMs: 1000, holds: { checkEveryMs: 500 } },
    simulators: 'off',
    providers: JOB_SECRETS,
    assets: { publicUrl: `http://127.0.0.1:${port}` },
    egress: { allowPrivateHosts: ['127.0.0.1'] },
  };
}

interface Answer {
  readonly id?: string;
  readonly error?: { readonly code?: string };
}

interface AskedCall {
  readonly mark: string;
  readonly kind: JobKind;
  readonly prompt: string;
}

class JobKillLoop {
  readonly #options: JobKillOptions;
  readonly #workDir: string;
  readonly #simulator: Simulator;
  readonly #receiver: Receiver;
  readonly #port: number;
  readonly asked = new Map<string, JobKind>();
  readonly told = new Set<string>();
  readonly violations: string[] = [];
  readonly refused: Record<string, number> = {};
  /** Calls whose gateway died: they are repeated, under their keys. */
  #interrupted: AskedCall[] = [];
  repeated = 0;
  inFlightAtKill = 0;
  fewestAtKill = Number.POSITIVE_INFINITY;
  waitingAtKill = 0;
  #waiting = 0;
  #key = '';
  #running: GatewayProcess | null = null;

  constructor(
    options: JobKillOptions,
    place: {
      readonly workDir: string;
      readonly simulator: Simulator;
      readonly receiver: Receiver;
      readonly port: number;
    },
  ) {
    this.#options = options;
    this.#workDir = place.workDir;
    this.#simulator = place.simulator;
    this.#receiver = place.receiver;
    this.#port = place.port;
  }

  #start(): GatewayProcess {
    this.#running = new GatewayProcess({
      dataDir: join(this.#workDir, 'data'),
      workDir: this.#workDir,
      port: this.#port,
      config: configOf(this.#port),
      environment: jobEnvironment(this.#simulator.url),
    });
    return this.#running;
  }

  /** Ends what a failure has left running. */
  async close(): Promise<void> {
    await this.#running?.kill();
  }

  async begin(): Promise<void> {
    const gateway = await this.#start().ready();
    this.#key = await makeCustomer(gateway, 'studio', [
      { meter: 'cost_usd', window: 'period', amount: '1000000' },
      { meter: 'video_seconds', window: 'period', amount: 10_000_000 },
      { meter: 'images', window: 'period', amount: 10_000_000 },
    ]);
    await gateway.admin('POST /webhooks', { url: this.#receiver.url, kinds: ['job'] });
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
      this.#lane(gateway.url, `${cycle}-${lane}`, stop.signal),
    );
    const repeated = this.#repeat(gateway.url);
    await pause(random.integer(50, 900));
    await this.#enoughOpen();
    const open = this.#open();
    this.inFlightAtKill += open;
    this.fewestAtKill = Math.min(this.fewestAtKill, open);
    this.waitingAtKill += this.#waiting;
    await gateway.kill();
    stop.abort();
    await Promise.all([...lanes, repeated]);
  }

  /** Repeats what was cut off, as a client does that was told nothing. */
  async #repeat(url: string): Promise<void> {
    const calls = this.#interrupted;
    this.#interrupted = [];
    this.repeated += calls.length;
    await Promise.all(calls.map((call) => this.#ask(url, call)));
  }

  async #enoughOpen(): Promise<void> {
    try {
      await eventually(() => this.#open() >= IN_FLIGHT_MIN, 60_000);
    } catch (cause) {
      const refused = JSON.stringify(this.refused);
      throw new Error(`too little work: ${this.#open()} jobs, refused ${refused}`, { cause });
    }
  }

  /** Work that the providers have not ended. */
  #open(): number {
    return this.#simulator.jobs().filter(({ state }) => OPEN.has(state)).length;
  }

  async #lane(url: string, name: string, stop: AbortSignal): Promise<void> {
    const random = createRandom(this.#options.seed, 'lane', name);
    for (let turn = 0; !stop.aborted; turn += 1) {
      const kind = random.pick(JOB_KINDS);
      const mark = `${name}-${turn}`;
      const call = { mark, kind, prompt: promptOf(mark, kind, random) };
      this.asked.set(mark, kind);
      const id = await this.#ask(url, call);
      if (id !== null && random.next() < 0.1) await this.#cancel(url, id);
      await pause(random.integer(20, 200));
    }
  }

  /** @returns the job; null where the client waited for the end, or was told nothing */
  async #ask(url: string, call: AskedCall): Promise<string | null> {
    const { mark, kind, prompt } = call;
    if (kind.waits) this.#waiting += 1;
    try {
      const response = await this.#call(url, kind.path, { ...kind.body, prompt }, mark);
      const body = (await response.json()) as Answer;
      if (!response.ok) {
        const code = body.error?.code ?? String(response.status);
        this.refused[code] = (this.refused[code] ?? 0) + 1;
        return null;
      }
      this.told.add(mark);
      return kind.waits ? null : (body.id ?? null);
    } catch {
      this.#interrupted.push(call);
      return null;
    } finally {
      if (kind.waits) this.#waiting -= 1;
    }
  }

  async #cancel(url: string, id: string): Promise<void> {
    try {
      await this.#call(url, `/v1/jobs/${id}/cancel`, {}, `cancel-${id}`);
    } catch {
      // Killed meanwhile.
    }
  }

  #call(url: string, path: string, body: object, mark: string): Promise<Response> {
    return fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#key}`,
        'content-type': 'application/json',
        'idempotency-key': mark,
        'x-gateway-tags': JSON.stringify({ mark }),
      },
      body: JSON.stringify(body),
    });
  }

  /** Lets everything end. @returns the jobs of the gateway, its usage and its open holds */
  async finish(): Promise<{ jobs: readonly ShownJob[]; nanoUsd: bigint; openHolds: number }> {
    this.#simulator.clearFaults();
    const gateway = await this.#start().ready();
    await this.#repeat(gateway.url);
    await eventually(async () => {
      const jobs = await this.#jobs(gateway.url);
      return jobs.every(({ status }) => !OPEN.has(status));
    }, 60_000);
    await eventually(async () => (await gateway.verify()).open_holds === 0).catch(() => undefined);
    const jobs = await this.#jobs(gateway.url);
    await eventually(() => jobs.every(({ id }) => this.#endsTold().has(id))).catch(() => undefined);
    const verification = await gateway.verify();
    if (!verification.ok) this.violations.push(JSON.stringify(verification.mismatches));
    const usage = await gateway.admin<{ readonly totals: { readonly cost_usd?: string } }>(
      'GET /usage?customer=studio',
    );
    await gateway.stop();
    const nanoUsd = nanoOf(usage.totals.cost_usd ?? '0.000000000');
    return { jobs, nanoUsd, openHolds: verification.open_holds };
  }

  /** Ids of the messages that told of the end of each job. */
  #endsTold(): ReadonlyMap<string, ReadonlySet<string>> {
    const ends = new Map<string, Set<string>>();
    for (const { json, id } of this.#receiver.received) {
      const { details } = json['data'] as { readonly details: { readonly id: string } };
      ends.set(details.id, (ends.get(details.id) ?? new Set()).add(id));
    }
    return ends;
  }

  /** Jobs whose end was not told, or under several ids. */
  untoldEnds(jobs: readonly ShownJob[]): readonly string[] {
    const ends = this.#endsTold();
    return jobs
      .filter(({ id }) => ends.get(id)?.size !== 1)
      .map((job) => `${job.id} (${markOf(job)}): ${ends.get(job.id)?.size ?? 0}`);
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

function countByFamily(families: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const family of families) counts[family] = (counts[family] ?? 0) + 1;
  return counts;
}

/** Runs the loop in a folder of its own. */
export async function runJobKillLoop(options: JobKillOptions): Promise<JobKillReport> {
  const beganMs = performance.now();
  const workDir = mkdtempSync(join(tmpdir(), 'gateway-job-kills-'));
  const simulator = await createSimulator({ seed: options.seed, faults: JOB_FAULTS });
  const receiver = await openReceiver();
  const port = await freePort();
  const loop = new JobKillLoop(options, { workDir, simulator, receiver, port });
  try {
    await loop.begin();
    for (let cycle = 1; cycle <= options.cycles; cycle += 1) {
      await loop.cycle(cycle);
      options.onCycle?.(cycle);
    }
    const { jobs, nanoUsd, openHolds } = await loop.finish();
    const entries = simulator.jobs();
    const { inFlightAtKill, fewestAtKill, waitingAtKill, told, asked, violations } = loop;
    return {
      cycles: options.cycles,
      seed: options.seed,
      seconds: Math.round((performance.now() - beganMs) / 1000),
      inFlightAtKill,
      fewestAtKill,
      waitingAtKill,
      told: told.size,
      taken: countByFamily(entries.map(({ family }) => family)),
      ...compareBooks(asked, told, { jobs, entries }),
      repeated: loop.repeated,
      refused: loop.refused,
      toldEnds: receiver.received.length,
      untoldEnds: loop.untoldEnds(jobs),
      openHolds,
      bookedNanoUsd: nanoUsd,
      violations,
    };
  } finally {
    await loop.close();
    await simulator.close();
    await receiver.close();
    rmSync(workDir, { recursive: true, force: true });
  }
}
