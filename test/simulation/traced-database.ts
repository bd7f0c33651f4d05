/**
 * A SQLite connection and the emergency file, watched write by write: counts them, ends the process's life at one of
 * them, or lets them fail as a full disk does.
 *
 * @module
 */
import { fdatasyncSync, writeSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FileWrites } from '../../src/store/sqlite/emergency-journal.ts';

/** Thrown at the moment of death and at every call after it. */
export class Killed extends Error {
  constructor() {
    super('the process is dead');
  }
}

/** As node:sqlite reports it: https://www.sqlite.org/rescode.html#full */
function diskFull(): Error {
  return Object.assign(new Error('database or disk is full'), {
    code: 'ERR_SQLITE_ERROR',
    errcode: 13,
  });
}

const WRITING = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE|BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK)\b/i;

/** Where writes go through. */
export class WriteGate {
  writes = 0;
  isDead = false;
  /** Dies right before the write with this number, counted from 1; null never does. */
  killBeforeWrite: number | null = null;
  /** While true a write fails as on a full disk; ends of transactions that undo are let through. */
  isFull = false;
  /** Asked before each COMMIT: true lets it fail without having happened. */
  failCommit: () => boolean = () => false;

  /** Stands before every write. @throws Killed */
  before(statement: string): void {
    if (this.isDead) throw new Killed();
    if (!WRITING.test(statement)) return;
    if (this.killBeforeWrite === this.writes + 1) {
      this.isDead = true;
      throw new Killed();
    }
    const undoes = /^\s*ROLLBACK\b/i.test(statement);
    if (this.isFull && !undoes) throw diskFull();
    if (/^\s*COMMIT\b/i.test(statement) && this.failCommit()) throw diskFull();
    this.writes += 1;
  }

  /** The emergency file behind the gate. */
  get files(): FileWrites {
    return {
      writeSync: (file, bytes, ...at) => {
        this.#beforeFile();
        return writeSync(file, bytes, ...at);
      },
      fdatasyncSync: (file) => {
        this.#beforeFile();
        fdatasyncSync(file);
      },
    };
  }

  #beforeFile(): void {
    if (this.isDead) throw new Killed();
    if (this.killBeforeWrite === this.writes + 1) {
      this.isDead = true;
      throw new Killed();
    }
    this.writes += 1;
  }
}

function tracedStatement(statement: StatementSync, sql: string, gate: WriteGate): StatementSync {
  return new Proxy(statement, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!['run', 'get', 'all', 'iterate'].includes(String(name))) return member.bind(target);
      return (...args: readonly unknown[]): unknown => {
        gate.before(sql);
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** The connection behind the gate. */
export function traceDatabase(database: DatabaseSync, gate: WriteGate): DatabaseSync {
  return new Proxy(database, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name === 'exec') {
        return (sql: string): void => {
          gate.before(sql);
          target.exec(sql);
        };
      }
      if (name === 'prepare') {
        return (sql: string): StatementSync => tracedStatement(target.prepare(sql), sql, gate);
      }
      return member.bind(target);
    },
  });
}
