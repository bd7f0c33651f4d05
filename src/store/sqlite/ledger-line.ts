/**
 * An event as one line of text, and the hash over lines: what the chain covers is what an export has, byte for byte.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { eventIdOf } from './event-key.ts';
import { integer, nullableText, type SqlRow, text } from './subscriptions.ts';

/** A row of `event`, as it is stored. */
export interface EventRow {
  readonly seq: number;
  readonly eventId: string;
  readonly kind: string;
  readonly holdId: string | null;
  readonly customerId: string;
  readonly atMs: number;
  /** JSON on one line. */
  readonly body: string;
}

/** A row of `ledger_chain`. */
export interface ChainLink {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Lower-case hex SHA-256. */
  readonly hash: string;
}

/** Reads a row of `event`. */
export function readEventRow(row: SqlRow): EventRow {
  const holdId = nullableText(row, 'hold_id');
  return {
    seq: integer(row, 'seq'),
    eventId: eventIdOf(text(row, 'event_id'), holdId),
    kind: text(row, 'kind'),
    holdId,
    customerId: text(row, 'customer_id'),
    atMs: integer(row, 'at'),
    body: text(row, 'body'),
  };
}

/** Where an event's head ends and its body begins, in its line. */
export function headEnd({ customerId, atMs }: Pick<EventRow, 'customerId' | 'atMs'>): string {
  return `,"customer":${JSON.stringify(customerId)},"at":${atMs},"body":`;
}

/**
 * The event's line, with its line feed. Members always stand in this order, without spaces.
 *
 * @param end the row's {@link headEnd}, where the caller has it
 */
export function eventLine(row: EventRow, end = headEnd(row)): string {
  // Put together by hand, which takes half as long as an object's text; kinds are words of a list that need no escape.
  const { seq, eventId, kind, holdId, body } = row;
  return `{"seq":${seq},"id":${JSON.stringify(eventId)},"kind":"${kind}","hold":${JSON.stringify(holdId)}${end}${body}}\n`;
}

/** SHA-256 over the hash before, the numbers of the first and last event, and the events' lines. */
export function linkHash(
  previousHash: string,
  range: { readonly firstSeq: number; readonly lastSeq: number },
  lines: string,
): string {
  return hash('sha256', `${previousHash}\n${range.firstSeq} ${range.lastSeq}\n${lines}`, 'hex');
}
