/**
 * The gateway's readers: a thread for what is answered in milliseconds, and one for what reads the whole ledger, so
 * that no list waits behind a proof. The second lives only while it is asked, since a proof holds every bucket.
 *
 * @module
 */
import { ReaderLink } from './reader-link.ts';

/** Queries whose time grows with the ledger, or with the use of many customers. */
const LONG_QUERIES: ReadonlySet<string> = new Set(['verify', 'backupLedger', 'previewPlan']);

export class Readers {
  readonly #dataDir: string;
  readonly #short: ReaderLink;
  #long: { readonly link: ReaderLink; asked: number } | null = null;
  #closed = false;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#short = new ReaderLink(dataDir);
  }

  /** Asks; the caller states the answer's type. */
  ask<Value>(name: string, args: readonly unknown[]): Promise<Value> {
    // A closed reader refuses by itself.
    if (this.#closed || !LONG_QUERIES.has(name)) return this.#short.ask(name, args);
    return this.#askLong(name, args);
  }

  /** Lets what is being read end. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#short.close(), this.#long?.link.close()]);
  }

  async #askLong<Value>(name: string, args: readonly unknown[]): Promise<Value> {
    const long = (this.#long ??= { link: new ReaderLink(this.#dataDir), asked: 0 });
    long.asked += 1;
    try {
      return await long.link.ask(name, args);
    } finally {
      long.asked -= 1;
      if (long.asked === 0 && this.#long === long) {
        this.#long = null;
        await long.link.close();
      }
    }
  }
}
