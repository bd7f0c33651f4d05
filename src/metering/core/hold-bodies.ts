/**
 * Bodies of journal entries: what of a hold stands in them, and how it is read back.
 *
 * @module
 */
import { OPERATIONS, type Operation } from '../../contracts/metering.ts';
import type { Charge, TokenClaim } from '../ports.ts';
import {
  namedAmounts,
  packAmount,
  packAmounts,
  unpackAmount,
  unpackAmounts,
} from './meter-amounts.ts';
import type { OpenHold } from './state.ts';
import type { HoldImage, HoldLeg, HoldQuote, JournalEntry, JsonValue, Posting } from './types.ts';

type Body = JournalEntry['body'];

export function packCharges(charges: readonly Charge[]): JsonValue {
  return charges.map((charge) => [charge.model, packAmounts(charge.amounts)]);
}

export function unpackCharges(packed: JsonValue | undefined): readonly Charge[] {
  return listOf(packed).map((row) => {
    const [model, amounts] = listOf(row);
    return { model: textOf(model), amounts: unpackAmounts(amounts) };
  });
}

/** What a settlement says: what was charged, and the nano-USD that went beyond every limit. */
export function settledBody(charges: readonly Charge[], overrunNanoUsd: bigint): Body {
  return { charges: packCharges(charges), overrun: packAmount(overrunNanoUsd) };
}

function packToken(token: TokenClaim): JsonValue {
  return [token.id, token.maxSpendNanoUsd?.toString() ?? null, token.expiresAtMs];
}

function tokenOf(value: JsonValue | undefined): TokenClaim | null {
  const [id, maxSpend, expiresAtMs] = listOf(value);
  if (typeof id !== 'string') return null;
  return {
    id,
    maxSpendNanoUsd: typeof maxSpend === 'string' ? BigInt(maxSpend) : null,
    expiresAtMs: numberOf(expiresAtMs) ?? 0,
  };
}

/** What a `hold` says. Its legs are what its postings hold. */
export function holdBody(hold: OpenHold): Body {
  const body = ordinaryBody(hold);
  if (hold.token === null && hold.quote === null) return body;
  return {
    ...body,
    ...(hold.token === null ? undefined : { token: packToken(hold.token) }),
    ...(hold.quote === null ? undefined : { quote: packQuote(hold.quote) }),
  };
}

function ordinaryBody(hold: OpenHold): Body {
  return {
    request: hold.requestId,
    key: hold.keyId,
    operation: hold.operation,
    state: hold.state,
    expires_at: hold.expiresAtMs,
    plan: hold.plan.id,
    plan_version: hold.plan.version,
    price_book: hold.priceBookId,
    fingerprint: hold.fingerprint,
    tags: hold.tags,
    requests: packAmount(hold.requests),
    observed_floor: packAmounts(hold.observedFloor),
    output_tokens: hold.outputTokens,
    soft_breaches: hold.softBreaches,
    covered: packCharges(hold.covered),
  };
}

/** The leg of a quote after one of its uses was drawn: an `extend` that lowers. */
export function drawnBody(leg: OpenHold & { readonly quote: HoldQuote }): Body {
  return { ...extendBody(leg), requests: packAmount(leg.requests), uses: leg.quote.uses };
}

function packQuote(quote: HoldQuote): JsonValue {
  const { quoteId, operationId, uses } = quote;
  return quote.evenly ? [quoteId, operationId, uses, true] : [quoteId, operationId, uses];
}

function readQuote(packed: JsonValue | undefined): HoldQuote | null {
  if (!Array.isArray(packed)) return null;
  const [quoteId, operationId, uses, evenly] = listOf(packed);
  return {
    quoteId: textOf(quoteId),
    operationId: textOf(operationId),
    uses: numberOf(uses) ?? 0,
    evenly: evenly === true,
  };
}

/** What an `extend` says: what the hold covers now. */
export function extendBody(hold: OpenHold): Body {
  return {
    n: hold.extensions,
    output_tokens: hold.outputTokens,
    soft_breaches: hold.softBreaches,
    covered: packCharges(hold.covered),
    legs: hold.legs.map((leg) => [leg.bucket.id, packAmount(leg.amount)]),
  };
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function operationOf(value: JsonValue | undefined): Operation {
  const operation = OPERATIONS.find((known) => known === value);
  if (operation === undefined) throw new Error('the journal names no known operation');
  return operation;
}

function tagsOf(value: JsonValue | undefined): Readonly<Record<string, string>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const tags: Record<string, string> = {};
  for (const [name, tag] of Object.entries(value)) tags[name] = textOf(tag);
  return tags;
}

/** The legs of a new hold: what its postings hold. */
export function legsOf(postings: readonly Posting[]): readonly HoldLeg[] {
  return postings
    .filter((posting) => posting.dHeld !== 0n)
    .map(({ bucketId, dHeld }) => ({ bucketId, amount: dHeld }));
}

function readLegs(packed: JsonValue): readonly HoldLeg[] {
  return listOf(packed).map((row) => {
    const [bucketId, amount] = listOf(row);
    return { bucketId: textOf(bucketId), amount: unpackAmount(amount) };
  });
}

function readCoverage({
  body,
  postings,
}: JournalEntry): Pick<HoldImage, 'outputTokens' | 'softBreaches' | 'covered' | 'legs'> {
  const { legs } = body;
  return {
    outputTokens: numberOf(body['output_tokens']),
    softBreaches: listOf(body['soft_breaches']).map(textOf),
    covered: unpackCharges(body['covered']),
    legs: legs === undefined ? legsOf(postings) : readLegs(legs),
  };
}

/** The hold that a `hold` entry made. */
export function readHold(entry: JournalEntry): HoldImage {
  const { body } = entry;
  return {
    holdId: entry.holdId ?? '',
    requestId: textOf(body['request']),
    customerId: entry.customerId,
    keyId: textOf(body['key']),
    token: tokenOf(body['token']),
    operation: operationOf(body['operation']),
    state: body['state'] === 'held' ? 'held' : 'dispatched',
    createdAtMs: entry.atMs,
    expiresAtMs: numberOf(body['expires_at']),
    planId: textOf(body['plan']),
    planVersion: numberOf(body['plan_version']) ?? 0,
    priceBookId: textOf(body['price_book']),
    fingerprint: textOf(body['fingerprint']),
    tags: tagsOf(body['tags']),
    requests: unpackAmount(body['requests']),
    observedFloor: unpackAmounts(body['observed_floor']),
    extensions: 0,
    quote: readQuote(body['quote']),
    ...readCoverage(entry),
  };
}

/** The hold after an `extend` entry. */
export function readExtension(hold: HoldImage, entry: JournalEntry): HoldImage {
  const { body } = entry;
  const raised = { ...hold, ...readCoverage(entry), extensions: hold.extensions + 1 };
  const uses = numberOf(body['uses']);
  if (hold.quote === null || uses === null) return raised;
  const requests = unpackAmount(body['requests']);
  return { ...raised, requests, quote: { ...hold.quote, uses } };
}

/** An entry's body for those who read: amounts by the meter's name, and a new hold's legs. */
export function namedBody(entry: JournalEntry): Body {
  const { body } = entry;
  const named: Record<string, JsonValue> = { ...body };
  for (const member of ['covered', 'charges'] as const) {
    if (body[member] === undefined) continue;
    named[member] = unpackCharges(body[member]).map(({ model, amounts }) => [
      model,
      namedAmounts(amounts),
    ]);
  }
  if (body['observed_floor'] !== undefined) {
    named['observed_floor'] = namedAmounts(unpackAmounts(body['observed_floor']));
  }
  for (const member of ['requests', 'overrun'] as const) {
    const amount = body[member];
    if (typeof amount === 'number') named[member] = amount.toString();
  }
  if (entry.kind === 'hold' || entry.kind === 'extend') {
    named['legs'] = readCoverage(entry).legs.map(({ bucketId, amount }) => [
      bucketId,
      amount.toString(),
    ]);
  }
  return named;
}
