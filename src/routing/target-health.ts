/**
 * What is known of every target (provider × model × credential): breaker, cool-down, quarantine, retry budget,
 * usual time. State of this process; time and randomness are arguments.
 *
 * @module
 */
import { Breaker, type BreakerState } from './breaker.ts';
import { Cooldowns, Quarantine, type QuarantineReason } from './cooldown.ts';
import { countsAsFault, isTimeout, type AttemptFailure } from './failure-class.ts';
import type { Unavailable } from './final-error.ts';
import { RunningMedian } from './median.ts';
import { REPEAT_COST, RetryBudget, TIMEOUT_COST } from './retry-budget.ts';
import type { RetryEffects } from './retry-policy.ts';

/** A place where requests can be sent. */
export interface Target {
  /** Unique for provider × model × credential; holds no secret. */
  readonly id: string;
  /** Unique for the credential; holds no secret and changes when the credential does. */
  readonly credential: string;
  readonly provider: string;
}

/** A target as the retry policy sees it. */
export interface TargetView {
  /** Null when it may be called. */
  readonly unavailable: Unavailable | null;
  readonly mayRepeat: boolean;
  readonly p50Ms: number | null;
}

/** Targets are named by callers, so the oldest are forgotten beyond this. */
const MAX_TARGETS = 4096;

interface TargetState {
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
  readonly latency: RunningMedian;
}

export class TargetHealth {
  readonly #states = new Map<string, TargetState>();
  readonly #cooldowns = new Cooldowns();
  readonly #quarantine = new Quarantine();

  #stateOf(target: Target): TargetState {
    const known = this.#states.get(target.id);
    if (known !== undefined) return known;
    if (this.#states.size >= MAX_TARGETS) {
      const [oldest] = this.#states.keys();
      if (oldest !== undefined) this.#states.delete(oldest);
    }
    const state = {
      breaker: new Breaker(),
      budget: new RetryBudget(),
      latency: new RunningMedian(),
    };
    this.#states.set(target.id, state);
    return state;
  }

  /** Whether the target may be called at that time, and why not. Changes nothing. */
  unavailable(target: Target, nowMs: number): Unavailable | null {
    const { provider } = target;
    const reason = this.#quarantine.reasonOf(target.credential, nowMs);
    if (reason !== null) return { type: 'quarantined', provider, reason };
    const untilMs = this.#cooldowns.untilMs(target.id, nowMs);
    if (untilMs !== null) return { type: 'cooled', provider, untilMs };
    const admission = this.#states.get(target.id)?.breaker.peek(nowMs);
    return admission?.type === 'refused'
      ? { type: 'open', provider, probeAtMs: admission.probeAtMs }
      : null;
  }

  view(target: Target, nowMs: number): TargetView {
    const state = this.#states.get(target.id);
    return {
      unavailable: this.unavailable(target, nowMs),
      mayRepeat: state?.budget.mayRepeat(nowMs) ?? true,
      p50Ms: state?.latency.value() ?? null,
    };
  }

  /**
   * An attempt is about to be sent: takes the breaker's probe and the credential's test when one is due, and
   * counts for the budget. `kind`: the request's first attempt on this target, or a repeat in place.
   */
  begin(target: Target, kind: 'first' | 'repeat', nowMs: number): void {
    const state = this.#stateOf(target);
    this.#quarantine.claimTest(target.credential, nowMs);
    state.breaker.admit(nowMs);
    if (kind === 'first') state.budget.noteFirstAttempt(nowMs);
    else state.budget.spend(REPEAT_COST, nowMs);
  }

  /** The attempt answered (for streams: to the end). */
  succeeded(
    target: Target,
    outcome: { readonly kind: 'first' | 'repeat'; readonly tookMs: number },
    nowMs: number,
  ): void {
    const state = this.#stateOf(target);
    state.breaker.success(nowMs);
    state.latency.add(outcome.tookMs);
    if (outcome.kind === 'repeat') state.budget.refund(nowMs);
    this.#quarantine.release(target.credential);
  }

  /**
   * The attempt failed. Effects come from the decision; `newlyQuarantined` is set once per credential, which is
   * when the operator is alerted.
   */
  failed(
    target: Target,
    outcome: {
      readonly failure: AttemptFailure;
      readonly effects: RetryEffects;
      readonly random: number;
    },
    nowMs: number,
  ): { readonly newlyQuarantined: QuarantineReason | null } {
    const state = this.#stateOf(target);
    if (countsAsFault(outcome.failure)) state.breaker.failure(nowMs, outcome.random);
    else state.breaker.abandon();
    if (isTimeout(outcome.failure)) state.budget.spend(TIMEOUT_COST, nowMs);
    const { coolMs, quarantine } = outcome.effects;
    if (coolMs !== null) this.#cooldowns.cool(target.id, coolMs, nowMs);
    if (quarantine === null) return { newlyQuarantined: null };
    const isNew = this.#quarantine.put(target.credential, quarantine, nowMs);
    return { newlyQuarantined: isNew ? quarantine : null };
  }

  /** The attempt ended without a verdict: the client left, or the gateway is stopping. */
  abandoned(target: Target): void {
    this.#states.get(target.id)?.breaker.abandon();
  }

  /** State by target, for metrics, the dashboard and `routing/explain`. */
  snapshot(nowMs: number): readonly { readonly target: string; readonly breaker: BreakerState }[] {
    return [...this.#states].map(([target, { breaker }]) => ({
      target,
      breaker: breaker.state(nowMs),
    }));
  }

  /** Credentials under quarantine. */
  quarantined(): ReturnType<Quarantine['list']> {
    return this.#quarantine.list();
  }
}
