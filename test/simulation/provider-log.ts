/**
 * A provider's own book in the simulation: what it was asked and what it bills. It knows nothing of the ledger.
 *
 * @module
 */

/** One call as the provider has it. */
export interface ProviderEntry {
  readonly holdId: string;
  readonly model: string;
  /** What it bills, in nano-USD; 0 for a call that it refused. */
  billedNanoUsd: bigint;
}

export class ProviderLog {
  readonly entries: ProviderEntry[] = [];

  call(holdId: string, model: string): ProviderEntry {
    const entry = { holdId, model, billedNanoUsd: 0n };
    this.entries.push(entry);
    return entry;
  }

  billedOf(holdId: string): bigint {
    return this.entries
      .filter((entry) => entry.holdId === holdId)
      .reduce((sum, entry) => sum + entry.billedNanoUsd, 0n);
  }
}
