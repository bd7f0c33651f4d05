/**
 * Has holds whose end nobody saw ended by what their providers say. Those that cannot be asked, or do not answer in
 * time, end by the policy; where a provider answers after that, the difference to the estimate is booked.
 *
 * @module
 */
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { LedgerOperations, OpenHoldView } from '../../metering/ledger-operations-port.ts';
import type { Charge, Ledger, RequestRecord } from '../../metering/ports.ts';
import type { Verdict } from './ask-providers.ts';

const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 30 * 60_000;
/** Holds that one round asks for. */
const MAX_A_ROUND = 200;
const AT_ONCE = 4;

/** How a hold came to its end: told for every one. */
export type LookUpResult = 'settled' | 'voided' | 'corrected' | 'given_up';

export interface UnknownHoldsParts {
  readonly store: () => {
    readonly ledger: Pick<Ledger, 'settle'>;
    readonly ledgerOperations: Pick<
      LedgerOperations,
      'openHolds' | 'endUnknown' | 'estimatedHolds' | 'forgetEstimated'
    >;
  };
  readonly ask: (hold: OpenHoldView) => Promise<Verdict>;
  readonly nowMs: () => number;
  /** How long a hold is asked for, from its beginning; 0: never. */
  readonly lookUpForMs: number;
  /** How old it must be before "no such call" proves that there was none: records lag behind. */
  readonly notFoundAfterMs: number;
  readonly onResult: (hold: OpenHoldView, result: LookUpResult) => void;
  readonly onFault: (error: unknown, hold: OpenHoldView) => void;
}

/** One hold that is asked for. */
interface Enquiry {
  hold: OpenHoldView;
  /** An estimate is booked for it. */
  isEstimated: boolean;
  failures: number;
  dueMs: number;
}

export class UnknownHolds {
  readonly #parts: UnknownHoldsParts;
  readonly #enquiries = new Map<string, Enquiry>();

  constructor(parts: UnknownHoldsParts) {
    this.#parts = parts;
  }

  /** One round: asks for what is due and books the answers. */
  async round(): Promise<void> {
    if (this.#parts.lookUpForMs === 0) return;
    await this.#list();
    const nowMs = this.#parts.nowMs();
    const due = [...this.#enquiries.values()]
      .filter(({ dueMs }) => dueMs <= nowMs)
      .slice(0, MAX_A_ROUND);
    const next = due.values();
    const work = async (): Promise<void> => {
      // All workers draw on one iterator.
      for (const enquiry of next) await this.#enquire(enquiry);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** What is to be asked for now; how often it was asked for before is remembered. */
  async #list(): Promise<void> {
    const { ledgerOperations } = this.#parts.store();
    const open = await ledgerOperations.openHolds();
    const estimated = await ledgerOperations.estimatedHolds();
    const present = new Set<string>();
    const note = (hold: OpenHoldView, isEstimated: boolean): void => {
      present.add(hold.holdId);
      const known = this.#enquiries.get(hold.holdId);
      // One that was left to the policy has been ended by it now.
      const isLeft = known?.dueMs === Infinity && isEstimated;
      const dueMs = known === undefined || isLeft ? 0 : known.dueMs;
      const failures = known?.failures ?? 0;
      this.#enquiries.set(hold.holdId, { hold, isEstimated, failures, dueMs });
    };
    for (const hold of open) if (hold.state === 'unknown') note(hold, false);
    for (const { hold } of estimated) note(hold, true);
    for (const holdId of this.#enquiries.keys()) {
      if (!present.has(holdId)) this.#enquiries.delete(holdId);
    }
  }

  async #enquire(enquiry: Enquiry): Promise<void> {
    const { hold } = enquiry;
    const { nowMs, lookUpForMs, notFoundAfterMs, onFault } = this.#parts;
    try {
      const ageMs = nowMs() - hold.createdAtMs;
      const verdict = await this.#parts.ask(hold);
      if (verdict.type === 'billed') return await this.#end(enquiry, verdict.charges);
      const isNone = verdict.type === 'not_billed' || verdict.type === 'not_found';
      if (isNone && (verdict.type === 'not_billed' || ageMs >= notFoundAfterMs)) {
        return await this.#end(enquiry, []);
      }
      if (verdict.type === 'cannot' || ageMs >= lookUpForMs) return await this.#giveUp(enquiry);
    } catch (error) {
      onFault(error, hold);
    }
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** enquiry.failures, LONGEST_RETRY_MS);
    enquiry.failures += 1;
    enquiry.dueMs = nowMs() + waitMs;
  }

  async #end(enquiry: Enquiry, charges: readonly Charge[]): Promise<void> {
    const { hold } = enquiry;
    if (enquiry.isEstimated) return await this.#correct(enquiry, charges);
    const { ledgerOperations } = this.#parts.store();
    try {
      const { type } = await ledgerOperations.endUnknown({
        holdId: hold.holdId,
        outcome: charges.length === 0 ? { type: 'release' } : { type: 'settle', charges },
        by: 'provider',
        reason: charges.length === 0 ? 'its record has no bill' : 'its record of the call',
      });
      this.#enquiries.delete(hold.holdId);
      this.#parts.onResult(hold, type);
    } catch (error) {
      // The policy was faster, or its own settlement came after all: the next round sees which.
      if (!isGatewayError(error) || (error.code !== 'not_found' && error.code !== 'conflict')) {
        throw error;
      }
    }
  }

  /** A settlement after an estimate books the difference, and is final: a repetition finds it. */
  async #correct(enquiry: Enquiry, charges: readonly Charge[]): Promise<void> {
    const { hold } = enquiry;
    const { ledger, ledgerOperations } = this.#parts.store();
    const request = correctedRecord(hold, charges, this.#parts.nowMs());
    await ledger.settle({ holdId: hold.holdId, charges, attempts: [], request });
    await ledgerOperations.forgetEstimated([hold.holdId]);
    this.#enquiries.delete(hold.holdId);
    this.#parts.onResult(hold, 'corrected');
  }

  /** An open hold is left to the policy, an estimate stands. */
  async #giveUp(enquiry: Enquiry): Promise<void> {
    const { hold, isEstimated } = enquiry;
    if (!isEstimated) {
      // Until the policy has ended it there is nothing more to learn.
      enquiry.dueMs = Infinity;
      return;
    }
    await this.#parts.store().ledgerOperations.forgetEstimated([hold.holdId]);
    this.#enquiries.delete(hold.holdId);
    this.#parts.onResult(hold, 'given_up');
  }
}

/** The request as it is listed once its provider has said what it billed. */
function correctedRecord(
  hold: OpenHoldView,
  charges: readonly Charge[],
  nowMs: number,
): RequestRecord {
  const model = charges.at(-1)?.model ?? hold.models.at(-1) ?? '';
  const { requestId, customerId, keyId, operation, tags, createdAtMs } = hold;
  return {
    requestId,
    customerId,
    keyId,
    operation,
    modelAsked: model,
    provider: model === '' ? null : model.slice(0, model.indexOf('/')),
    modelServed: null,
    status: 500,
    errorCode: 'internal_error',
    stream: false,
    clientClosed: false,
    startedAtMs: createdAtMs,
    firstTokenAtMs: null,
    finishedAtMs: nowMs,
    overheadMs: 0,
    attempts: 0,
    usage: {},
    costNanoUsd: charges.reduce((sum, { amounts }) => sum + (amounts.cost_usd ?? 0n), 0n),
    estimated: false,
    simulated: false,
    warnings: ['settled_by_look_up'],
    tags,
  };
}
