/**
 * The embedded ledger in a world in which a seed decides everything: which message arrives next, how long a provider
 * takes, which commit fails, at which write the process dies, and what the clock says.
 *
 * The truth is kept outside: the providers' own log, and what callers were told.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { PlanInput } from '../../src/contracts/metering.ts';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { copyDataDir, type InProcessStore, openInProcessStore } from './in-process-store.ts';
import { ProviderLog } from './provider-log.ts';
import { type Chance, createChance } from './random.ts';
import { SimulatedCall, SimulationFault } from './simulated-call.ts';
import { WriteGate } from './traced-database.ts';

const START_MS = Date.UTC(2026, 0, 31, 9, 30);
const GRACE_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;
const STEPS = 150;
const CALLS_AT_ONCE = 6;
/** Bounds the end of a run: everything that waits is let go. */
const STEPS_TO_END = 2_000;

/** What one run did; equal for equal seeds. */
export interface RunReport {
  readonly seed: number;
  readonly calls: number;
  readonly settled: number;
  readonly voided: number;
  readonly refused: number;
  readonly cut: number;
  readonly crashes: number;
  readonly failedCommits: number;
  readonly steps: number;
  /** The journal's event ids in order, digested. */
  readonly digest: string;
}

interface Waiting {
  readonly what: string;
  readonly go: () => void;
}

const SMALL_PLAN: PlanInput = {
  id: 'small',
  name: 'Small',
  limits: [
    { meter: 'cost_usd', window: 'period', amount: '0.300000000' },
    {
      meter: 'cost_usd',
      window: 'day',
      amount: '0.150000000',
      on_breach: 'overage',
      overage_cap: '0.05',
    },
    { meter: 'requests', window: 'concurrent', amount: 4 },
    { meter: 'requests', window: 'minute', amount: 20 },
    { meter: 'output_tokens', window: 'rolling:5h', amount: 2_000, on_breach: 'soft' },
  ],
};

export class Simulation {
  readonly #random: Chance;
  readonly #seed: number;
  readonly #folder: string;
  readonly #clock = { nowMs: START_MS };
  readonly #provider = new ProviderLog();
  readonly #calls: SimulatedCall[] = [];
  readonly #faults: unknown[] = [];
  #waiting: Waiting[] = [];
  #running = new Set<SimulatedCall>();
  #store: InProcessStore;
  #customerId = '';
  #life = 0;
  #crashes = 0;
  #failedCommits = 0;
  #steps = 0;
  /** Commits fail while this is positive. */
  #failing = 0;

  constructor(seed: number, at: { readonly folder: string; readonly template: string }) {
    this.#seed = seed;
    this.#random = createChance(seed);
    this.#folder = at.folder;
    rmSync(this.#dataDir, { recursive: true, force: true });
    copyDataDir(at.template, this.#dataDir);
    this.#store = this.#open();
  }

  get #dataDir(): string {
    return join(this.#folder, `life-${this.#life}`);
  }

  /** Runs to the end and checks the books. @throws SimulationFault */
  async run(): Promise<RunReport> {
    this.#customerId = (await this.#store.directory.customer('default'))?.customer.id ?? '';
    await this.#admin(() =>
      this.#store.directory.patchSubscription(this.#customerId, {
        planId: 'small',
        at: 'now',
        mode: 'keep_used',
      }),
    );
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    await this.#comeToRest();
    const report = await this.#check();
    this.#store.stop();
    return report;
  }

  #open(): InProcessStore {
    const gate = new WriteGate();
    gate.failCommit = () => {
      if (this.#failing <= 0) return false;
      this.#failing -= 1;
      this.#failedCommits += 1;
      return true;
    };
    return openInProcessStore({
      dataDir: this.#dataDir,
      clock: this.#clock,
      gate,
      graceMs: GRACE_MS,
      randomFill: (target) => {
        this.#random.fill(target);
      },
      deliver: (go) => {
        this.#waiting.push({ what: 'message', go });
      },
    });
  }

  /** Lets what was set off come to where it waits: promises, then the link's own turn. */
  async #settleDown(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#faults.length > 0) throw this.#faults[0];
    if (this.#store.gate.isDead) this.#restart();
  }

  async #step(): Promise<void> {
    this.#steps += 1;
    const { isDead } = this.#store.gate;
    if (!isDead && this.#running.size < CALLS_AT_ONCE && this.#random.onceIn(3)) this.#startCall();
    else if (this.#waiting.length > 0 && !this.#random.onceIn(12)) this.#letGo();
    else this.#disturb();
    await this.#settleDown();
  }

  #letGo(): void {
    const at = this.#random.integer(0, this.#waiting.length - 1);
    this.#waiting.splice(at, 1)[0]?.go();
  }

  #startCall(): void {
    const parts = {
      random: this.#random,
      clock: this.#clock,
      store: this.#store,
      provider: this.#provider,
      customerId: this.#customerId,
      name: `c${this.#calls.length}`,
      pause: (what: string) =>
        new Promise<void>((resolve) => {
          this.#waiting.push({ what, go: resolve });
        }),
    };
    const call = new SimulatedCall(parts);
    this.#calls.push(call);
    this.#running.add(call);
    void call
      .run()
      .catch((error: unknown) => this.#faults.push(error))
      .finally(() => this.#running.delete(call));
  }

  #disturb(): void {
    switch (this.#random.integer(0, 8)) {
      case 0:
      case 1:
      case 2:
        this.#clock.nowMs += this.#random.integer(1, 5_000);
        break;
      case 3:
        this.#clock.nowMs += this.#random.integer(1, 30) * HOUR_MS;
        break;
      case 4:
        this.#store.round();
        break;
      case 5:
        this.#failing = this.#random.integer(1, 3);
        break;
      case 6:
        this.#store.gate.killBeforeWrite = this.#store.gate.writes + this.#random.integer(1, 12);
        break;
      case 7:
        if (this.#random.onceIn(2)) this.#changePlan();
        break;
      default:
        if (this.#random.onceIn(3)) this.#store.gate.isDead = true;
    }
  }

  #changePlan(): void {
    const planId = this.#random.pick(['small', 'pro', 'basic']);
    const mode = this.#random.pick(['keep_used', 'prorate', 'restart'] as const);
    this.#store.directory
      .patchSubscription(this.#customerId, { planId, at: 'now', mode })
      // The disk may be full just then.
      .catch(() => undefined);
  }

  /** The process is dead: everything that waited in it is gone; a new one starts on what the disk has. */
  #restart(): void {
    this.#crashes += 1;
    const before = this.#store;
    this.#life += 1;
    before.die(this.#dataDir);
    for (const call of this.#running) call.standing = { type: 'cut' };
    this.#running = new Set();
    this.#waiting = [];
    this.#failing = 0;
    this.#store = this.#open();
  }

  /** Sends a command of the operator's and lets everything go until it is answered. */
  async #admin(send: () => Promise<unknown>): Promise<void> {
    let isDone = false;
    const sent = send().finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 100 && !isDone; turn += 1) {
      await this.#settleDown();
      if (this.#waiting.length > 0) this.#letGo();
    }
    await sent;
  }

  /** No more faults and no new calls; every call ends, every cut-off one is reconciled. */
  async #comeToRest(): Promise<void> {
    this.#failing = 0;
    this.#store.gate.killBeforeWrite = null;
    for (let turn = 0; turn < STEPS_TO_END; turn += 1) {
      if (this.#waiting.length > 0) this.#letGo();
      else if (this.#running.size === 0) break;
      await this.#settleDown();
    }
    if (this.#running.size > 0) throw new SimulationFault('a call never ends');
    this.#store.round();
    this.#clock.nowMs += GRACE_MS + 1_000;
    this.#store.round();
    this.#store.round();
  }

  async #check(): Promise<RunReport> {
    const report = await this.#store.ledger.verify();
    if (!report.ok) throw new SimulationFault(JSON.stringify(report.mismatches.slice(0, 3)));
    const database = new DatabaseSync(databasePath(this.#dataDir), { readOnly: true });
    try {
      this.#checkCalls(database);
      if (report.open_holds > 0) throw new SimulationFault(`${report.open_holds} holds are open`);
      return this.#reportOf(database);
    } finally {
      database.close();
    }
  }

  #checkCalls(database: DatabaseSync): void {
    const events = database.prepare('SELECT kind FROM event WHERE hold_id = ? ORDER BY seq');
    const request = database.prepare('SELECT usage FROM request WHERE hold_id = ?');
    for (const call of this.#calls) {
      const kinds = events.all(call.holdId).map((row) => String(row['kind']));
      const fault = this.#faultOf(call, kinds, request.all(call.holdId));
      if (fault !== null) {
        throw new SimulationFault(
          `${call.holdId}: ${fault} (${JSON.stringify(call.standing, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))}; events: ${kinds.join(', ')})`,
        );
      }
    }
  }

  #faultOf(
    call: SimulatedCall,
    kinds: readonly string[],
    requests: readonly Record<string, unknown>[],
  ): string | null {
    const ends = kinds.filter((kind) => ['settle', 'void', 'expire', 'reconcile'].includes(kind));
    const wasCalled = this.#provider.entries.some(({ holdId }) => holdId === call.holdId);
    if (wasCalled && kinds[0] !== 'hold') return 'a provider was called without a hold';
    if (ends.length > 1) return 'it ended twice';
    if (kinds.length > 0 && ends.length === 0) return 'it never ended';
    const { standing } = call;
    switch (standing.type) {
      case 'refused':
        return kinds.length === 0 ? null : 'a refusal left something behind';
      case 'voided':
        return ends[0] === 'void' ? null : 'it was not released';
      case 'settled': {
        if (ends[0] !== 'settle') return 'the settlement is lost';
        const billed = this.#provider.billedOf(call.holdId);
        if (billed !== standing.costNanoUsd) return 'the caller was told another cost';
        return bookedCost(requests) === billed ? null : `booked at ${bookedCost(requests)}`;
      }
      case 'cut':
        return null;
      case 'running':
        return 'it still runs';
      default:
        return standing satisfies never;
    }
  }

  #reportOf(database: DatabaseSync): RunReport {
    const count = (type: string): number =>
      this.#calls.filter(({ standing }) => standing.type === type).length;
    let digest = 0;
    for (const row of database.prepare('SELECT event_id FROM event ORDER BY seq').iterate()) {
      for (const character of String(row['event_id'])) {
        digest = (Math.imul(digest, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
      }
    }
    return {
      seed: this.#seed,
      calls: this.#calls.length,
      settled: count('settled'),
      voided: count('voided'),
      refused: count('refused'),
      cut: count('cut'),
      crashes: this.#crashes,
      failedCommits: this.#failedCommits,
      steps: this.#steps,
      digest: digest.toString(16),
    };
  }
}

const COST_METER = 4;

/** Cost in the stored usage of a request: `[[model, [meter, amount]…]…]`. */
function bookedCost(requests: readonly Record<string, unknown>[]): bigint {
  const usage = requests[0]?.['usage'];
  if (typeof usage !== 'string') return -1n;
  const charges = JSON.parse(usage) as [string, ...[number, string][]][];
  return charges.reduce(
    (sum, [, ...amounts]) =>
      sum +
      amounts.reduce(
        (part, [meter, amount]) => part + (meter === COST_METER ? BigInt(amount) : 0n),
        0n,
      ),
    0n,
  );
}

/** A data folder with the seed plans and the plan of the simulation, from which every run starts. */
export async function makeTemplate(folder: string): Promise<string> {
  const template = join(folder, 'template');
  const random = createChance(1);
  const store = openInProcessStore({
    dataDir: template,
    clock: { nowMs: START_MS },
    randomFill: (target) => {
      random.fill(target);
    },
  });
  await store.directory.createPlan(SMALL_PLAN);
  store.stop();
  return template;
}
