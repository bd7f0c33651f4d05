/**
 * One call as the pipeline makes it: hold, provider, perhaps a dearer fallback under an extended hold, settlement or
 * release. Where it waits, the simulation decides when it goes on, and whether what it was told is lost.
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
import { reserveOf, settleOf, voidOf } from '../../src/metering/testing/store-samples.ts';
import type { InProcessStore, TestClock } from './in-process-store.ts';
import type { ProviderLog } from './provider-log.ts';
import type { Chance } from './random.ts';

const MODEL = 'openai/gpt-4o-mini';
const DEARER_MODEL = 'openai/gpt-4o';
/** The disk is full for a few commits only. */
const MAX_ATTEMPTS = 50;

/** How far a call came; `cut` is a call whose process died. */
export type CallStanding =
  | { readonly type: 'running' | 'cut' }
  | { readonly type: 'refused'; readonly code: string }
  | { readonly type: 'settled' | 'voided'; readonly costNanoUsd: bigint };

export interface CallParts {
  readonly random: Chance;
  readonly clock: TestClock;
  readonly store: InProcessStore;
  readonly provider: ProviderLog;
  readonly customerId: string;
  readonly name: string;
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

function isUnavailable(error: unknown): boolean {
  return isGatewayError(error) && error.code === 'metering_unavailable';
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
    this.#reserve = reserveOf(
      parts.customerId,
      parts.name,
      BigInt(parts.random.integer(1, 12)) * 1_000_000n,
    );
    this.holdId = this.#reserve.holdId;
  }

  /** Runs to its end. A process that dies leaves it where it is. */
  async run(): Promise<void> {
    this.standing = await this.#call();
  }

  async #call(): Promise<CallStanding> {
    const { store } = this.#parts;
    const held = await this.#repeatedly(() => store.ledger.reserve(this.#reserve));
    if (held.type === 'refused') return { type: 'refused', code: held.code };
    this.isHeld = true;
    const charges = await this.#askProviders();
    const costNanoUsd = charges.reduce((sum, charge) => sum + (charge.amounts.cost_usd ?? 0n), 0n);
    const settled = await this.#end(charges, costNanoUsd);
    return { type: settled.type, costNanoUsd: settled.type === 'settled' ? costNanoUsd : 0n };
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

  #end(charges: readonly Charge[], costNanoUsd: bigint): Promise<Settled> {
    const { store, clock } = this.#parts;
    if (charges.length === 0) {
      return this.#repeatedly(() => store.ledger.void(voidOf(this.#reserve, clock.nowMs)));
    }
    const base = settleOf(this.#reserve, clock.nowMs, costNanoUsd);
    return this.#repeatedly(() => store.ledger.settle({ ...base, charges }));
  }

  /** Sends a command; sometimes twice at once, sometimes again because the answer is lost. All answers must agree. */
  async #repeatedly<Answer extends Held | Refused | Settled>(
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
  #assertAgree(answer: Held | Refused | Settled, again: Held | Refused | Settled): void {
    if (answer.type === 'refused') return;
    const plain = (one: typeof again): unknown =>
      'replayed' in one ? { ...one, replayed: null } : { ...one, rates: null };
    if (!same(plain(answer), plain(again))) {
      throw new SimulationFault(`${this.holdId}: a repeated command was answered otherwise`);
    }
  }
}
