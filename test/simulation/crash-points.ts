/**
 * Every write of a scenario, the process killed before and after it: what a start then finds must be the state
 * without a crash, or that state plus the calls that the crash cut off, marked unknown (I6).
 *
 * A scenario is a list of steps; one step is one command and therefore one commit. A start after a crash at any write
 * must come, to the row, to where a start before the interrupted step comes to, or one after it; and a start between
 * two steps must find every booking of the run without a crash. Then the rest of the scenario is run, the interrupted
 * step repeated, and the ledger must verify.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGatewayError } from '../../src/contracts/gateway-error.ts';
import {
  copyDataDir,
  type InProcessStore,
  openInProcessStore,
  type TestClock,
} from './in-process-store.ts';
import { countUnknown, dumpBookings, dumpDataDir } from './state-dump.ts';
import { WriteGate } from './traced-database.ts';

/** What a step works with. */
export interface ScenarioWorld {
  readonly store: InProcessStore;
  readonly clock: TestClock;
  /** The customer of the first start, on the plan `enterprise`. */
  readonly customerId: string;
}

/** Sends one command and waits for its answer, or moves the clock. */
export type Step = (world: ScenarioWorld) => Promise<unknown> | void;

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface CrashReport {
  readonly scenario: string;
  readonly writes: number;
  /** One more than the writes: before the first, between any two, after the last. */
  readonly points: number;
  readonly recoveredToBefore: number;
  readonly recoveredToAfter: number;
  /** Points at which calls were cut off and marked unknown. */
  readonly withUnknown: number;
  readonly failures: readonly string[];
}

const START_MS = Date.UTC(2026, 0, 31, 9, 30);

/** Repeatable bytes: an id must be the same in every run up to the crash. */
function seededFill(): (target: Uint8Array) => void {
  let state = 0x9e3779b9;
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
    if (!isGatewayError(error)) throw error;
  }
}

/** Turns of the event loop that a step may take before it counts as cut off: its answer goes through microtasks. */
const TURNS = 50;

/** False when the process died during the step: then nobody answers. */
async function survives(step: Step, world: ScenarioWorld): Promise<boolean> {
  let isDone = false;
  const running = runStep(step, world).finally(() => {
    isDone = true;
  });
  for (let turn = 0; turn < TURNS && !isDone; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (world.store.gate.isDead) {
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

  #open(dataDir: string, clock: TestClock, gate: WriteGate): InProcessStore {
    return openInProcessStore({ dataDir, clock, gate, randomFill: seededFill() });
  }

  #world(store: InProcessStore, clock: TestClock): ScenarioWorld {
    return { store, clock, customerId: this.#customerId };
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
    const store = this.#open(dataDir, clock, gate);
    const before = gate.writes;
    const faults: string[] = [];
    const states = [this.#restarted(dataDir, clock, faults)];
    for (const step of this.#scenario.steps) {
      await runStep(step, this.#world(store, clock));
      states.push(this.#restarted(dataDir, clock, gate.isFull ? null : faults));
    }
    const { writes } = gate;
    store.stop();
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
    const store = this.#open(copy, { nowMs: clock.nowMs }, new WriteGate());
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
    const store = this.#open(dataDir, clock, gate);
    gate.killBeforeWrite = gate.writes + afterWrites + 1;
    const world = this.#world(store, clock);
    let at = 0;
    for (const step of this.#scenario.steps) {
      if (!(await survives(step, world))) break;
      at += 1;
    }
    store.die(grave);
    return { step: at, nowMs: clock.nowMs };
  }

  /** What is wrong with the folder that the crash left; null when nothing is. */
  async recover(
    grave: string,
    died: { readonly step: number; readonly nowMs: number },
    states: readonly string[],
  ): Promise<{
    readonly to: 'before' | 'after' | null;
    readonly unknown: number;
    readonly fault: string | null;
  }> {
    const clock = { nowMs: died.nowMs };
    const store = this.#open(grave, clock, new WriteGate());
    try {
      const state = dumpDataDir(grave);
      const to =
        state === states[died.step] ? 'before' : state === states[died.step + 1] ? 'after' : null;
      const unknown = countUnknown(grave);
      const world = this.#world(store, clock);
      for (const step of this.#scenario.steps.slice(died.step)) await runStep(step, world);
      const report = await store.ledger.verify();
      const fault = report.ok ? null : JSON.stringify(report.mismatches.slice(0, 3));
      return { to, unknown, fault };
    } finally {
      store.stop();
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
  const counts = { before: 0, after: 0, unknown: 0 };
  for (let point = 0; point <= writes; point += 1) {
    const died = await enumeration.crash(point, grave);
    const { to, unknown, fault } = await enumeration.recover(grave, died, states);
    if (to === null) {
      failures.push(`${name}, after ${point} writes, in step ${died.step}: another state`);
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
    withUnknown: counts.unknown,
    failures,
  };
}

/** Enumerates every crash point of every scenario, each on files of its own. */
export async function enumerateCrashes(
  scenarios: readonly Scenario[],
): Promise<readonly CrashReport[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-crash-points-'));
  const template = join(folder, 'template');
  mkdirSync(template);
  try {
    const clock = { nowMs: START_MS };
    const store = openInProcessStore({ dataDir: template, clock, randomFill: seededFill() });
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    store.stop();
    const reports: CrashReport[] = [];
    for (const scenario of scenarios) {
      const enumeration = new Enumeration(scenario, { folder, template, customerId });
      reports.push(await enumerate(enumeration, scenario.name, folder));
    }
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
