/**
 * What travels between the gateway's thread and the writer: one flat array of primitives per batch. A
 * structured clone of objects costs about three times as much, most of it for property names.
 *
 * A batch is `[nowMs, command…]`, its reply `[answer…]`; every command and answer starts with a code and
 * the call's number.
 *
 * @module
 */
import { type Meter, METERS, type Operation, OPERATIONS } from '../../contracts/metering.ts';
import type {
  CandidateBound,
  Charge,
  ExtendCommand,
  Held,
  MeterAmounts,
  RateView,
  RateViews,
  ReserveCommand,
  SettleCommand,
  Settled,
  TokenClaim,
  VoidCommand,
} from '../../metering/ports.ts';
import type { ClaimSettlement } from '../../metering/idempotency-port.ts';
import { changeUnderWay } from './audit-scope.ts';
import { encodeAttempts, encodeRequest } from './row-codec.ts';

/** Primitives; `object` only in the rare generic commands and answers, and for a client token. */
export type FlatValue = string | number | bigint | boolean | null | object;
export type Flat = FlatValue[];

export const OP_RESERVE = 0;
export const OP_EXTEND = 1;
export const OP_SETTLE = 2;
export const OP_VOID = 3;
export const OP_PROGRESS = 4;
export const OP_CALL = 5;
export const OP_END_CLAIM = 6;
export const OP_LEAVE = 7;
export const OP_MARGINS = 8;
export const OP_AUDIT = 9;

export const ANSWER_HELD = 0;
export const ANSWER_SETTLED = 1;
export const ANSWER_VALUE = 2;
export const ANSWER_ERROR = 3;

const METER_INDEX: ReadonlyMap<string, number> = new Map(
  METERS.map((meter, index) => [meter, index]),
);

/** Stands for what nearly every call has: a price, and its request's id as the fingerprint. A number costs less than a text. */
const USUAL = 0;

/** A settlement as the writer gets it: what is only stored stays text. */
export interface SettleOrder {
  readonly kind: 'settle' | 'void';
  readonly holdId: string;
  readonly charges: readonly Charge[];
  /** Why it was voided; empty for a settlement. */
  readonly reason: string;
  readonly attemptsText: string;
  readonly requestText: string;
  readonly startedAtMs: number;
}

/** What a running stream has come to. */
export interface ProgressMark {
  readonly charges: readonly Charge[];
  /** The provider's id of the call; null where it has not told. */
  readonly providerRequestId: string | null;
}

/** How an idempotency key's call ended, as the writer gets it. */
export interface ClaimEndOrder {
  readonly scope: string;
  readonly key: string;
  readonly requestId: string;
  readonly state: 'kept' | 'too_large' | 'cut_off' | 'forgotten';
  /** Set for `kept` only. */
  readonly sealed: Uint8Array | null;
}

export function claimEndOrder({ claim, end }: ClaimSettlement): ClaimEndOrder {
  const { scope, key, requestId } = claim;
  return {
    scope,
    key,
    requestId,
    state: end.type === 'not_kept' ? end.reason : end.type,
    sealed: end.type === 'kept' ? end.sealed : null,
  };
}

function putAmounts(flat: Flat, amounts: MeterAmounts): void {
  const place = flat.push(0) - 1;
  let count = 0;
  for (const meter in amounts) {
    const amount = amounts[meter as Meter];
    const index = METER_INDEX.get(meter);
    if (amount === undefined || index === undefined) continue;
    flat.push(index, amount);
    count += 1;
  }
  flat[place] = count;
}

function putBound(flat: Flat, bound: CandidateBound): void {
  const { elastic } = bound;
  if (elastic === null) flat.push(bound.model, -1);
  else flat.push(bound.model, elastic.tokens, elastic.minTokens, elastic.nanoUsdPerMillion);
  putAmounts(flat, bound.fixed);
}

function putCharges(flat: Flat, charges: readonly Charge[]): void {
  flat.push(charges.length);
  for (const charge of charges) {
    flat.push(charge.model);
    putAmounts(flat, charge.amounts);
  }
}

function hasMargin({ marginNanoUsd }: Charge): boolean {
  return marginNanoUsd !== undefined;
}

export function putReserve(flat: Flat, call: number, command: ReserveCommand): void {
  flat.push(
    OP_RESERVE,
    call,
    command.holdId,
    command.requestId,
    command.customerId,
    command.keyId,
    OPERATIONS.indexOf(command.operation),
    command.pricing === 'priced' ? USUAL : command.pricing,
    command.priceBookId,
    command.fingerprint === command.requestId ? USUAL : command.fingerprint,
    command.tags === null ? null : JSON.stringify(command.tags),
    command.token ?? null,
  );
  putBound(flat, command.bound);
  putAmounts(flat, command.observedFloor);
}

export function putExtend(flat: Flat, call: number, command: ExtendCommand): void {
  flat.push(OP_EXTEND, call, command.holdId, command.keep.length);
  for (const bound of command.keep) putBound(flat, bound);
  putBound(flat, command.next);
}

export function putSettle(flat: Flat, call: number, command: SettleCommand): void {
  flat.push(
    OP_SETTLE,
    call,
    command.holdId,
    encodeAttempts(command.attempts),
    encodeRequest(command.request),
    command.request.startedAtMs,
  );
  putCharges(flat, command.charges);
}

export function putVoid(flat: Flat, call: number, command: VoidCommand): void {
  flat.push(
    OP_VOID,
    call,
    command.holdId,
    encodeAttempts(command.attempts),
    encodeRequest(command.request),
    command.request.startedAtMs,
    command.reason,
  );
}

/** Has no answer. */
export function putProgress(flat: Flat, holdId: string, mark: ProgressMark): void {
  flat.push(OP_PROGRESS, holdId, mark.providerRequestId);
  putCharges(flat, mark.charges);
}

/** Has no answer; belongs to the settlement or the release that is written next. */
export function putClaimEnd(flat: Flat, settlement: ClaimSettlement): void {
  const { scope, key, requestId, state, sealed } = claimEndOrder(settlement);
  flat.push(OP_END_CLAIM, scope, key, requestId, state, sealed);
}

/** Has no answer; margins of the charges of the settlement that is written next. Nothing where none has one. */
export function putMargins(flat: Flat, charges: readonly Charge[]): void {
  if (!charges.some(hasMargin)) return;
  flat.push(OP_MARGINS, charges.length);
  for (const { marginNanoUsd } of charges) flat.push(marginNanoUsd ?? 0n);
}

/** Has no answer. */
export function putLeave(flat: Flat, requestId: string): void {
  flat.push(OP_LEAVE, requestId);
}

/** Any other command: its name and arguments as they are; before it, whose change it is, where it is one. */
export function putCall(
  flat: Flat,
  call: number,
  { name, args }: { readonly name: string; readonly args: readonly FlatValue[] },
): void {
  const change = changeUnderWay();
  if (change !== null) flat.push(OP_AUDIT, change);
  flat.push(OP_CALL, call, name, args);
}

/** Reads a flat array from its start; the writer of the array vouches for the types. */
export class FlatReader {
  readonly #values: Flat;
  #at = 0;

  constructor(values: Flat) {
    this.#values = values;
  }

  get done(): boolean {
    return this.#at >= this.#values.length;
  }

  next(): FlatValue {
    const value = this.#values[this.#at];
    this.#at += 1;
    return value ?? null;
  }

  text(): string {
    return this.next() as string;
  }

  number(): number {
    return this.next() as number;
  }

  bigint(): bigint {
    return this.next() as bigint;
  }

  nullableText(): string | null {
    return this.next() as string | null;
  }

  nullableNumber(): number | null {
    return this.next() as number | null;
  }

  amounts(): MeterAmounts {
    const amounts: Partial<Record<Meter, bigint>> = {};
    for (let left = this.number(); left > 0; left -= 1) {
      const meter = METERS[this.number()];
      const amount = this.bigint();
      if (meter !== undefined) amounts[meter] = amount;
    }
    return amounts;
  }

  bound(): CandidateBound {
    const model = this.text();
    const tokens = this.number();
    const elastic =
      tokens < 0 ? null : { tokens, minTokens: this.number(), nanoUsdPerMillion: this.bigint() };
    return { model, elastic, fixed: this.amounts() };
  }

  charges(): readonly Charge[] {
    const charges: Charge[] = [];
    for (let left = this.number(); left > 0; left -= 1) {
      charges.push({ model: this.text(), amounts: this.amounts() });
    }
    return charges;
  }

  margins(): readonly bigint[] {
    return Array.from({ length: this.number() }, () => this.bigint());
  }

  operation(): Operation {
    const index = this.number();
    const operation = OPERATIONS[index];
    if (operation === undefined) throw new RangeError(`unknown operation ${index}`);
    return operation;
  }

  reserve(): ReserveCommand {
    const holdId = this.text();
    const requestId = this.text();
    const customerId = this.text();
    const keyId = this.text();
    const operation = this.operation();
    const pricing = this.next() as ReserveCommand['pricing'] | typeof USUAL;
    const priceBookId = this.text();
    const fingerprint = this.next() as string | typeof USUAL;
    const tags = this.nullableText();
    const token = this.next() as TokenClaim | null;
    return {
      holdId,
      requestId,
      customerId,
      keyId,
      operation,
      pricing: pricing === USUAL ? 'priced' : pricing,
      priceBookId,
      fingerprint: fingerprint === USUAL ? requestId : fingerprint,
      tags: tags === null ? null : (JSON.parse(tags) as Record<string, string>),
      token,
      bound: this.bound(),
      observedFloor: this.amounts(),
    };
  }

  extend(): ExtendCommand {
    const holdId = this.text();
    const keep: CandidateBound[] = [];
    for (let left = this.number(); left > 0; left -= 1) keep.push(this.bound());
    return { holdId, keep, next: this.bound() };
  }

  claimEnd(): ClaimEndOrder {
    return {
      scope: this.text(),
      key: this.text(),
      requestId: this.text(),
      state: this.text() as ClaimEndOrder['state'],
      sealed: this.next() as Uint8Array | null,
    };
  }

  progressMark(): ProgressMark {
    return { providerRequestId: this.nullableText(), charges: this.charges() };
  }

  settleOrder(kind: SettleOrder['kind']): SettleOrder {
    const holdId = this.text();
    const attemptsText = this.text();
    const requestText = this.text();
    const startedAtMs = this.number();
    return {
      kind,
      holdId,
      attemptsText,
      requestText,
      startedAtMs,
      reason: kind === 'void' ? this.text() : '',
      charges: kind === 'settle' ? this.charges() : [],
    };
  }
}

function putRate(flat: Flat, rate: RateView | null): void {
  if (rate === null) flat.push(null);
  else flat.push(rate.limit, rate.remaining, rate.resetMs);
}

function readRate(reader: FlatReader): RateView | null {
  const limit = reader.nullableText();
  if (limit === null) return null;
  return { limit, remaining: reader.text(), resetMs: reader.nullableNumber() };
}

/** The hold's id is left out: whoever asked for it knows it. */
export function putHeld(flat: Flat, call: number, held: Held): void {
  flat.push(
    ANSWER_HELD,
    call,
    held.outputTokens,
    held.softBreaches.length === 0 ? null : held.softBreaches,
    held.plan.id,
    held.plan.version,
  );
  putRate(flat, held.rates.requests);
  putRate(flat, held.rates.tokens);
}

export function readHeld(reader: FlatReader, holdId: string): Held {
  const outputTokens = reader.nullableNumber();
  const softBreaches = reader.next() as readonly string[] | null;
  const plan = { id: reader.text(), version: reader.number() };
  const rates: RateViews = { requests: readRate(reader), tokens: readRate(reader) };
  return { type: 'held', holdId, outputTokens, softBreaches: softBreaches ?? [], plan, rates };
}

/** Few calls go beyond every limit: none is said as null, which costs less than a `bigint`. */
export function putSettled(flat: Flat, call: number, settled: Settled): void {
  const { type, replayed, overrunNanoUsd } = settled;
  flat.push(
    ANSWER_SETTLED,
    call,
    type === 'settled' ? 0 : 1,
    replayed ? 1 : 0,
    overrunNanoUsd === 0n ? null : overrunNanoUsd,
  );
}

export function readSettled(reader: FlatReader): Settled {
  return {
    type: reader.number() === 0 ? 'settled' : 'voided',
    replayed: reader.number() === 1,
    overrunNanoUsd: (reader.next() as bigint | null) ?? 0n,
  };
}
