/**
 * Where settlements go while the database cannot be written: a file whose space was taken beforehand, so
 * that a full disk cannot refuse it. Each record is its length and CRC-32 (both 32 bits, little endian)
 * and JSON; a length of zero ends the file's contents.
 *
 * @module
 */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SettleOrder } from './wire.ts';
import type { Charge } from '../../metering/ports.ts';

const FILE = 'settlements.journal';
/** The file in a data directory. */
export function emergencyPath(dataDir: string): string {
  return join(resolve(dataDir), FILE);
}

const DEFAULT_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 8;
const END = Buffer.alloc(HEADER_BYTES);

/** The two calls that make bytes durable; tests stand between them and the disk. */
export interface FileWrites {
  writeSync(file: number, bytes: Buffer, offset: number, length: number, position: number): number;
  fdatasyncSync(file: number): void;
}

const SYSTEM_WRITES: FileWrites = {
  writeSync: (file, bytes, ...at) => writeSync(file, bytes, ...at),
  fdatasyncSync,
};

export interface EmergencyJournalOptions {
  /** Space to take; default 4 MiB. */
  readonly bytes?: number;
  readonly files?: FileWrites;
}

export class EmergencyJournal {
  readonly #file: number;
  readonly #bytes: number;
  readonly #files: FileWrites;
  #end = 0;

  /** Opens the file, taking its space where it has not been taken. Throws when there is none to take. */
  constructor(dataDir: string, options: EmergencyJournalOptions = {}) {
    const bytes = options.bytes ?? DEFAULT_BYTES;
    this.#files = options.files ?? SYSTEM_WRITES;
    const path = emergencyPath(dataDir);
    this.#file = openSync(path, 'a+', 0o600);
    closeSync(this.#file);
    this.#file = openSync(path, 'r+');
    const present = fstatSync(this.#file).size;
    this.#bytes = Math.max(bytes, present);
    if (present < this.#bytes) {
      // Real zeros: a sparse file would own no blocks.
      const zeros = Buffer.alloc(256 * 1024);
      for (let at = present; at < this.#bytes; at += zeros.length) {
        this.#writeAll(zeros.subarray(0, Math.min(zeros.length, this.#bytes - at)), at);
      }
      this.#files.fdatasyncSync(this.#file);
    }
  }

  /** Every whole record, oldest first; further ones are appended behind it. */
  read(): readonly unknown[] {
    const records: unknown[] = [];
    const header = Buffer.alloc(HEADER_BYTES);
    this.#end = 0;
    for (;;) {
      if (readSync(this.#file, header, 0, HEADER_BYTES, this.#end) < HEADER_BYTES) break;
      const length = header.readUInt32LE(0);
      if (length === 0 || this.#end + HEADER_BYTES + length > this.#bytes) break;
      const body = Buffer.alloc(length);
      readSync(this.#file, body, 0, length, this.#end + HEADER_BYTES);
      if (crc32(body) !== header.readUInt32LE(4)) break;
      records.push(JSON.parse(body.toString('utf8')));
      this.#end += HEADER_BYTES + length;
    }
    return records;
  }

  /** Makes records durable. False when there is no room left: then none was written. */
  append(records: readonly unknown[]): boolean {
    const parts: Buffer[] = [];
    for (const record of records) {
      const body = Buffer.from(JSON.stringify(record));
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(body.length, 0);
      header.writeUInt32LE(crc32(body), 4);
      parts.push(header, body);
    }
    const all = Buffer.concat(parts);
    if (this.#end + all.length + HEADER_BYTES > this.#bytes) return false;
    // The end mark first: a crash in between leaves a record that its CRC exposes, never an old one behind it.
    this.#writeAll(END, this.#end + all.length);
    this.#writeAll(all, this.#end);
    this.#files.fdatasyncSync(this.#file);
    this.#end += all.length;
    return true;
  }

  /** Everything in it is in the database now. */
  clear(): void {
    if (this.#end === 0) return;
    this.#writeAll(END, 0);
    this.#files.fdatasyncSync(this.#file);
    this.#end = 0;
  }

  close(): void {
    closeSync(this.#file);
  }

  #writeAll(bytes: Buffer, position: number): void {
    let written = 0;
    while (written < bytes.length) {
      written += this.#files.writeSync(
        this.#file,
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
    }
  }
}

/** An order as a record of the file. */
export function deferredRecord(order: SettleOrder, nowMs: number): unknown {
  const charges = order.charges.map(({ model, amounts, marginNanoUsd }) => [
    model,
    Object.entries(amounts).map(([meter, amount]) => [meter, String(amount)]),
    ...(marginNanoUsd === undefined ? [] : [String(marginNanoUsd)]),
  ]);
  return { ...order, charges, nowMs };
}

/** The order of a record. */
export function readDeferredOrder(record: unknown): SettleOrder {
  const stored = record as Omit<SettleOrder, 'charges'> & {
    readonly charges: readonly [string, readonly [string, string][], string?][];
  };
  const charges = stored.charges.map(([model, amounts, margin]): Charge => ({
    model,
    amounts: Object.fromEntries(amounts.map(([meter, amount]) => [meter, BigInt(amount)])),
    ...(margin === undefined ? {} : { marginNanoUsd: BigInt(margin) }),
  }));
  return { ...stored, charges };
}
