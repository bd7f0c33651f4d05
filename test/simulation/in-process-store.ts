/**
 * The whole embedded store in this thread, on real files, with the clock, the ids and every message between its two
 * ends in the hands of the test.
 *
 * @module
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { MeteringStore } from '../../src/metering/ports.ts';
import { openReaderDatabase, openWriterDatabase } from '../../src/store/sqlite/database.ts';
import { storeOver } from '../../src/store/sqlite/open-sqlite-store.ts';
import { readerQueries } from '../../src/store/sqlite/reader-queries.ts';
import type { Flat } from '../../src/store/sqlite/wire.ts';
import type { WriterOptions } from '../../src/store/sqlite/worker-options.ts';
import { WriterLink } from '../../src/store/sqlite/writer-link.ts';
import { startWriterService, type WriterService } from '../../src/store/sqlite/writer-service.ts';
import { Killed, traceDatabase, WriteGate } from './traced-database.ts';

/** A clock that only the test moves, in milliseconds since the epoch. */
export interface TestClock {
  nowMs: number;
}

export interface InProcessOptions {
  readonly dataDir: string;
  readonly clock: TestClock;
  readonly gate?: WriteGate;
  /** Fills the bytes of ids. */
  readonly randomFill: (target: Uint8Array) => void;
  readonly policy?: WriterOptions['policy'];
  readonly graceMs?: number;
  readonly deploymentLimits?: WriterOptions['deploymentLimits'];
  /** Hands a message on; default at once, in a microtask. The simulator delays it. */
  readonly deliver?: (hand: () => void) => void;
}

export interface InProcessStore extends Omit<MeteringStore, 'durability' | 'close' | 'unbooked'> {
  readonly gate: WriteGate;
  /** One round of the writer's maintenance. */
  round(): void;
  /** Ends it in order. */
  stop(): void;
  /** Lets the process die as it is, and leaves what the disk then has in `targetDir`. */
  die(targetDir: string): void;
}

/** Small, since it is copied with every crash. */
const EMERGENCY_BYTES = 64 * 1024;

/** Files of a data folder that a start reads. `-shm` is rebuilt from the log. */
const FILES = ['gateway.db', 'gateway.db-wal', 'settlements.journal'];

/** Copies a data folder as it stands. */
export function copyDataDir(fromDir: string, toDir: string): void {
  mkdirSync(toDir, { recursive: true });
  for (const file of FILES) {
    const from = join(fromDir, file);
    if (existsSync(from)) copyFileSync(from, join(toDir, file));
  }
}

/** The gateway's end of a writer that lives in the same thread. */
function linkTo(
  service: WriterService,
  gate: WriteGate,
  options: InProcessOptions,
): { readonly link: WriterLink; readonly cut: () => void } {
  const deliver = options.deliver ?? queueMicrotask;
  let receive: (answers: Flat) => void = () => undefined;
  let isCut = false;
  const end = {
    postMessage(batch: Flat): void {
      deliver(() => {
        if (isCut) return;
        let answers: Flat;
        try {
          answers = service.run(batch);
        } catch (error) {
          if (error instanceof Killed || gate.isDead) return;
          throw error;
        }
        // A process that died while it worked answers nobody.
        if (gate.isDead) return;
        deliver(() => {
          if (!isCut) receive(answers);
        });
      });
    },
    on(_event: 'message', listener: (answers: Flat) => void): void {
      receive = listener;
    },
  };
  return {
    link: new WriterLink(end, () => options.clock.nowMs),
    cut: () => {
      isCut = true;
    },
  };
}

/** Opens the store. @throws Error as `openSqliteStore` does, and Killed when the gate ends it during the start */
export function openInProcessStore(options: InProcessOptions): InProcessStore {
  const { dataDir, clock } = options;
  const gate = options.gate ?? new WriteGate();
  mkdirSync(dataDir, { recursive: true });
  const raw: DatabaseSync = openWriterDatabase(dataDir, 'process');
  let service: WriterService;
  try {
    service = startWriterService({
      database: traceDatabase(raw, gate),
      options: {
        dataDir,
        durability: 'process',
        nowMs: clock.nowMs,
        graceMs: options.graceMs ?? 15 * 60_000,
        policy: options.policy ?? 'charge_observed',
        deploymentLimits: options.deploymentLimits ?? [],
      },
      // Between batches no time passes but what the test lets pass.
      monotonicMs: () => clock.nowMs,
      emergency: { bytes: EMERGENCY_BYTES, files: gate.files },
      randomFill: options.randomFill,
    });
  } catch (error) {
    raw.close();
    throw error;
  }
  const { link, cut } = linkTo(service, gate, options);
  const readers = {
    async ask<Value>(name: string, args: readonly unknown[]): Promise<Value> {
      const database = openReaderDatabase(dataDir);
      try {
        const query = readerQueries(database).get(name);
        if (query === undefined) throw new RangeError(`there is no query ${name}`);
        return query(args) as Value;
      } finally {
        database.close();
      }
    },
  };
  return {
    ...storeOver({ link, readers, now: () => clock.nowMs }),
    gate,
    round() {
      service.round();
    },
    stop() {
      cut();
      service.close();
    },
    die(targetDir) {
      cut();
      gate.isDead = true;
      rmSync(targetDir, { recursive: true, force: true });
      copyDataDir(dataDir, targetDir);
      // The dead process's handles go with it; what they would still write is not in the copy.
      if (raw.isOpen) raw.close();
    },
  };
}
