/**
 * A call as its candidates would have it done. What is looked at before the hold is taken by the attempt, so that requests, with
 * whatever media they hold, are built once.
 *
 * @module
 */
import type { Candidate } from './candidates.ts';
import type { OperationCall, Prepared } from './operation-call.ts';
import { targetOf } from './provider-target.ts';

export class Preparation {
  readonly #call: OperationCall;
  readonly #kept = new Map<string, Prepared>();

  constructor(call: OperationCall) {
    this.#call = call;
  }

  /** How a candidate does it; kept until it is taken. @throws GatewayError `invalid_request` naming what the model cannot take */
  look(candidate: Candidate): Prepared {
    const known = this.#kept.get(candidate.name);
    if (known !== undefined) return known;
    const prepared = this.#call.prepare(candidate.provider.definition, targetOf(candidate));
    this.#kept.set(candidate.name, prepared);
    return prepared;
  }

  /** The same, for one attempt: another one is prepared anew. @throws GatewayError as {@link look} */
  take(candidate: Candidate): Prepared {
    const prepared = this.look(candidate);
    this.#kept.delete(candidate.name);
    return prepared;
  }
}
