/**
 * Checks of the books at the end of a simulation, off the database itself, by arithmetic of their own.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { SimulationFault } from './simulated-call.ts';
import type { Suspicion } from './key-book.ts';

const COUNTERS = ['granted', 'held', 'spent', 'overrun', 'expired', 'leased'] as const;
const [GRANTED, HELD, SPENT, EXPIRED, LEASED] = [0, 1, 2, 4, 5] as const;

type Sums = [bigint, bigint, bigint, bigint, bigint, bigint];

/** I1 after every entry of the journal, and I2 after the last. @returns entries that were folded */
export function checkEveryEntry(database: DatabaseSync): number {
  const sums = new Map<number, Sums>();
  let entries = 0;
  for (const row of database.prepare('SELECT event_id, body FROM event ORDER BY seq').iterate()) {
    entries += 1;
    const { p: postings = [] } = JSON.parse(String(row['body'])) as {
      readonly p?: readonly (readonly (number | string)[])[];
    };
    for (const [no = 0, ...amounts] of postings) {
      const sum = sums.get(Number(no)) ?? [0n, 0n, 0n, 0n, 0n, 0n];
      sums.set(Number(no), sum);
      amounts.forEach((amount, index) => {
        sum[index as 0] += BigInt(amount);
      });
      const taken = sum[HELD] + sum[SPENT] + sum[EXPIRED] + sum[LEASED];
      if (taken > sum[GRANTED] || sum.some((one) => one < 0n)) {
        throw new SimulationFault(
          `I1 after ${String(row['event_id'])}, bucket ${no}: ${COUNTERS.map((name, index) => `${name} ${sum[index]}`).join(', ')}`,
        );
      }
    }
  }
  const rows = database.prepare(`SELECT no, id, ${COUNTERS.join(', ')} FROM bucket`);
  rows.setReadBigInts(true);
  for (const row of rows.iterate()) {
    const sum = sums.get(Number(row['no'])) ?? [0n, 0n, 0n, 0n, 0n, 0n];
    COUNTERS.forEach((name, index) => {
      if (row[name] !== sum[index]) {
        throw new SimulationFault(
          `I2 ${String(row['id'])}: ${name} is ${String(row[name])}, ${sum[index]} was posted`,
        );
      }
    });
  }
  return entries;
}

const COST_METER = 4;

/** Cost in the stored usage of a request, nano-USD: `[[model, meter, amount…]…]`. */
export function costOf(usage: unknown): bigint {
  if (typeof usage !== 'string') return -1n;
  let sum = 0n;
  for (const [, ...amounts] of JSON.parse(usage) as [string, ...(number | string)[]][]) {
    for (let at = 0; at < amounts.length; at += 2) {
      if (amounts[at] === COST_METER) sum += BigInt(amounts[at + 1] ?? 0);
    }
  }
  return sum;
}

function sumOf(database: DatabaseSync, sql: string, ...args: readonly string[]): bigint {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  const [value = 0n] = Object.values(statement.get(...args) ?? {});
  return typeof value === 'bigint' ? value : 0n;
}

/** What a customer's calls cost, off the requests. */
export function spentBy(database: DatabaseSync, customerId: string): bigint {
  let sum = 0n;
  for (const row of database
    .prepare('SELECT usage FROM request JOIN request_owner ON no = owner_no WHERE customer_id = ?')
    .iterate(customerId)) {
    // What was released has none.
    if (row['usage'] !== null) sum += costOf(row['usage']);
  }
  return sum;
}

/**
 * What was spent went out of the buckets that pay, to the nano-dollar; what was granted is what was asked for, each
 * reference once.
 */
export function checkMoney(
  database: DatabaseSync,
  customer: {
    readonly id: string;
    readonly payers: readonly string[];
    readonly granted: ReadonlyMap<string, bigint>;
    readonly asked: ReadonlyMap<string, bigint>;
  },
): void {
  const { id, payers, granted, asked } = customer;
  const places = payers.map(() => '?').join(', ');
  const paid = sumOf(
    database,
    `SELECT coalesce(sum(spent + overrun), 0) FROM bucket WHERE owner_id = ? AND limit_id IN (${places})`,
    id,
    ...payers,
  );
  const spent = spentBy(database, id);
  if (paid !== spent) {
    throw new SimulationFault(
      `I5 ${id}: calls cost ${spent}, ${payers.join(' and ')} paid ${paid}`,
    );
  }
  const grants = database.prepare(
    "SELECT source_key, granted FROM bucket WHERE owner_id = ? AND limit_id = 'wallet' AND source_key LIKE 'credit/%'",
  );
  grants.setReadBigInts(true);
  const found = new Map<string, bigint>();
  for (const row of grants.iterate(id)) {
    found.set(String(row['source_key']).slice('credit/'.length), row['granted'] as bigint);
  }
  for (const [reference, amount] of granted) {
    if (found.get(reference) !== amount) throw new SimulationFault(`grant ${reference} is lost`);
  }
  for (const [reference, amount] of found) {
    if (asked.get(reference) !== amount) {
      throw new SimulationFault(`grant ${reference}: ${amount} was never asked for`);
    }
  }
}

/** I15: what is in the outbox has reached the receiver, and every alert has its row. */
export function checkOutbox(database: DatabaseSync, received: ReadonlySet<string>): number {
  const rows = database.prepare('SELECT event_id FROM outbox').all();
  const ids = new Set(rows.map((row) => String(row['event_id'])));
  for (const id of ids) {
    if (!received.has(id)) throw new SimulationFault(`I15 ${id} never reached its receiver`);
  }
  for (const row of database.prepare('SELECT id FROM alert').iterate()) {
    const id = String(row['id']);
    if (!ids.has(id)) throw new SimulationFault(`I15 alert ${id} was never put into the outbox`);
  }
  // One that was told and is not there was told before its commit.
  for (const id of received) {
    if (!ids.has(id)) throw new SimulationFault(`${id} was told and is not in the books`);
  }
  return ids.size;
}

/** I11: a key was given again only where the call before was found never to have counted. */
export function checkSuspicions(database: DatabaseSync, suspicions: readonly Suspicion[]): void {
  const ends = database.prepare(
    "SELECT kind FROM event WHERE hold_id = ? AND kind IN ('settle', 'reconcile')",
  );
  for (const { holdId, key } of suspicions) {
    if (ends.get(holdId) !== undefined) {
      throw new SimulationFault(`I11 key ${key} was given again although ${holdId} was charged`);
    }
  }
}
