/**
 * Follows the chain of hashes along the events.
 *
 * @module
 */
import type { ChainReport } from '../../metering/ledger-operations-port.ts';
import type { VerifyReport } from '../../metering/ports.ts';
import { type ChainLink, eventLine, type EventRow, linkHash } from './ledger-line.ts';

type Mismatch = VerifyReport['mismatches'][number];

/** Takes events in order and tells the first that are not the ones that were written. */
export class ChainWalk {
  readonly #links: Iterator<ChainLink>;
  /** What the chain begins with; null when there is no chain at all. */
  readonly #start: ChainLink | null;
  #before: ChainLink | null;
  #current: ChainLink | null;
  #lines = '';
  #walked = 0;
  #mismatch: Mismatch | null = null;
  #broken: ChainReport['broken'] = null;

  /** Links in order. */
  constructor(links: Iterator<ChainLink>) {
    this.#links = links;
    this.#start = this.#pull();
    this.#before = this.#start;
    this.#current = this.#pull();
  }

  add(row: EventRow): void {
    if (this.#start !== null && row.seq <= this.#start.lastSeq) return;
    while (this.#current !== null && row.seq > this.#current.lastSeq) this.#close(this.#current);
    if (this.#current === null || row.seq < this.#current.firstSeq) {
      this.#break(row, { expected: 'no event', actual: row.eventId });
      return;
    }
    this.#lines += eventLine(row);
  }

  /** After the last event. */
  end(): { readonly chain: ChainReport; readonly mismatches: readonly Mismatch[] } {
    while (this.#current !== null) this.#close(this.#current);
    if (this.#start === null) {
      this.#break({ seq: 0 }, { expected: 'a chain of hashes', actual: 'none' });
    }
    return {
      chain: {
        after_seq: this.#start?.lastSeq ?? 0,
        last_seq: this.#before?.lastSeq ?? 0,
        links: this.#walked,
        head: this.#before?.hash ?? '',
        broken: this.#broken,
      },
      mismatches: this.#mismatch === null ? [] : [this.#mismatch],
    };
  }

  #close(link: ChainLink): void {
    const previous = this.#before ?? link;
    const actual = linkHash(previous.hash, link, this.#lines);
    const follows = link.firstSeq === previous.lastSeq + 1;
    if (actual !== link.hash || !follows) {
      this.#break(
        { seq: Math.min(link.firstSeq, previous.lastSeq + 1), lastSeq: link.lastSeq },
        { expected: link.hash, actual },
      );
    }
    // What follows is judged by the stored hash, so that one fault is not reported as many.
    this.#before = link;
    this.#lines = '';
    this.#walked += 1;
    this.#current = this.#pull();
  }

  #break(
    at: { readonly seq: number; readonly lastSeq?: number },
    values: Pick<Mismatch, 'expected' | 'actual'>,
  ): void {
    if (this.#broken !== null) return;
    const { seq, lastSeq = seq } = at;
    this.#broken = { first_seq: seq, last_seq: lastSeq };
    const events = seq === lastSeq ? `event ${seq}` : `events ${seq} to ${lastSeq}`;
    this.#mismatch = { bucket: events, field: 'hash', ...values };
  }

  #pull(): ChainLink | null {
    const next = this.#links.next();
    return next.done === true ? null : next.value;
  }
}
