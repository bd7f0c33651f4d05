/**
 * Every write of a scenario, the process killed before and after it: what a start then finds must be the state
 * without a crash, or that state plus the calls that the crash cut off, marked unknown (I6).
 *
 * A scenario is a list of steps; one step is one command and therefore one commit, except a round of maintenance and
 * a restart, whose commits each stand alone. A start after a crash at any write must come, to the row, to where a start
 * before the interrupted step comes to, or one after it (between two commits of a round: to where the next round makes
 * it so); and a start between two steps must find every booking of the run without a crash. Then the rest of the
 * scenario is run, the interrupted step repeated, and the ledger must verify.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isGatewayError } from '../../src/contracts/gateway-error.ts';
import type { LimitInput } from '../../src/contracts/metering.ts';
import { scratchDir } from '../support/scratch.ts';
import {
  copyDataDir,
  type InProcessStore,
  openInProcessStore,
  type TestClock,
} from './in-process-store.ts';
import { countUnknown, dumpBookings, dumpDataDir } from './state-dump.ts';
import { Killed, WriteGate } from './traced-database.ts';

/** What a step works with. */
export interface ScenarioWorld {
  readonly store: InProcessStore;
  readonly clock: TestClock;
  /** The customer of the first start, on the plan `enterprise`. */
  readonly customerId: string;
  /** Ends the store in order and opens it again. */
  restart(): void;
}

/** Sends one command and waits for its answer, or moves the clock. */
export type Step = (world: ScenarioWorld) => Promise<unknown> | void;

/** One round of maintenance, each of whose tasks is a commit. */
export const round: Step = ({ store }) => {
  store.round();
};

/** Steps of more than one commit. */
const SEVERAL_COMMITS: ReadonlySet<Step> = new Set([round]);

export interface Scenario {
  readonly name: string;
  /** Limits of the deployment and its providers. */
  readonly deploymentLimits?: readonly LimitInput[];
  readonly steps: readonly Step[];
}

export interface CrashReport {
  readonly scenario: string;
  readonly writes: number;
  /** One more than the writes: before the first, between any two, after the last. */
  readonly points: number;
  readonly recoveredToBefore: number;
  readonly recoveredToAfter: number;
  /** Points between two commits of a round: the next round came to the state after. */
  readonly finishedByNextRound: number;
  /** Points at which calls were cut off and marked unknown. */
  readonly withUnknown: number;
  readonly failures: readonly string[];
}

const START_MS = Date.UTC(2026, 0, 31, 9, 30);

/** Repeatable bytes: an id must be the same in every run up to the crash, and another one in the next life. */
function seededFill(life = 0): (target: Uint8Array) => void {
  let state = 0x9e3779b9 ^ Math.imul(life, 0x85eb_ca6b);
  return (target) => {
    for (let index = 0; index < target.length; index += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      target[index] = state >>> 24;
    }
  };
}

/** A step's own refusal is an answer, and so is what a repeated step gets. */
async function runStep(step: Step, world: ScenarioWorld): Promise<void> {
  try {
    await step(world);
  } catch (error) {
    if (!isGatewayError(error) && !(error instanceof Killed)) throw error;
  }
}

/** Turns of the event loop that a step may take before it counts as cut off: its answer goes through microtasks. */
const TURNS = 50;

/** False when the process died during the step: then nobody answers. */
async function survives(step: Step, world: ScenarioWorld, gate: WriteGate): Promise<boolean> {
  let isDone = false;
  const running = runStep(step, world).finally(() => {
    isDone = true;
  });
  for (let turn = 0; turn < TURNS && !isDone; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (gate.isDead) {
    running.catch(() => undefined);
    return false;
  }
  await running;
  return true;
}

interface Reference {
  readonly states: readonly string[];
  readonly writes: number;
  readonly faults: readonly string[];
}

/** Lives after a crash; those of the run before it count from 1. */
const RECOVERED = 1_000;

class World implements ScenarioWorld {
  store: InProcessStore;
  readonly clock: TestClock;
  readonly customerId: string;
  readonly #dataDir: string;
  readonly #gate: WriteGate;
  readonly #deploymentLimits: readonly LimitInput[];
  #life: number;

  constructor(
    at: { dataDir: string; clock: TestClock; gate: WriteGate; life: number },
    more: { customerId: string; deploymentLimits: readonly LimitInput[] },
  ) {
    this.clock = at.clock;
    this.customerId = more.customerId;
    this.#dataDir = at.dataDir;
    this.#gate = at.gate;
    this.#life = at.life;
    this.#deploymentLimits = more.deploymentLimits;
    this.store = this.#open();
  }

  restart(): void {
    this.store.stop();
    this.#life += 1;
    this.store = this.#open();
  }

  #open(): InProcessStore {
    return openInProcessStore({
      dataDir: this.#dataDir,
      clock: this.clock,
      gate: this.#gate,
      randomFill: seededFill(this.#life),
      deploymentLimits: this.#deploymentLimits,
    });
  }
}

class Enumeration {
  readonly #folder: string;
  readonly #template: string;
  readonly #scenario: Scenario;
  readonly #customerId: string;

  constructor(
    scenario: Scenario,
    at: { readonly folder: string; readonly template: string; readonly customerId: string },
  ) {
    this.#scenario = scenario;
    this.#folder = at.folder;
    this.#template = at.template;
    this.#customerId = at.customerId;
  }

  /** Runs the scenario, or a part of it, on one folder. */
  #world(at: { dataDir: string; clock: TestClock; gate: WriteGate; life: number }): World {
    const { deploymentLimits = [] } = this.#scenario;
    return new World(at, { customerId: this.#customerId, deploymentLimits });
  }

  #fresh(name: string): string {
    const dataDir = join(this.#folder, name);
    rmSync(dataDir, { recursive: true, force: true });
    copyDataDir(this.#template, dataDir);
    return dataDir;
  }

  /** The run without a crash: what a start before each step, and after the last, comes to; and the number of writes. */
  async reference(): Promise<Reference> {
    const dataDir = this.#fresh('reference');
    const clock = { nowMs: START_MS };
    const gate = new WriteGate();
    const world = this.#world({ dataDir, clock, gate, life: 1 });
    const before = gate.writes;
    const faults: string[] = [];
    const states = [this.#restarted(dataDir, clock, faults)];
    for (const step of this.#scenario.steps) {
      await runStep(step, world);
      states.push(this.#restarted(dataDir, clock, gate.isFull ? null : faults));
    }
    const { writes } = gate;
    world.store.stop();
    return { states, writes: writes - before, faults };
  }

  /**
   * What a start on the folder as it stands comes to. It may grant and expire what the calendar says by now; what was
   * booked must stand as it stood. `faults` is null while bookings wait in the emergency file.
   */
  #restarted(dataDir: string, clock: TestClock, faults: string[] | null): string {
    const copy = join(this.#folder, 'restarted');
    rmSync(copy, { recursive: true, force: true });
    copyDataDir(dataDir, copy);
    const booked = dumpBookings(copy);
    const { store } = this.#world({
      dataDir: copy,
      clock: { nowMs: clock.nowMs },
      gate: new WriteGate(),
      life: RECOVERED,
    });
    const state = dumpDataDir(copy);
    if (faults !== null && dumpBookings(copy) !== booked) {
      faults.push(`a start changed bookings: ${firstDifference(dumpBookings(copy), booked)}`);
    }
    store.stop();
    return state;
  }

  /** Dies at a point; returns the step during which that was and the clock then. */
  async crash(
    afterWrites: number,
    grave: string,
  ): Promise<{ readonly step: number; readonly nowMs: number }> {
    const dataDir = this.#fresh('run');
    const clock = { nowMs: START_MS };
    const gate = new WriteGate();
    const world = this.#world({ dataDir, clock, gate, life: 1 });
    gate.killBeforeWrite = gate.writes + afterWrites + 1;
    let at = 0;
    for (const step of this.#scenario.steps) {
      if (!(await survives(step, world, gate))) break;
      at += 1;
    }
    world.store.die(grave);
    return { step: at, nowMs: clock.nowMs };
  }

  /** What is wrong with the folder that the crash left; null when nothing is. */
  async recover(
    grave: string,
    died: { readonly step: number; readonly nowMs: number },
    states: readonly string[],
  ): Promise<{
    readonly to: 'before' | 'after' | 'later' | null;
    readonly unknown: number;
    readonly fault: string | null;
    readonly difference: string;
  }> {
    const clock = { nowMs: died.nowMs };
    const gate = new WriteGate();
    const world = this.#world({ dataDir: grave, clock, gate, life: RECOVERED });
    const { steps } = this.#scenario;
    try {
      const state = dumpDataDir(grave);
      const unknown = countUnknown(grave);
      const after = states[died.step + 1];
      let to: 'before' | 'after' | 'later' | null =
        state === states[died.step] ? 'before' : state === after ? 'after' : null;
      const [first, ...others] = steps.slice(died.step);
      if (first !== undefined) await runStep(first, world);
      let difference = '';
      if (to === null) {
        const then = this.#restarted(grave, clock, null);
        if (then === after && first !== undefined && SEVERAL_COMMITS.has(first)) to = 'later';
        else difference = firstDifference(state, after ?? '');
      }
      for (const step of others) await runStep(step, world);
      const report = await world.store.ledger.verify();
      const fault = report.ok ? null : JSON.stringify(report.mismatches.slice(0, 3));
      return { to, unknown, fault, difference };
    } finally {
      world.store.stop();
    }
  }
}

function firstDifference(one: string, other: string): string {
  const others = new Set(other.split('\n'));
  const line = one.split('\n').find((candidate) => !others.has(candidate));
  return (line ?? 'a line is missing').trim().slice(0, 300);
}

async function enumerate(
  enumeration: Enumeration,
  name: string,
  folder: string,
): Promise<CrashReport> {
  const { states, writes, faults } = await enumeration.reference();
  const grave = join(folder, 'grave');
  const failures = faults.map((fault) => `${name}: ${fault}`);
  const counts = { before: 0, after: 0, later: 0, unknown: 0 };
  for (let point = 0; point <= writes; point += 1) {
    const died = await enumeration.crash(point, grave);
    const { to, unknown, fault, difference } = await enumeration.recover(grave, died, states);
    if (to === null) {
      failures.push(
        `${name}, after ${point} writes, in step ${died.step}: another state: ${difference}`,
      );
    } else counts[to] += 1;
    if (unknown > 0) counts.unknown += 1;
    if (fault !== null) failures.push(`${name}, after ${point} writes: does not verify: ${fault}`);
  }
  return {
    scenario: name,
    writes,
    points: writes + 1,
    recoveredToBefore: counts.before,
    recoveredToAfter: counts.after,
    finishedByNextRound: counts.later,
    withUnknown: counts.unknown,
    failures,
  };
}

/** Where scenarios are run, each on files of its own that start from the same first start. */
export class CrashLab {
  readonly #folder: string;
  readonly #customerId: string;

  private constructor(folder: string, customerId: string) {
    this.#folder = folder;
    this.#customerId = customerId;
  }

  static async open(): Promise<CrashLab> {
    const folder = mkdtempSync(join(scratchDir(), 'gateway-crash-points-'));
    const dataDir = join(folder, 'template');
    mkdirSync(dataDir);
    const clock = { nowMs: START_MS };
    const store = openInProcessStore({ dataDir, clock, randomFill: seededFill() });
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    store.stop();
    return new CrashLab(folder, customerId);
  }

  /** Enumerates every crash point of a scenario. */
  enumerate(scenario: Scenario): Promise<CrashReport> {
    const folder = this.#folder;
    const template = join(folder, 'template');
    const at = { folder, template, customerId: this.#customerId };
    return enumerate(new Enumeration(scenario, at), scenario.name, folder);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Enumerates every crash point of every scenario. */
export async function enumerateCrashes(
  scenarios: readonly Scenario[],
): Promise<readonly CrashReport[]> {
  const lab = await CrashLab.open();
  try {
    const reports: CrashReport[] = [];
    for (const scenario of scenarios) reports.push(await lab.enumerate(scenario));
    return reports;
  } finally {
    lab.close();
  }
}
