/**
 * Where the pipeline asks what to do after a failed attempt.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { AttemptFailure } from './attempt-result.ts';
import type { Candidate } from './candidates.ts';
import type { TextRun } from './text-run.ts';

/** Decides for one request. */
export class RoutingSession {
  readonly #run: TextRun;

  constructor(run: TextRun) {
    this.#run = run;
  }

  /** Candidates in the order in which they should be tried. */
  order(): readonly Candidate[] {
    return this.#run.candidates;
  }

  hasOther(candidate: Candidate): boolean {
    return this.#run.candidates.at(-1) !== candidate;
  }

  succeeded(_candidate: Candidate): void {}

  /** The candidate to try next, after whatever wait is due. @throws GatewayError when nothing more may be tried */
  afterFailure(failed: {
    readonly candidate: Candidate;
    readonly failure: AttemptFailure;
  }): Promise<Candidate> {
    const { failure } = failed;
    const message = failure.failure.message;
    return Promise.reject(
      new GatewayError('provider_error', { message: `The provider failed: ${message}` }),
    );
  }
}

export class RoutingState {
  open(run: TextRun): RoutingSession {
    return new RoutingSession(run);
  }
}
