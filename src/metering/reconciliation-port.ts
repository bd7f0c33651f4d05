/**
 * The door to what is needed to hold a provider's invoice against the ledger: booked attempts summed by day, and the
 * reports that were made.
 *
 * @module
 */
import type { UsageVector } from '../contracts/usage.ts';

/** Attempts of one model of one provider on one UTC day, by the moment of their dispatch. */
export interface BookedLine {
  readonly provider: string;
  /** As the provider named it in its replies; as it was asked for where no reply came. */
  readonly model: string;
  readonly dayMs: number;
  /** That were billed. */
  readonly attempts: number;
  /** Of which nobody knows whether they were billed; not in the sums. */
  readonly unknown: number;
  /** Sums of the billed attempts. */
  readonly usage: UsageVector;
  /** What the provider charges for them, whatever customers pay. */
  readonly costNanoUsd: bigint;
}

/** Which attempts are asked for. */
export interface BookedQuery {
  readonly providers: readonly string[];
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/** A report as it is kept. */
export interface KeptReport {
  /** Derived from the invoice's content, so that the same invoice is the same report. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Everything else, as JSON text. */
  readonly head: string;
  /** Its lines as JSON text. */
  readonly lines: string;
}

export interface Reconciliations {
  /** One line for each provider, model and day with any attempt, in no order. */
  booked(query: BookedQuery): Promise<readonly BookedLine[]>;
  /** Keeps a report; one of the same id is replaced. */
  put(report: KeptReport): Promise<void>;
  /** Newest first. */
  list(): Promise<readonly Omit<KeptReport, 'lines'>[]>;
  find(id: string): Promise<KeptReport | null>;
}

/** Sums lines that are of one provider, model and day. */
export function mergeBooked(lines: readonly BookedLine[]): readonly BookedLine[] {
  const merged = new Map<string, BookedLine>();
  for (const line of lines) {
    const key = JSON.stringify([line.provider, line.model, line.dayMs]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? line : sumOf(known, line));
  }
  return [...merged.values()];
}

function sumOf(one: BookedLine, other: BookedLine): BookedLine {
  const usage: Partial<Record<keyof UsageVector, number>> = { ...one.usage };
  for (const unit of Object.keys(other.usage) as (keyof UsageVector)[]) {
    usage[unit] = (usage[unit] ?? 0) + (other.usage[unit] ?? 0);
  }
  return {
    ...one,
    attempts: one.attempts + other.attempts,
    unknown: one.unknown + other.unknown,
    usage,
    costNanoUsd: one.costNanoUsd + other.costNanoUsd,
  };
}
