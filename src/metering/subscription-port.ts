/**
 * What happens to a subscription over its life: changes that are scheduled, and events of payment systems.
 *
 * @module
 */
import type { SubscriptionRecord } from './ports.ts';

/** A change that will happen by itself when its time comes. */
export type ScheduledChange =
  | {
      readonly change: 'plan';
      readonly planId: string;
      readonly planVersion: number;
      readonly atMs: number;
    }
  /** The subscription ends. */
  | { readonly change: 'cancel'; readonly atMs: number }
  /** A trial becomes a paid subscription. */
  | { readonly change: 'activate'; readonly atMs: number }
  /** A trial ends without having become one. */
  | { readonly change: 'expire'; readonly atMs: number };

/** Changes that can be called off. */
export const REVOCABLE_CHANGES = ['plan', 'cancel', 'activate'] as const;
export type RevocableChange = (typeof REVOCABLE_CHANGES)[number];

/** Subscriptions beyond the directory's own operations. */
export interface Subscriptions {
  /** Calls off a scheduled change. @throws GatewayError `not_found` where none of the kind is scheduled */
  revokeScheduled(customerId: string, change: RevocableChange): Promise<SubscriptionRecord>;
}
