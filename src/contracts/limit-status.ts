/**
 * What a caller sees of a limit: in refusals, in `GET /v1/limits`, in quotes.
 *
 * @module
 */
import type { Meter } from './metering.ts';

/** One limit as it stands for one counter; amounts are decimal strings (USD with nine places for cost, counts otherwise). */
export interface LimitStatus {
  readonly id: string;
  readonly meter: Meter;
  readonly window: string;
  readonly scope: string;
  readonly limit: string;
  readonly used: string;
  readonly held: string;
  /** Absent where nothing is requested (`GET /v1/limits`). */
  readonly requested?: string;
  readonly remaining: string;
  /** RFC 3339 UTC; null where the window never resets. */
  readonly resets_at: string | null;
}

/** What the caller can do about a refusal. */
export type RefusalAction =
  | { readonly do: 'reduce'; readonly param: string; readonly max: number }
  | { readonly do: 'switch_model'; readonly model: string; readonly max_cost: string }
  | { readonly do: 'wait'; readonly until: string }
  | { readonly do: 'upgrade'; readonly plan: string }
  | { readonly do: 'top_up'; readonly amount: string }
  | { readonly do: 'subscribe' | 'pay' | 'resume' | 'reactivate' };

/** Members that every dialect adds to a limit error. */
export interface LimitRefusal {
  readonly limits: readonly LimitStatus[];
  readonly plan: { readonly id: string; readonly version: number } | null;
  readonly actions: readonly RefusalAction[];
  /** ALwrity's members (compatibility): numbers as the original has them. */
  readonly usage_info: Readonly<Record<string, unknown>>;
}
