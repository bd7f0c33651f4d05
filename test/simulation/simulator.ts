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
import { databasePath } from '../../src/store/sqlite/database.ts';
import {
  checkEveryEntry,
  checkMoney,
  checkOutbox,
  checkSuspicions,
  costOf,
  spentBy,
} from './end-checks.ts';
import { copyDataDir, type InProcessStore, openInProcessStore } from './in-process-store.ts';
import { KeyBook } from './key-book.ts';
import { Operator } from './operator.ts';
import { ProviderLog } from './provider-log.ts';
import { QuoteBook, type QuoteUse } from './quote-book.ts';
import { type Chance, createChance } from './random.ts';
import { SimulatedCall, SimulationFault } from './simulated-call.ts';
import { WriteGate } from './traced-database.ts';
import { DEPLOYMENT_LIMITS, KEYS, PEOPLE, START_MS } from './worlds.ts';

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
  /** Calls whose idempotency key was known already, and those that got the kept reply. */
  readonly known: number;
  readonly replayed: number;
  /** Uses of quotes that became calls. */
  readonly draws: number;
  readonly grants: number;
  /** Alerts in the outbox, every one delivered. */
  readonly alerts: number;
  /** Entries of the journal, I1 checked after each. */
  readonly entries: number;
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

const HOURS = 24;
/** Over the end of a month, over the night in which clocks change in New York, and a few days. */
const JUMPS_MS = [3 * HOURS * HOUR_MS, 9 * HOURS * HOUR_MS, 29 * HOURS * HOUR_MS] as const;
const DIMENSIONS = ['customer', 'key', 'tag:team'] as const;

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
  readonly #customers = new Map<string, string>();
  readonly #keys = new KeyBook();
  readonly #quotes = new QuoteBook();
  readonly #operator: Operator;
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
    this.#operator = new Operator({
      random: this.#random,
      clock: this.#clock,
      store: () => this.#store,
      customers: this.#customers,
      quotes: this.#quotes,
    });
  }

  get #dataDir(): string {
    return join(this.#folder, `life-${this.#life}`);
  }

  /** Runs to the end and checks the books. @throws SimulationFault */
  async run(): Promise<RunReport> {
    for (const name of PEOPLE) {
      this.#customers.set(name, (await this.#store.directory.customer(name))?.customer.id ?? '');
    }
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
      deploymentLimits: DEPLOYMENT_LIMITS,
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
    else if (this.#random.onceIn(9)) this.#act();
    else if (this.#waiting.length > 0 && !this.#random.onceIn(12)) this.#letGo();
    else this.#disturb();
    await this.#settleDown();
  }

  #letGo(): void {
    const at = this.#random.integer(0, this.#waiting.length - 1);
    this.#waiting.splice(at, 1)[0]?.go();
  }

  #startCall(): void {
    const random = this.#random;
    const [quoted = null] = random.onceIn(3) ? this.#openUses() : [];
    if (quoted !== null) quoted.drawn += 1;
    const customerId = quoted?.customerId ?? this.#customers.get(random.pick([...PEOPLE])) ?? '';
    const body = `body ${random.onceIn(6) ? 2 : 1}`;
    const parts = {
      random,
      clock: this.#clock,
      store: this.#store,
      provider: this.#provider,
      customerId,
      name: `c${this.#calls.length}`,
      keyId: random.pick([...KEYS]),
      tags: random.onceIn(2) ? { team: random.pick(['red', 'blue']) } : null,
      keyed: random.onceIn(2) ? { key: `k${random.integer(1, 4)}`, body } : null,
      keys: this.#keys,
      quoted,
      quotes: this.#quotes,
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

  /** Held operations that are not used up, the latest first. */
  #openUses(): readonly QuoteUse[] {
    return this.#quotes.uses
      .filter((use) => use.drawn < use.uses && !use.isReleased)
      .toReversed()
      .slice(this.#random.integer(0, 1));
  }

  #act(): void {
    this.#operator.act().catch((error: unknown) => this.#faults.push(error));
  }

  #disturb(): void {
    switch (this.#random.integer(0, 9)) {
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
      case 8:
        if (this.#random.onceIn(6)) this.#clock.nowMs += this.#random.pick([...JUMPS_MS]);
        break;
      default:
        if (this.#random.onceIn(3)) this.#store.gate.isDead = true;
    }
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

  /** Waits for an answer and lets everything go until it is there. */
  async #answered<Answer>(asked: Promise<Answer>): Promise<Answer> {
    let isDone = false;
    const waited = asked.finally(() => {
      isDone = true;
    });
    waited.catch(() => undefined);
    for (let turn = 0; turn < STEPS_TO_END && !isDone; turn += 1) {
      await this.#settleDown();
      if (this.#waiting.length > 0) this.#letGo();
    }
    return await waited;
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
    // Longer than the grace of unknown calls, and than any quote lives.
    this.#clock.nowMs += HOURS * HOUR_MS + 1_000;
    this.#store.round();
    this.#store.round();
    for (const id of this.#customers.values()) {
      await this.#answered(this.#store.wallets.wallet(id));
    }
    for (let turn = 0; turn < 100; turn += 1) {
      if ((await this.#answered(this.#operator.deliver())) === 0) break;
    }
  }

  async #check(): Promise<RunReport> {
    const report = await this.#store.ledger.verify();
    if (!report.ok) throw new SimulationFault(JSON.stringify(report.mismatches.slice(0, 3)));
    const database = new DatabaseSync(databasePath(this.#dataDir), { readOnly: true });
    try {
      this.#checkCalls(database);
      if (report.open_holds > 0) throw new SimulationFault(`${report.open_holds} holds are open`);
      checkSuspicions(database, this.#keys.suspicions);
      this.#checkPayers(database);
      await this.#checkViews(database);
      return this.#reportOf(database);
    } finally {
      database.close();
    }
  }

  #checkPayers(database: DatabaseSync): void {
    for (const [name, payers] of [
      ['payer', ['wallet']],
      ['saver', ['cost_usd/period', 'wallet']],
    ] as const) {
      const id = this.#customers.get(name) ?? '';
      const asked = [...this.#operator.asked].filter(([, credit]) => credit.customerId === id);
      checkMoney(database, {
        id,
        payers,
        granted: this.#operator.granted.get(id) ?? new Map(),
        asked: new Map(asked.map(([reference, { amountNanoUsd }]) => [reference, amountNanoUsd])),
      });
    }
  }

  /** I14: what customers, keys and tags used adds up to the whole, and the whole is what the requests cost. */
  async #checkViews(database: DatabaseSync): Promise<void> {
    const all = [...this.#customers.values()].reduce((sum, id) => sum + spentBy(database, id), 0n);
    for (const dimension of DIMENSIONS) {
      const report = await this.#answered(
        this.#store.reader.usage({
          customerId: null,
          fromMs: START_MS - HOUR_MS,
          toMs: this.#clock.nowMs + HOUR_MS,
          groupBy: [dimension],
          bucket: null,
        }),
      );
      for (const meter of ['cost_usd', 'requests', 'output_tokens'] as const) {
        const parts = report.groups.reduce((sum, { totals }) => sum + (totals[meter] ?? 0n), 0n);
        if (parts !== (report.totals[meter] ?? 0n)) {
          throw new SimulationFault(
            `I14 ${meter} by ${dimension}: ${parts}, in all ${report.totals[meter]}`,
          );
        }
      }
      if ((report.totals.cost_usd ?? 0n) !== all) {
        throw new SimulationFault(`I14 usage says ${report.totals.cost_usd}, calls cost ${all}`);
      }
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
        const booked = costOf(requests[0]?.['usage']);
        return booked === billed ? null : `booked at ${booked}`;
      }
      case 'known':
        return kinds.length === 0 ? null : 'a repeated call left something behind';
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
      known: count('known'),
      replayed: this.#keys.replays,
      draws: this.#quotes.draws,
      grants: [...this.#operator.granted.values()].reduce((sum, { size }) => sum + size, 0),
      alerts: checkOutbox(database, this.#operator.received),
      entries: checkEveryEntry(database),
      crashes: this.#crashes,
      failedCommits: this.#failedCommits,
      steps: this.#steps,
      digest: digest.toString(16),
    };
  }
}
