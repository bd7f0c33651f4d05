/**
 * Writes the request log and the hourly usage rollups, in the settlement's own transaction.
 *
 * A request counts at the moment of its reserve, as the counters do.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Meter, METERS } from '../../contracts/metering.ts';
import type { Charge } from '../../metering/ports.ts';
import { packAmount } from '../../metering/core/meter-amounts.ts';
import { HOUR_MS } from '../../metering/core/windows.ts';
import { RequestOwners } from './request-owners.ts';
import { isDuplicate } from './sqlite-errors.ts';
import { integer, nullableText } from './subscriptions.ts';
import { UsageDays } from './usage-days.ts';
import { type Subject, type SubjectNames, UsageSubjects } from './usage-subjects.ts';
import { UsageTags } from './usage-tags.ts';
import { UsedMeters } from './usage-meters.ts';
import {
  addCharge,
  COLUMN_ADDITIONS,
  COLUMN_NAMES,
  COLUMN_PLACES,
  noAmounts,
} from './usage-columns.ts';

/** Whose call it was and when it was reserved. */
export interface CallIdentity {
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly operation: string;
  readonly reservedAtMs: number;
  /** What the call counts on `requests`, once, on its last charge. */
  readonly requests: bigint;
  /** Plan that judged the call. */
  readonly planId: string;
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface RequestWrite {
  readonly identity: CallIdentity;
  readonly holdId: string;
  readonly startedAtMs: number;
  readonly requestText: string;
  /** What the settlement counted; empty for a void. */
  readonly charges: readonly Charge[];
}

/**
 * A charge as `request.usage` has it: `[model, place of the meter, amount, …]`. Version 1 of the schema had pairs of
 * place and decimal text instead.
 */
type StoredCharge = [model: string, ...amounts: (number | string | [number, string])[]];

/** Rows of one millisecond are told apart by this many numbers. */
const ROWS_PER_MS = 1024;

/** First `request.row` of a moment. */
export function requestRowAt(atMs: number): number {
  return atMs * ROWS_PER_MS;
}

/** When the request of a row was reserved. */
export function reservedAtOfRow(row: number): number {
  return Math.floor(row / ROWS_PER_MS);
}

/** The provider in `provider/model`. */
export function providerOf(model: string): string {
  const slash = model.indexOf('/');
  return slash < 0 ? model : model.slice(0, slash);
}

const METER_INDEX: ReadonlyMap<string, number> = new Map(
  METERS.map((meter, index) => [meter, index]),
);
const REQUESTS = METERS.indexOf('requests');
/** Stands where the index of a meter does. */
const MARGIN = -1;

/** What each charge counted: the ledger takes `requests` from the hold, so what the charge says of it is left out. */
function packCharges(charges: readonly Charge[], requests: bigint): string {
  const last = charges.length - 1;
  const rows = charges.map(({ model, amounts, marginNanoUsd }, at): StoredCharge => {
    const row: StoredCharge = [model];
    if (at === last && requests > 0n) row.push(REQUESTS, packAmount(requests));
    for (const meter in amounts) {
      const index = METER_INDEX.get(meter);
      const amount = amounts[meter as Meter];
      if (index === undefined || index === REQUESTS || amount === undefined) continue;
      if (amount !== 0n) row.push(index, packAmount(amount));
    }
    if (marginNanoUsd !== undefined) row.push(MARGIN, packAmount(marginNanoUsd));
    return row;
  });
  return JSON.stringify(rows);
}

/** Charges as they are, in the form of `request.usage`. */
export function packAllCharges(charges: readonly Charge[]): string {
  return JSON.stringify(
    charges.map(({ model, amounts }): StoredCharge => {
      const row: StoredCharge = [model];
      METERS.forEach((meter, index) => {
        const amount = amounts[meter];
        if (amount !== undefined) row.push(index, packAmount(amount));
      });
      return row;
    }),
  );
}

/** Reads `request.usage`. */
export function unpackCharges(stored: string): readonly Charge[] {
  const rows = JSON.parse(stored) as StoredCharge[];
  return rows.map(([model, ...packed]) => {
    const amounts: Partial<Record<Meter, bigint>> = {};
    let marginNanoUsd: bigint | undefined;
    const flat = packed.flat();
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const index = Number(flat[at]);
      const amount = BigInt(flat[at + 1] ?? 0);
      const meter = METERS[index];
      if (meter !== undefined) amounts[meter] = amount;
      else if (index === MARGIN) marginNanoUsd = amount;
    }
    return marginNanoUsd === undefined ? { model, amounts } : { model, amounts, marginNanoUsd };
  });
}

interface Rollup {
  readonly identity: CallIdentity;
  readonly model: string;
  readonly subjectKey: string;
  readonly hourMs: number;
  readonly amounts: bigint[];
}

function namesOf(
  { customerId, keyId, operation, planId }: CallIdentity,
  model: string,
): SubjectNames {
  return [customerId, keyId, operation, providerOf(model), model, planId];
}

/** Whether usage of the call's model in that hour counts on the rollup. */
function isOf(
  rollup: Rollup,
  call: { readonly identity: CallIdentity; readonly model: string; readonly hourMs: number },
): boolean {
  const { identity } = call;
  const own = rollup.identity;
  return (
    rollup.hourMs === call.hourMs &&
    rollup.model === call.model &&
    own.customerId === identity.customerId &&
    own.keyId === identity.keyId &&
    own.operation === identity.operation &&
    own.planId === identity.planId
  );
}

export class UsageTables {
  /** Sums of days that are over. */
  readonly days: UsageDays;
  readonly #insertRequest: StatementSync;
  readonly #findRequest: StatementSync;
  readonly #replaceRequest: StatementSync;
  readonly #addHour: StatementSync;
  readonly #owners: RequestOwners;
  readonly #subjects: UsageSubjects;
  readonly #tags: UsageTags;
  readonly #meters: UsedMeters;
  /** Made anew for each transaction: a table that is cleared again and again keeps what it held (`ChurningMap`). */
  #rollups = new Map<string, Rollup>();
  /** The one that was counted on last: calls of one batch are mostly alike, and its key is long. */
  #last: Rollup | null = null;
  #rowInMs = 0;

  constructor(database: DatabaseSync) {
    this.days = new UsageDays(database);
    this.#owners = new RequestOwners(database);
    this.#subjects = new UsageSubjects(database);
    this.#tags = new UsageTags(database);
    this.#meters = new UsedMeters(database);
    this.#insertRequest = database.prepare(
      `INSERT INTO request (row, request_id, owner_no, started_at, hold_id, body, usage)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#findRequest = database.prepare('SELECT row, usage FROM request WHERE request_id = ?');
    this.#replaceRequest = database.prepare(
      'UPDATE request SET started_at = ?, hold_id = ?, body = ?, usage = ? WHERE row = ?',
    );
    this.#addHour = database.prepare(
      `INSERT INTO usage_hourly (subject_id, hour, ${COLUMN_NAMES})
       VALUES (?, ?, ${COLUMN_PLACES}) ON CONFLICT DO UPDATE SET ${COLUMN_ADDITIONS}`,
    );
  }

  /** Writes the request and notes its usage; a request written before is replaced, its usage with it. */
  write(request: RequestWrite): void {
    const { identity, charges } = request;
    const usage = charges.length === 0 ? null : packCharges(charges, identity.requests);
    const first = requestRowAt(identity.reservedAtMs);
    for (let attempt = 0; attempt < ROWS_PER_MS; attempt += 1) {
      this.#rowInMs = (this.#rowInMs + 1) % ROWS_PER_MS;
      if (this.#insert(first + this.#rowInMs, request, usage)) break;
      if (this.#replace(request, usage)) break;
    }
    const last = charges.length - 1;
    charges.forEach((charge, at) => {
      this.#count(identity, charge, { requests: at === last ? identity.requests : 0n, sign: 1n });
    });
  }

  /** Adds what was noted to the rollups. */
  flush(): void {
    for (const { identity, model, subjectKey, hourMs, amounts } of this.#rollups.values()) {
      const subject = this.#subject(subjectKey, identity, model);
      this.#addHour.run(subject.id, hourMs, ...amounts);
      this.#meters.note(amounts);
      if (this.days.hasSummedUp(subject, hourMs)) this.days.add(subject, hourMs, amounts);
    }
    if (this.#rollups.size > 0) this.#forgetRollups();
    this.#tags.flush();
  }

  /** After a failed transaction: forgets what was noted, and numbers that may not have been written. */
  reset(): void {
    this.#forgetRollups();
    this.#owners.reset();
    this.#subjects.reset();
    this.#tags.reset();
    this.#meters.reset();
    this.days.reset();
  }

  #forgetRollups(): void {
    this.#rollups = new Map();
    this.#last = null;
  }

  /** False where the row is taken, or the request was written before. */
  #insert(row: number, request: RequestWrite, usage: string | null): boolean {
    const { identity, startedAtMs, holdId, requestText } = request;
    const { requestId, customerId } = identity;
    const owner = this.#owners.numberOf(customerId);
    try {
      // `get` rather than `run`: there is no row to give, and no object of numbers is made that nobody reads.
      this.#insertRequest.get(row, requestId, owner, startedAtMs, holdId, requestText, usage);
      return true;
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      return false;
    }
  }

  #replace(request: RequestWrite, usage: string | null): boolean {
    const found = this.#findRequest.get(request.identity.requestId);
    if (found === undefined) return false;
    const row = integer(found, 'row');
    const before = nullableText(found, 'usage');
    if (before !== null) {
      const identity = { ...request.identity, reservedAtMs: reservedAtOfRow(row) };
      for (const charge of unpackCharges(before)) {
        this.#count(identity, charge, { requests: charge.amounts.requests ?? 0n, sign: -1n });
      }
    }
    this.#replaceRequest.run(request.startedAtMs, request.holdId, request.requestText, usage, row);
    return true;
  }

  #count(
    identity: CallIdentity,
    charge: Charge,
    how: { readonly requests: bigint; readonly sign: 1n | -1n },
  ): void {
    const rollup = this.#rollupOf(identity, charge.model);
    addCharge(rollup.amounts, charge, how);
    const { customerId, tags } = identity;
    if (tags === null) return;
    const { model, subjectKey, hourMs } = rollup;
    const subjectId = (): number => this.#subject(subjectKey, identity, model).id;
    for (const sums of this.#tags.cells({ customerId, tags, subjectKey, subjectId, hourMs })) {
      addCharge(sums, charge, how);
    }
  }

  /** What the call's usage counts on, made where this transaction has none yet. */
  #rollupOf(identity: CallIdentity, model: string): Rollup {
    const hourMs = Math.floor(identity.reservedAtMs / HOUR_MS) * HOUR_MS;
    if (this.#last !== null && isOf(this.#last, { identity, model, hourMs })) return this.#last;
    const subjectKey = `${identity.customerId}\n${identity.keyId}\n${identity.operation}\n${model}\n${identity.planId}`;
    let key = subjectKey;
    let rollup = this.#rollups.get(key);
    // Calls of one batch are of one hour, but for a few.
    if (rollup !== undefined && rollup.hourMs !== hourMs) {
      key = `${subjectKey}\n${hourMs}`;
      rollup = this.#rollups.get(key);
    }
    if (rollup === undefined) {
      rollup = { identity, model, subjectKey, hourMs, amounts: noAmounts() };
      this.#rollups.set(key, rollup);
    }
    this.#last = rollup;
    return rollup;
  }

  #subject(subjectKey: string, identity: CallIdentity, model: string): Subject {
    return this.#subjects.subject(subjectKey, () => namesOf(identity, model));
  }
}
