/**
 * The single writer: takes a batch of commands, lets the engine decide in memory, makes everything durable in
 * one transaction, and only then answers. A transaction that fails leaves memory as it was.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ChurningMap } from '../../collections/churning-map.ts';
import { GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type {
  ExtendCommand,
  Held,
  Refused,
  ReserveCommand,
  Settled,
} from '../../metering/ports.ts';
import type { Accounts } from './accounts.ts';
import { auditWriter } from './audit-table.ts';
import { CrossingAlerts } from './crossing-alerts.ts';
import { DirectoryWriter } from './directory-writer.ts';
import { BatchUnit, CLOSED_MESSAGE, type Writes } from './batch-unit.ts';
import { type Command, decodeCommands } from './commands.ts';
import { deferredRecord, type EmergencyJournal } from './emergency-journal.ts';
import { isDuplicate, isStorageFault, sqliteCode, throwIfBroken } from './sqlite-errors.ts';
import type { HoldHistory } from './hold-history.ts';
import { endHold, takeHold } from './hold-steps.ts';
import { IdempotencyTable } from './idempotency-table.ts';
import { JournalTables } from './journal-tables.ts';
import { toPlainError, unavailable } from './plain-error.ts';
import { ProgressTable } from './progress-table.ts';
import { recallHold } from './recall-hold.ts';
import type { ScopeAccounts } from './scope-accounts.ts';
import { type CallIdentity, UsageTables } from './usage-tables.ts';
import type { WalletAlerts } from './wallet-alerts.ts';
import { type WriterOperation, writerOperations } from './writer-operations.ts';
import {
  ANSWER_ERROR,
  ANSWER_VALUE,
  type Flat,
  FlatReader,
  type FlatValue,
  putHeld,
  putSettled,
  type SettleOrder,
} from './wire.ts';

/** An open hold as the writer tracks it beside the engine. */
export interface OpenCall {
  readonly identity: CallIdentity;
  /** Sequence number of its `hold` event. */
  readonly seq: number;
}

export interface WriterParts {
  readonly database: DatabaseSync;
  readonly engine: MeteringEngine;
  readonly emergency: EmergencyJournal;
  readonly history: HoldHistory;
  readonly accounts: Accounts;
  readonly scopes: ScopeAccounts;
  readonly ids: IdSource;
  /** Null: nobody is told of low wallets. */
  readonly wallets: WalletAlerts | null;
}

type NamedCall = Extract<Command, { readonly op: 'call' }>;

/** Events between two marks: what a start reads and checks. */
const MARK_EVERY = 20_000;
export class Writer {
  readonly #database: DatabaseSync;
  readonly #engine: MeteringEngine;
  readonly #accounts: Accounts;
  readonly #scopes: ScopeAccounts;
  readonly #directory: DirectoryWriter;
  readonly #journal: JournalTables;
  readonly #usage: UsageTables;
  readonly #progress: ProgressTable;
  readonly #crossings: CrossingAlerts;
  readonly #wallets: WalletAlerts | null;
  readonly #audit: ReturnType<typeof auditWriter>;
  readonly #idempotency: IdempotencyTable;
  readonly #history: HoldHistory;
  readonly #emergency: EmergencyJournal;
  readonly #begin: StatementSync;
  readonly #commitStatement: StatementSync;
  readonly #open = new ChurningMap<string, OpenCall>();
  /** Since when holds are unknown, in milliseconds since the epoch. */
  readonly unknownSince = new Map<string, number>();
  readonly #operations: ReadonlyMap<string, WriterOperation>;
  /** Settlements in the emergency file that the database has yet to take; null while it takes writes. */
  #deferred: Writes | null = null;
  #markedAt: number;

  constructor(parts: WriterParts) {
    this.#database = parts.database;
    this.#engine = parts.engine;
    this.#emergency = parts.emergency;
    this.#history = parts.history;
    this.#accounts = parts.accounts;
    this.#scopes = parts.scopes;
    this.#directory = new DirectoryWriter(parts.database, this.#accounts, parts.ids);
    this.#journal = new JournalTables(parts.database);
    this.#usage = new UsageTables(parts.database);
    this.#progress = new ProgressTable(parts.database);
    this.#crossings = new CrossingAlerts(parts.database, parts.ids);
    this.#wallets = parts.wallets;
    this.#audit = auditWriter(parts.database);
    this.#idempotency = new IdempotencyTable(parts.database);
    this.#begin = parts.database.prepare('BEGIN IMMEDIATE');
    this.#commitStatement = parts.database.prepare('COMMIT');
    this.#markedAt = this.#journal.nextSeq;
    this.#operations = writerOperations({
      database: parts.database,
      engine: this.#engine,
      accounts: this.#accounts,
      scopes: this.#scopes,
      directory: this.#directory,
      idempotency: this.#idempotency,
      ids: parts.ids,
      progress: this.#progress,
      journal: this.#journal,
      openCalls: this.#open,
      unknownSince: this.unknownSince,
    });
  }

  get directory(): DirectoryWriter {
    return this.#directory;
  }

  get journal(): JournalTables {
    return this.#journal;
  }

  get usage(): UsageTables {
    return this.#usage;
  }

  get progress(): ProgressTable {
    return this.#progress;
  }

  get idempotency(): IdempotencyTable {
    return this.#idempotency;
  }

  /** True while the database refuses writes. */
  get closed(): boolean {
    return this.#deferred !== null;
  }

  openCall(holdId: string): OpenCall | null {
    return this.#open.get(holdId) ?? null;
  }

  trackOpen(holdId: string, call: OpenCall): void {
    this.#open.set(holdId, call);
  }

  /** Carries out one batch and returns the answers. @throws LedgerBroken */
  run(batch: Flat): Flat {
    const reader = new FlatReader(batch);
    const nowMs = reader.number();
    const commands = decodeCommands(reader, {
      progress: (holdId, mark) => {
        // A mark that comes after the end of its call says nothing any more.
        if (this.#open.has(holdId)) this.#progress.note(holdId, mark, nowMs);
      },
      leave: (requestId) => {
        this.#idempotency.leave(requestId);
      },
    });
    if (this.#deferred !== null) this.reopen();
    if (this.#deferred !== null) return this.#runClosed(commands, nowMs);
    try {
      return this.#attempt(commands, nowMs, false);
    } catch (error) {
      if (isDuplicate(error)) return this.#retryKnown(commands, nowMs);
      return this.#afterFailure(commands, nowMs, error);
    }
  }

  /** Runs one operation of the store's own in a transaction. Throws what the operation or the commit throws. */
  transact<Result>(nowMs: number, operation: (unit: BatchUnit) => Result): Result {
    const unit = this.#unit(nowMs);
    try {
      unit.begin();
      const result = operation(unit);
      this.#commit(unit);
      return result;
    } catch (error) {
      this.#rollback(unit);
      throw error;
    }
  }

  /** Tries to bring deferred settlements into the database; when that succeeds admission is open again. */
  reopen(): void {
    const deferred = this.#deferred;
    if (deferred === null) return;
    const unit = this.#unit(0);
    unit.writes.entries.push(...deferred.entries);
    unit.writes.requests.push(...deferred.requests);
    unit.writes.crossings.push(...deferred.crossings);
    unit.writes.claimEnds.push(...deferred.claimEnds);
    try {
      unit.begin();
      // Even with nothing deferred a page must be written, or the commit would prove nothing.
      this.#journal.mark(this.#openSeqs());
      this.#commit(unit);
    } catch (error) {
      // What the engine holds stays applied: it is what the emergency file says.
      unit.applied.length = 0;
      this.#rollback(unit);
      throwIfBroken(error);
      return;
    }
    this.#deferred = null;
    this.#emergency.clear();
  }

  /** Writes what is only in memory: progress marks, the mark that shortens the next start. */
  close(): void {
    if (this.#deferred !== null) this.reopen();
    if (this.#deferred !== null) return;
    this.transact(0, () => {
      this.#progress.flush();
      this.#mark();
    });
  }

  /** Books settlements that a crash left in the emergency file. */
  replay(orders: readonly SettleOrder[], nowMs: number): void {
    this.transact(nowMs, (unit) => {
      for (const order of orders) {
        try {
          this.#settle(order, unit);
        } catch (error) {
          // Its reserve was lost to a power cut, so nothing is held for it.
          if (!isGatewayError(error) || error.code !== 'not_found') throw error;
        }
      }
    });
    this.#emergency.clear();
  }

  #unit(nowMs: number, memoryOnly = false): BatchUnit {
    return new BatchUnit(nowMs, { begin: this.#begin, memoryOnly, ...this.#journal.position() });
  }

  /** Decides, writes, commits. On failure memory and database are as before and the error is thrown. */
  #attempt(commands: readonly Command[], nowMs: number, lookUp: boolean): Flat {
    const unit = this.#unit(nowMs);
    const answers: Flat = [];
    try {
      for (const command of commands) this.#carryOut(command, { unit, answers, lookUp });
      this.#commit(unit);
    } catch (error) {
      this.#rollback(unit);
      throw error;
    }
    return answers;
  }

  #carryOut(
    command: Command,
    at: { readonly unit: BatchUnit; readonly answers: Flat; readonly lookUp: boolean },
  ): void {
    const { unit, answers, lookUp } = at;
    const { call } = command;
    const length = answers.length;
    try {
      switch (command.op) {
        case 'reserve':
          this.#answerReserve(call, this.#reserve(command.command, unit, lookUp), answers);
          break;
        case 'extend':
          this.#answerReserve(call, this.#extend(command.command, unit), answers);
          break;
        case 'settle': {
          const { type, replayed, overrunNanoUsd } = this.#settle(command.order, unit);
          if (command.claimEnd !== null) {
            unit.writes.claimEnds.push({ order: command.claimEnd, atMs: unit.nowMs });
          }
          putSettled(answers, call, { type, replayed, overrunNanoUsd });
          break;
        }
        case 'call':
          answers.push(ANSWER_VALUE, call, this.#callByName(command, unit));
          break;
        default:
          command satisfies never;
      }
    } catch (error) {
      if (sqliteCode(error) !== 0) throw error;
      answers.length = length;
      answers.push(ANSWER_ERROR, call, toPlainError(error));
    }
  }

  #answerReserve(call: number, result: Held | Refused, answers: Flat): void {
    if (result.type === 'held') putHeld(answers, call, result);
    else answers.push(ANSWER_VALUE, call, result);
  }

  #reserve(command: ReserveCommand, unit: BatchUnit, lookUp: boolean): Held | Refused {
    this.#accounts.ensure(command.customerId, unit);
    this.#scopes.ensure(command, unit);
    if (lookUp) this.#recall(command.holdId, unit);
    return takeHold(this.#engine, command, unit);
  }

  #extend(command: ExtendCommand, unit: BatchUnit): Held | Refused {
    const identity = this.#identity(command.holdId, unit);
    this.#accounts.ensure(identity.customerId, unit);
    const applied = this.#engine.extend(command, unit.nowMs);
    if (applied.journal.length > 0) unit.keep(applied);
    return applied.result;
  }

  #settle(order: SettleOrder, unit: BatchUnit): Settled {
    const { holdId } = order;
    const identity = this.#identity(holdId, unit);
    this.#accounts.ensure(identity.customerId, unit);
    this.#recall(holdId, unit);
    return endHold(this.#engine, { identity, order }, unit);
  }

  /** Whose hold it is. @throws GatewayError `not_found` */
  #identity(holdId: string, unit: BatchUnit): CallIdentity {
    const known =
      this.#open.get(holdId)?.identity ?? unit.opened.get(holdId) ?? this.#history.identity(holdId);
    if (known === null) {
      throw new GatewayError('not_found', { message: `There is no hold ${holdId}.` });
    }
    return known;
  }

  #recall(holdId: string, unit: BatchUnit): void {
    recallHold(
      {
        engine: this.#engine,
        accounts: this.#accounts,
        scopes: this.#scopes,
        history: this.#history,
        journal: this.#journal,
      },
      holdId,
      unit,
    );
  }

  #callByName({ name, args, change }: NamedCall, unit: BatchUnit): FlatValue {
    const operation = this.#operations.get(name);
    if (operation === undefined) {
      throw new GatewayError('internal_error', { message: `There is no operation ${name}.` });
    }
    if (!operation.writes) return operation.run(args, unit);
    unit.begin();
    const before = unit.mark();
    this.#database.exec('SAVEPOINT operation');
    try {
      const result = operation.run(args, unit);
      if (change !== null) this.#audit(change, unit.nowMs);
      this.#database.exec('RELEASE operation');
      return result;
    } catch (error) {
      unit.undoTo(before);
      this.#database.exec('ROLLBACK TO operation; RELEASE operation');
      this.#accounts.refreshPlans();
      throw error;
    }
  }

  #commit(unit: BatchUnit): void {
    const { writes } = unit;
    if (writes.entries.length > 0 || writes.claimEnds.length > 0) unit.begin();
    if (!unit.begun) {
      this.#accounts.endBatch(false);
      return;
    }
    const seqs: number[] = [];
    for (const { entry, attemptsText } of writes.entries) {
      for (const bucket of entry.newBuckets) this.#accounts.freezePeriod(bucket.windowId);
      seqs.push(this.#journal.append(entry, attemptsText));
    }
    this.#journal.flush((bucketId) => this.#engine.bucket(bucketId));
    if (writes.crossings.length > 0) this.#crossings.note(writes.crossings);
    this.#wallets?.note(this.#journal.walletEntries);
    for (const request of writes.requests) this.#usage.write(request);
    this.#usage.flush();
    for (const { order, atMs } of writes.claimEnds) this.#idempotency.end(order, atMs);
    if (this.#progress.hasAny) {
      for (const { entry } of writes.entries) {
        if (entry.holdId !== null && ENDS.has(entry.kind)) this.#progress.drop(entry.holdId);
      }
    }
    this.#journal.seal();
    this.#commitStatement.run();
    unit.begun = false;
    this.#journal.committed();
    this.#trackHolds(unit, seqs);
    this.#accounts.endBatch(false);
    if (this.#journal.nextSeq - this.#markedAt >= MARK_EVERY) this.#markLater();
  }

  #trackHolds(unit: BatchUnit, seqs: readonly number[]): void {
    unit.writes.entries.forEach(({ entry }, index) => {
      const { holdId, kind } = entry;
      if (holdId === null) return;
      if (kind === 'hold') {
        const identity = unit.opened.get(holdId);
        if (identity !== undefined) this.#open.set(holdId, { identity, seq: seqs[index] ?? 0 });
      } else if (ENDS.has(kind)) this.#open.delete(holdId);
      else if (kind === 'unknown') this.unknownSince.set(holdId, entry.atMs);
    });
  }

  #openSeqs(): number[] {
    return Array.from(this.#open.values(), (call) => call.seq);
  }

  #mark(): void {
    this.#journal.mark(this.#openSeqs());
    this.#markedAt = this.#journal.nextSeq;
  }

  /** A mark only saves time at the next start, so its failure is no failure of the batch. */
  #markLater(): void {
    try {
      this.#begin.run();
      this.#mark();
      this.#commitStatement.run();
      this.#journal.committed();
    } catch {
      this.#journal.unmark();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    }
  }

  #rollback(unit: BatchUnit): void {
    for (let index = unit.applied.length - 1; index >= 0; index -= 1) {
      unit.applied[index]?.undo();
    }
    if (this.#database.isTransaction) {
      try {
        this.#database.exec('ROLLBACK');
      } catch (error) {
        // SQLite has rolled back by itself where the disk failed; anything else shows at the next statement.
        if (this.#database.isTransaction) throw error;
      }
    }
    unit.begun = false;
    this.#journal.reset(unit.position);
    this.#usage.reset();
    this.#accounts.endBatch(true);
  }

  /** An event was in the journal already: a hold id came again after memory had forgotten it. */
  #retryKnown(commands: readonly Command[], nowMs: number): Flat {
    try {
      return this.#attempt(commands, nowMs, true);
    } catch (error) {
      return this.#afterFailure(commands, nowMs, error);
    }
  }

  #afterFailure(commands: readonly Command[], nowMs: number, error: unknown): Flat {
    throwIfBroken(error);
    if (isStorageFault(error)) {
      this.#deferred = { entries: [], requests: [], crossings: [], claimEnds: [] };
      return this.#runClosed(commands, nowMs);
    }
    return commands.flatMap(({ call }): Flat => [ANSWER_ERROR, call, toPlainError(error)]);
  }

  /** The database takes no writes: settlements go to the emergency file, all else is refused. */
  #runClosed(commands: readonly Command[], nowMs: number): Flat {
    const unit = this.#unit(nowMs, true);
    const answers: Flat = [];
    const orders: SettleOrder[] = [];
    const calls: number[] = [];
    for (const command of commands) {
      if (command.op !== 'settle') {
        answers.push(ANSWER_ERROR, command.call, unavailable(CLOSED_MESSAGE));
        continue;
      }
      this.#carryOut(command, { unit, answers, lookUp: true });
      orders.push(command.order);
      calls.push(command.call);
    }
    if (orders.length === 0) return answers;
    let kept = false;
    try {
      kept = this.#emergency.append(orders.map((order) => deferredRecord(order, nowMs)));
    } catch (error) {
      if (!isStorageFault(error)) throw error;
    }
    if (!kept) {
      this.#rollback(unit);
      return commands.flatMap(({ call }): Flat => [
        ANSWER_ERROR,
        call,
        unavailable(CLOSED_MESSAGE),
      ]);
    }
    this.#deferred?.entries.push(...unit.writes.entries);
    this.#deferred?.requests.push(...unit.writes.requests);
    this.#deferred?.crossings.push(...unit.writes.crossings);
    this.#deferred?.claimEnds.push(...unit.writes.claimEnds);
    return answers;
  }
}

const ENDS: ReadonlySet<string> = new Set(['settle', 'void', 'expire', 'reconcile']);
