/**
 * Every route of the control plane.
 *
 * @module
 */
import type { AdminRoute } from '../admin-route.ts';
import { customerRoutes } from './customers.ts';
import { exportRoutes } from './exports.ts';
import { keyRoutes } from './keys.ts';
import { ledgerRoutes } from './ledger.ts';
import { planRoutes } from './plans.ts';
import { priceRoutes } from './prices.ts';
import { processRoutes } from './process.ts';
import { requestRoutes } from './requests.ts';
import { subscriptionEventRoutes } from './subscription-events.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { usageRoutes } from './usage.ts';
import { walletRoutes } from './wallet.ts';

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...planRoutes,
  ...customerRoutes,
  ...subscriptionRoutes,
  ...subscriptionEventRoutes,
  ...walletRoutes,
  ...keyRoutes,
  ...exportRoutes,
  ...usageRoutes,
  ...requestRoutes,
  ...ledgerRoutes,
  ...processRoutes,
  ...priceRoutes,
];
