/**
 * The pipeline's side of routing: which candidates may be called now, and what follows a failed attempt. The
 * decisions are `routing`'s; here they meet the clock, the hold and the waits.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { GatewayError } from '../contracts/gateway-error.ts';
import {
  classOf,
  decideNext,
  TargetHealth,
  unavailableError,
  type FailedAttempt,
  type RetryCandidate,
  type Target,
  type Unavailable,
} from '../routing/index.ts';
import type { AttemptFailure } from './attempt-result.ts';
import type { Candidate } from './candidates.ts';
import type { Gateway } from './gateway.ts';
import { extendFor } from './reserve.ts';
import type { StreamEnd } from './stream-attempt.ts';
import { isAbandoned, type CallRun } from './call-run.ts';

/** Whether the gateway itself cut the attempt off, because it is shutting down. */
export function isDrainLimit(failure: AttemptFailure): boolean {
  return failure.source === 'transport' && failure.failure.code === 'DRAINING';
}

/** What a caller is told whose answer the shutdown has cut off. */
export function drainLimitError(): GatewayError {
  return new GatewayError('draining', {
    message: 'The gateway is shutting down; the answer is incomplete. Repeat the request.',
    retryAfterMs: 1_000,
  });
}

/** Health of every target, kept over requests. */
export class RoutingState {
  readonly health = new TargetHealth();
  readonly #targets = new WeakMap<object, Map<string, Target>>();

  /** The target of a candidate; its ids hold no secret and change with the credential. */
  targetOf(candidate: Pick<Candidate, 'provider' | 'model'>): Target {
    const { provider } = candidate;
    let targets = this.#targets.get(provider);
    if (targets === undefined) {
      targets = new Map();
      this.#targets.set(provider, targets);
    }
    const known = targets.get(candidate.model);
    if (known !== undefined) return known;
    const { id } = provider.definition;
    const credential = `${id}:${hash('sha256', `${provider.baseUrl} ${provider.credential ?? ''}`, 'hex').slice(0, 16)}`;
    const target = { id: `${credential}:${candidate.model}`, credential, provider: id };
    if (targets.size < 4096) targets.set(candidate.model, target);
    return target;
  }

  /**
   * Candidates that may be called now, in order, then the others.
   *
   * @throws GatewayError when none may be called: at once, with the time at which the next may
   */
  order(candidates: readonly Candidate[], nowMs: number): readonly Candidate[] {
    const [only] = candidates;
    if (candidates.length === 1 && only !== undefined) {
      const unavailable = this.health.unavailable(this.targetOf(only), nowMs);
      if (unavailable === null) return candidates;
      throw unavailableError([unavailable], nowMs);
    }
    const ready: Candidate[] = [];
    const rest: Candidate[] = [];
    const reasons: Unavailable[] = [];
    for (const candidate of candidates) {
      const unavailable = this.health.unavailable(this.targetOf(candidate), nowMs);
      if (unavailable === null) ready.push(candidate);
      else {
        rest.push(candidate);
        reasons.push(unavailable);
      }
    }
    if (ready.length === 0) throw unavailableError(reasons, nowMs);
    return [...ready, ...rest];
  }
}

/** What routing knows of one request. */
export class RoutingSession {
  readonly #gateway: Gateway;
  readonly #run: CallRun;
  readonly #failed: FailedAttempt[] = [];
  /** Candidates that the plan cannot afford any more. */
  readonly #unaffordable: number[] = [];
  /** Candidates whose breaker this request's own failure has opened: not repeated in place. */
  readonly #opened: number[] = [];
  #beganMs = 0;
  #kind: 'first' | 'repeat' = 'first';

  constructor(gateway: Gateway, run: CallRun) {
    this.#gateway = gateway;
    this.#run = run;
  }

  /** Whether a candidate that was not tried yet could still answer. */
  hasOther(): boolean {
    const { length } = this.#run.candidates;
    if (length === 1) return false;
    const tried = new Set(this.#failed.map((attempt) => attempt.candidate));
    return length > tried.size + 1;
  }

  begin(candidate: Candidate, nowMs: number): void {
    const { routing } = this.#gateway;
    const index = this.#run.candidates.indexOf(candidate);
    this.#kind = this.#failed.some((attempt) => attempt.candidate === index) ? 'repeat' : 'first';
    this.#beganMs = nowMs;
    routing.health.begin(routing.targetOf(candidate), this.#kind, nowMs);
  }

  succeeded(candidate: Candidate): void {
    const { clock, routing } = this.#gateway;
    const nowMs = clock.nowMs();
    routing.health.succeeded(
      routing.targetOf(candidate),
      { kind: this.#kind, tookMs: nowMs - this.#beganMs },
      nowMs,
    );
  }

  /** The verdict of a stream, once it has ended: only a whole one speaks for the target. */
  streamEnded(candidate: Candidate, end: StreamEnd): void {
    const { clock, routing, random } = this.#gateway;
    const target = routing.targetOf(candidate);
    if (end.type === 'complete') this.succeeded(candidate);
    else if (end.type === 'client_gone') routing.health.abandoned(target);
    else {
      const outcome = {
        failure: end.failure,
        effects: { coolMs: null, quarantine: null },
        random: random(),
      };
      routing.health.failed(target, outcome, clock.nowMs());
    }
  }

  /**
   * Waits as is due and returns the candidate to try next, its bound covered by the hold.
   *
   * @throws GatewayError when nothing more may be tried
   */
  async afterFailure(candidate: Candidate, failure: AttemptFailure): Promise<Candidate> {
    const { candidates } = this.#run;
    if (isDrainLimit(failure)) {
      this.#gateway.routing.health.abandoned(this.#gateway.routing.targetOf(candidate));
      throw drainLimitError();
    }
    this.#failed.push({
      candidate: candidates.indexOf(candidate),
      provider: candidate.provider.definition.id,
      failure,
      failureClass: classOf(failure, { work: this.#run.call.work, contentSent: false }),
    });
    let isFirstDecision = true;
    for (;;) {
      const decision = this.#decide();
      if (isFirstDecision) this.#noteFailure(candidate, failure, decision.effects);
      isFirstDecision = false;
      if (decision.type === 'stop') throw decision.error;
      if (decision.type === 'repeat') {
        if (this.#hasOpened(candidate)) continue;
        const waitedFromMs = this.#gateway.clock.monotonicMs();
        await this.#wait(decision.delayMs);
        this.#run.upstreamMs += this.#gateway.clock.monotonicMs() - waitedFromMs;
        // Nobody waits for a repeat any more: the next decision stops.
        if (isAbandoned(this.#run)) continue;
        return candidate;
      }
      const next = candidates[decision.candidate];
      if (next === undefined) throw new Error('routing named a candidate that does not exist');
      const kept = this.#failed.filter((attempt) => attempt.failureClass === 'ambiguous');
      const keep = kept.flatMap((attempt) => candidates[attempt.candidate] ?? []);
      if (await extendFor(this.#gateway, this.#run, { next, keep })) return next;
      this.#unaffordable.push(decision.candidate);
    }
  }

  /** Notes a breaker that is open after a failure: a repeat would go to a target that was just given up (P6). */
  #hasOpened(candidate: Candidate): boolean {
    const { clock, routing } = this.#gateway;
    if (routing.health.unavailable(routing.targetOf(candidate), clock.nowMs()) === null)
      return false;
    this.#opened.push(this.#run.candidates.indexOf(candidate));
    return true;
  }

  #decide(): ReturnType<typeof decideNext> {
    const { clock, random } = this.#gateway;
    const { deadlineMs, exchange } = this.#run;
    return decideNext({
      work: this.#run.call.work,
      candidates: this.#run.candidates.map((candidate, index) => this.#view(candidate, index)),
      attempts: this.#failed,
      deadlineMs: deadlineMs - exchange.startedAtMonotonicMs,
      remainingMs: isAbandoned(this.#run) ? 0 : deadlineMs - clock.monotonicMs(),
      billsFailedWork: false,
      failoverOnContentFilter: false,
      random,
    });
  }

  #view(candidate: Candidate, index: number): RetryCandidate {
    const { clock, routing } = this.#gateway;
    const target = routing.targetOf(candidate);
    const view = routing.health.view(target, clock.nowMs());
    return {
      credential: target.credential,
      contextWindow: candidate.facts.contextWindow,
      available: view.unavailable === null && !this.#unaffordable.includes(index),
      p50Ms: view.p50Ms,
      mayRepeat: view.mayRepeat && !this.#opened.includes(index),
    };
  }

  #noteFailure(
    candidate: Candidate,
    failure: AttemptFailure,
    effects: ReturnType<typeof decideNext>['effects'],
  ): void {
    const { clock, routing, recorder, random } = this.#gateway;
    const { newlyQuarantined } = routing.health.failed(
      routing.targetOf(candidate),
      { failure, effects, random: random() },
      clock.nowMs(),
    );
    if (newlyQuarantined === null) return;
    recorder.operatorAlert({
      kind: `provider_${newlyQuarantined}`,
      provider: candidate.provider.definition.id,
      detail: failure.failure.message,
    });
  }

  /** Waits out a backoff, or returns at once when the client leaves. */
  #wait(delayMs: number): Promise<void> {
    const { exchange, claim } = this.#run;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        exchange.onGone(null);
        resolve();
      }, delayMs);
      if (claim !== null) return;
      exchange.onGone(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
