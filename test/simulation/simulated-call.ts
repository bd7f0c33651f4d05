/**
 * One call as the pipeline makes it: perhaps an idempotency key, hold or use of a quote, provider, perhaps a dearer
 * fallback under an extended hold, settlement or release. Where it waits, the simulation decides when it goes on, and whether what it was told is lost.
 *
 * @module
 */
import { isGatewayError } from '../../src/contracts/gateway-error.ts';
import type {
  CandidateBound,
  Charge,
  Held,
  Refused,
  ReserveCommand,
  Settled,
} from '../../src/metering/ports.ts';
import type { ClaimEnd, ClaimSettlement, NewClaim } from '../../src/metering/idempotency-port.ts';
import type { NoLeg } from '../../src/metering/quote-port.ts';
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import type { InProcessStore, TestClock } from './in-process-store.ts';
import { type KeyBook, type KeyUse, replyOf } from './key-book.ts';
import type { ProviderLog } from './provider-log.ts';
import type { QuoteBook, QuoteUse } from './quote-book.ts';
import type { Chance } from './random.ts';

const MODEL = 'openai/gpt-4o-mini';
const DEARER_MODEL = 'openai/gpt-4o';
/** The disk is full for a few commits only. */
const MAX_ATTEMPTS = 50;

/** How far a call came; `cut` is a call whose process died. */
export type CallStanding =
  | { readonly type: 'running' | 'cut' }
  | { readonly type: 'refused'; readonly code: string }
  /** Its idempotency key has an answer already, or another body, or is in flight. */
  | { readonly type: 'known'; readonly outcome: string }
  | { readonly type: 'settled' | 'voided'; readonly costNanoUsd: bigint };

export interface CallParts {
  readonly random: Chance;
  readonly clock: TestClock;
  readonly store: InProcessStore;
  readonly provider: ProviderLog;
  readonly customerId: string;
  readonly name: string;
  readonly keyId: string;
  readonly tags: Readonly<Record<string, string>> | null;
  /** Its idempotency key and what stands in for the body; null: it has none. */
  readonly keyed: { readonly key: string; readonly body: string } | null;
  readonly keys: KeyBook;
  /** What it draws on; null: a plain call. */
  readonly quoted: QuoteUse | null;
  readonly quotes: QuoteBook;
  /** Goes on when the simulation says so. */
  readonly pause: (what: string) => Promise<void>;
}

/** A fault that the simulation found; it fails the run. */
export class SimulationFault extends Error {}

function same(one: unknown, other: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, member: unknown) =>
      typeof member === 'bigint' ? `${member}n` : member,
    );
  return text(one) === text(other);
}

/** True while the store takes no commands. */
export function isUnavailable(error: unknown): boolean {
  return isGatewayError(error) && error.code === 'metering_unavailable';
}

interface KeyedCall {
  readonly claim: NewClaim;
  readonly use: KeyUse;
}

export class SimulatedCall {
  readonly holdId: string;
  standing: CallStanding = { type: 'running' };
  /** True once the ledger said that the hold stands: from then on a provider may be called. */
  isHeld = false;
  readonly #parts: CallParts;
  readonly #reserve: ReserveCommand;

  constructor(parts: CallParts) {
    this.#parts = parts;
    const { customerId, name, keyId, tags, quoted } = parts;
    const costNanoUsd = quoted?.costNanoUsd ?? BigInt(parts.random.integer(1, 12)) * 1_000_000n;
    this.#reserve = { ...reserveOf(customerId, name, costNanoUsd), keyId, tags };
    this.holdId = this.#reserve.holdId;
  }

  /** Runs to its end. A process that dies leaves it where it is. */
  async run(): Promise<void> {
    this.standing = await this.#call();
  }

  async #call(): Promise<CallStanding> {
    const { keyed, keys, clock, store, customerId } = this.#parts;
    if (keyed === null) return await this.#hold(null);
    const { key, body } = keyed;
    const { requestId } = this.#reserve;
    const { holdId } = this;
    const claim: NewClaim = { scope: customerId, key, fingerprint: body, requestId, holdId };
    const use: KeyUse = {
      scope: customerId,
      key,
      body,
      requestId,
      holdId,
      atMs: clock.nowMs,
      call: this,
      isClaimed: false,
      ending: null,
    };
    keys.note(use);
    try {
      const outcome = await store.idempotency.claim(claim);
      const fault = keys.faultOf(use, outcome, clock.nowMs);
      if (fault !== null) throw new SimulationFault(`I11 key ${key}, ${holdId}: ${fault}`);
      if (outcome.type !== 'claimed') return { type: 'known', outcome: outcome.type };
      use.isClaimed = true;
      return await this.#hold({ claim, use });
    } catch (error) {
      if (isUnavailable(error)) return { type: 'refused', code: 'metering_unavailable' };
      throw error;
    } finally {
      store.idempotency.leave(claim);
    }
  }

  async #hold(keyed: KeyedCall | null): Promise<CallStanding> {
    const { store } = this.#parts;
    const held = await this.#repeatedly(() => this.#reserves());
    this.#checkDraw(held);
    if (held.type !== 'held') {
      if (keyed !== null) {
        const { claim, end } = this.#endOf(keyed, { type: 'forgotten' });
        await this.#insist(() => store.idempotency.end(claim, end));
      }
      return { type: 'refused', code: held.type === 'refused' ? held.code : held.reason };
    }
    this.isHeld = true;
    const charges = await this.#askProviders();
    const costNanoUsd = charges.reduce((sum, charge) => sum + (charge.amounts.cost_usd ?? 0n), 0n);
    const settled = await this.#end(charges, costNanoUsd, keyed);
    return { type: settled.type, costNanoUsd: settled.type === 'settled' ? costNanoUsd : 0n };
  }

  #reserves(): Promise<Held | Refused | NoLeg> {
    const { store, quoted } = this.#parts;
    if (quoted === null) return store.ledger.reserve(this.#reserve);
    const { quoteId, operationId } = quoted;
    const modelAsked = this.#reserve.bound.model;
    return store.quotes.reserve({ ...this.#reserve, quoteId, operationId, modelAsked });
  }

  #checkDraw(answer: Held | Refused | NoLeg): void {
    const { quoted, quotes, clock } = this.#parts;
    if (quoted === null) return;
    const fault = quotes.faultOf(quoted, answer, clock.nowMs);
    if (fault !== null) throw new SimulationFault(`${this.holdId}: ${fault}`);
  }

  /** The first provider may fail, billed or not; then a dearer one is tried, if the hold can be raised. */
  async #askProviders(): Promise<readonly Charge[]> {
    const { random, pause } = this.#parts;
    const charges: Charge[] = [];
    const first = await this.#askProvider(MODEL, charges);
    if (first || random.onceIn(3)) return charges;
    const next: CandidateBound = {
      model: DEARER_MODEL,
      fixed: { requests: 1n, input_tokens: 100n, total_tokens: 100n, cost_usd: 20_000_000n },
      elastic: null,
    };
    await pause('before a fallback');
    const keep = charges.length > 0 ? [this.#reserve.bound] : [];
    if (await this.#raises(keep, next)) await this.#askProvider(DEARER_MODEL, charges);
    return charges;
  }

  /** An extension is no command that may be repeated; while the store takes none, there is no fallback. */
  async #raises(keep: readonly CandidateBound[], next: CandidateBound): Promise<boolean> {
    try {
      const raised = await this.#parts.store.ledger.extend({ holdId: this.holdId, keep, next });
      return raised.type === 'held';
    } catch (error) {
      if (isUnavailable(error)) return false;
      throw error;
    }
  }

  /** True when the provider answered. What it bills stands in its log from the moment it works. */
  async #askProvider(model: string, charges: Charge[]): Promise<boolean> {
    const { random, provider, pause, store } = this.#parts;
    const entry = provider.call(this.holdId, model);
    await pause('at the provider');
    const fails = random.onceIn(4);
    // A failure may be billed, an answer may cost more than was held for it.
    if (!fails || random.onceIn(3)) {
      entry.billedNanoUsd = BigInt(random.integer(1, random.onceIn(6) ? 60 : 10)) * 1_000_000n;
      charges.push(this.#chargeOf(model, entry.billedNanoUsd));
    }
    if (random.onceIn(4)) store.ledger.progress(this.holdId, charges);
    await pause('after the provider');
    return !fails;
  }

  #chargeOf(model: string, costNanoUsd: bigint): Charge {
    return {
      model,
      amounts: {
        requests: 1n,
        input_tokens: 80n,
        output_tokens: 20n,
        total_tokens: 100n,
        cost_usd: costNanoUsd,
      },
    };
  }

  #endOf({ claim, use }: KeyedCall, end: ClaimEnd): ClaimSettlement {
    const { nowMs } = this.#parts.clock;
    use.ending = { to: end.type === 'forgotten' ? 'forgotten' : 'kept', atMs: nowMs };
    return { claim, end };
  }

  #end(charges: readonly Charge[], costNanoUsd: bigint, keyed: KeyedCall | null): Promise<Settled> {
    const { store, clock } = this.#parts;
    const withClaim = (end: ClaimEnd): { readonly claim?: ClaimSettlement } =>
      keyed === null ? {} : { claim: this.#endOf(keyed, end) };
    const { tags } = this.#reserve;
    if (charges.length === 0) {
      const command = voidOf(this.#reserve, clock.nowMs);
      const request = { ...command.request, tags };
      const more = withClaim({ type: 'forgotten' });
      return this.#repeatedly(() => store.ledger.void({ ...command, request, ...more }));
    }
    const base = settleOf(this.#reserve, clock.nowMs, costNanoUsd);
    const request = { ...base.request, tags };
    const sealed = new TextEncoder().encode(replyOf(this.#reserve.requestId));
    const more = withClaim({ type: 'kept', sealed });
    return this.#repeatedly(() => store.ledger.settle({ ...base, charges, request, ...more }));
  }

  /** Sends a command; sometimes twice at once, sometimes again because the answer is lost. All answers must agree. */
  async #repeatedly<Answer extends Held | Refused | NoLeg | Settled>(
    send: () => Promise<Answer>,
  ): Promise<Answer> {
    const { random, pause } = this.#parts;
    const sent = await Promise.allSettled(random.onceIn(8) ? [send(), send()] : [send()]);
    const answers = sent.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of sent) {
      if (one.status === 'rejected' && !isUnavailable(one.reason)) throw one.reason;
    }
    const [first, ...others] = answers;
    if (first === undefined) return await this.#insist(send);
    for (const other of others) this.#assertAgree(first, other);
    if (!random.onceIn(8)) return first;
    await pause('an answer is lost');
    const again = await this.#insist(send);
    this.#assertAgree(first, again);
    return again;
  }

  /** Asks until the store takes commands again; whether an unanswered one was carried out, its repetition tells. */
  async #insist<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        await this.#parts.pause('the store is unavailable');
      }
    }
    throw new SimulationFault(`${this.holdId}: the store stays unavailable`);
  }

  /** Repetitions get what the first got; a refusal may be judged afresh, since it left nothing behind. */
  #assertAgree(
    answer: Held | Refused | NoLeg | Settled,
    again: Held | Refused | NoLeg | Settled,
  ): void {
    if (answer.type === 'refused' || answer.type === 'no_leg') return;
    const plain = (one: typeof again): unknown =>
      'replayed' in one ? { ...one, replayed: null } : { ...one, rates: null };
    if (!same(plain(answer), plain(again))) {
      throw new SimulationFault(
        `${this.holdId}: a repeated command was answered ${again.type}, not ${answer.type}`,
      );
    }
  }
}
