/**
 * The sentences of refusals.
 *
 * @module
 */
import type { Meter } from '../../contracts/metering.ts';
import { formatUsd } from '../../contracts/money.ts';
import { type CompiledLimit, isShared } from './compiled-plan.ts';
import { formatMeterAmount } from './meter-amounts.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `1 Dec 2026 00:00 UTC`, with seconds where they are not zero. */
export function dateText(atMs: number): string {
  const at = new Date(atMs);
  const iso = at.toISOString();
  const time = iso.slice(17, 19) === '00' ? iso.slice(11, 16) : iso.slice(11, 19);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()} ${time} UTC`;
}

/** `$0.0612`, `$50.00`: exact, at least two decimals. */
export function usdText(nanoUsd: bigint): string {
  const text = formatUsd(nanoUsd);
  const point = text.indexOf('.');
  return `$${text.slice(0, point + 3)}${text.slice(point + 3).replace(/0+$/, '')}`;
}

/** The meter in words: `output tokens`, `video seconds`. */
export function meterText(meter: Meter): string {
  return meter === 'cost_usd' ? 'cost' : meter.replaceAll('_', ' ');
}

function amountText(meter: Meter, amount: bigint): string {
  if (meter === 'cost_usd') return usdText(amount);
  const words = meterText(meter);
  const text = formatMeterAmount(meter, amount);
  return `${text} ${text === '1' ? words.replace(/s$/, '') : words}`;
}

function windowText(limit: CompiledLimit): string {
  const window = limit.windowKind;
  switch (window.kind) {
    case 'call':
      return 'per call';
    case 'minute':
      return 'per minute';
    case 'concurrent':
      return 'at once';
    case 'period':
      return 'per billing period';
    case 'lifetime':
      return 'in all';
    case 'calendar':
      return `per ${window.unit}`;
    case 'rolling':
      return `in ${window.lengthMs / 3_600_000} hours`;
    default:
      return window satisfies never;
  }
}

const HOLDERS = { key: 'key', client_token: 'client token' } as const;

function whose(limit: CompiledLimit): string {
  const { scope } = limit;
  switch (scope.kind) {
    case 'customer':
      return '';
    case 'key':
    case 'client_token':
      return ` for this ${HOLDERS[scope.kind]}`;
    case 'own':
      return ` for this ${HOLDERS[scope.holder.type]}`;
    case 'tag':
      return ` for this ${scope.name}`;
    case 'deployment':
      return ' for all customers together';
    case 'provider':
      return ` for all customers together on ${scope.name}`;
    default:
      return scope satisfies never;
  }
}

/** Who sets the limit, as the subject of a sentence. */
export function grantorText(limit: CompiledLimit): string {
  const { scope } = limit;
  if (isShared(limit)) return 'This gateway';
  return scope.kind === 'own' ? `This ${HOLDERS[scope.holder.type]}` : 'The plan';
}

export interface LimitSentence {
  readonly limit: CompiledLimit;
  readonly requested: bigint;
  /** True when the amount is the least that would run, not what was asked. */
  readonly atLeast: boolean;
  readonly size: bigint;
  readonly remaining: bigint;
  readonly held: bigint;
  readonly resetsAtMs: number | null;
}

function openingText(sentence: LimitSentence): string {
  const { limit, requested, atLeast } = sentence;
  const amount = amountText(limit.meter, requested);
  if (atLeast) return `This request needs at least ${amount}`;
  if (limit.meter === 'cost_usd') return `This request may cost up to ${amount}`;
  if (limit.meter === 'requests') return `This call counts as ${amount}`;
  return `This request may use up to ${amount}`;
}

function leftText(sentence: LimitSentence): string {
  const { limit } = sentence;
  const left =
    limit.meter === 'cost_usd'
      ? usdText(sentence.remaining)
      : formatMeterAmount(limit.meter, sentence.remaining);
  return `${left} of ${amountText(limit.meter, sentence.size)}`;
}

/** The whole limit is smaller than the request. */
export function neverFitsText(sentence: LimitSentence): string {
  const { limit } = sentence;
  const most = amountText(limit.meter, sentence.size);
  const grantor = grantorText(sentence.limit).replace('T', 't');
  return `${openingText(sentence)}; ${grantor} allows ${most} ${windowText(limit)}${whose(limit)}.`;
}

/** What is left of a shared limit would tell what other customers use, so the sentence does not. */
function sharedText(sentence: LimitSentence, until: string): string {
  const { limit, size } = sentence;
  return `${openingText(sentence)}; not that much is left of the ${amountText(limit.meter, size)} ${windowText(limit)}${whose(limit)}${until}.`;
}

/** What helps where waiting does not: such a limit is used up for good. */
function forGoodText({ windowKind, scope }: CompiledLimit): string {
  if (windowKind.kind !== 'lifetime') return '';
  const holder = scope.kind === 'own' ? scope.holder.type : scope.kind;
  if (holder === 'client_token') return ' It does not renew; ask for a new client token.';
  return holder === 'key' ? ' It does not renew; use another key, or have its limit raised.' : '';
}

export function exceededText(sentence: LimitSentence): string {
  const { resetsAtMs } = sentence;
  const until = resetsAtMs === null ? '' : ` until ${dateText(resetsAtMs)}`;
  if (isShared(sentence.limit)) return sharedText(sentence, until);
  return `${openingText(sentence)}; ${leftText(sentence)} is left${whose(sentence.limit)}${until}.${forGoodText(sentence.limit)}`;
}

export function heldText(sentence: LimitSentence): string {
  if (isShared(sentence.limit))
    return sharedText(sentence, ' while calls are in flight; repeat when they have ended');
  const held =
    sentence.limit.meter === 'cost_usd'
      ? usdText(sentence.held)
      : formatMeterAmount(sentence.limit.meter, sentence.held);
  return `${openingText(sentence)}; ${leftText(sentence)} is free${whose(sentence.limit)} while calls in flight hold ${held}; repeat when they have ended.`;
}

/** Too little credit, whether it stands alone or behind the plan's allowance. */
export function fundsText(sentence: LimitSentence): string {
  const { requested, remaining, held, atLeast } = sentence;
  const amount = usdText(requested);
  const cost = atLeast ? `needs at least ${amount}` : `may cost up to ${amount}`;
  const flight = held > 0n ? ` (calls in flight hold ${usdText(held)})` : '';
  return `This request ${cost} of credit; ${usdText(remaining)} is left in the wallet${flight}. Top up the wallet.`;
}

export function concurrencyText(sentence: LimitSentence): string {
  const most = amountText(sentence.limit.meter, sentence.size);
  return `${most} may run at once${whose(sentence.limit)}; repeat when a running call has ended.`;
}

export function rateText(sentence: LimitSentence, waitMs: number): string {
  const most = amountText(sentence.limit.meter, sentence.size);
  return `${openingText(sentence)}; the limit is ${most} per minute${whose(sentence.limit)}. Repeat in ${Math.ceil(waitMs / 1000)} s.`;
}
