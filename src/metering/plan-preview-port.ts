/**
 * The door for what a plan would mean to those who have it, judged by what they used; nothing is written.
 *
 * @module
 */
import type { Meter, PlanInput } from '../contracts/metering.ts';
import type { PageQuery } from './ports.ts';

export interface PlanPreviewQuestion extends PageQuery {
  /** The plan as it would be. */
  readonly plan: PlanInput;
  /** Use since that time is judged, and of the periods that ran at it. */
  readonly fromMs: number;
  /** Null for all who have the plan of this id; else this one, whatever plan it has. */
  readonly customerId: string | null;
}

/** What a limit would do with a call that goes beyond it. */
export type PreviewEffect =
  | 'refused'
  /** `on_breach: overage`, within its cap. */
  | 'overage'
  /** `on_breach: soft`. */
  | 'marked'
  /** `plan_then_wallet`: credits pay. */
  | 'credits';

/** A limit whose boxes some use would have gone beyond, or no longer comes near. */
export interface PreviewFinding {
  readonly limitId: string;
  readonly meter: Meter;
  readonly window: string;
  /** The key whose counter it is; null: the customer's. */
  readonly keyId: string | null;
  /** Amounts as decimal strings, `unlimited` or `disabled`; null: no such limit. */
  readonly now: string | null;
  readonly after: string | null;
  /** Boxes of the window (days, periods …) in which it is so. */
  readonly times: number;
  /** The box with the most use. */
  readonly used: string;
  readonly box: { readonly startMs: number; readonly endMs: number | null };
}

export interface PreviewBreach extends PreviewFinding {
  readonly effect: PreviewEffect;
  /** The hour in which use first went beyond. */
  readonly firstAtMs: number;
  /** True where it did so under the plan in force too. */
  readonly already: boolean;
}

/** What the plan would be to one customer. */
export interface CustomerPreview {
  readonly customerId: string;
  readonly externalId: string;
  readonly plan: { readonly id: string; readonly version: number };
  /** Limits beyond which the use was, in the order of the plan. */
  readonly breaches: readonly PreviewBreach[];
  /** Limits nine tenths of which or more were used, and which the plan would raise or take away. */
  readonly relieved: readonly PreviewFinding[];
  /** Models used that the plan does not allow, by name, with the requests of each. */
  readonly models: readonly { readonly model: string; readonly requests: number }[];
}

export interface PlanPreviewPage {
  /** Customers judged, of this page. */
  readonly judged: number;
  /** Those to whom something would be otherwise. */
  readonly data: readonly CustomerPreview[];
  readonly nextCursor: string | null;
  readonly asOfMs: number;
}

export interface PlanPreviews {
  /** Subscriptions that have ended are left out. @throws GatewayError `invalid_request` naming a limit's path */
  preview(question: PlanPreviewQuestion): Promise<PlanPreviewPage>;
}
