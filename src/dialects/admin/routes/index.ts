/**
 * Every route of the control plane.
 *
 * @module
 */
import type { AdminRoute } from '../admin-route.ts';
import { alertRoutes } from './alerts.ts';
import { auditRoutes } from './audit.ts';
import { customerLimitRoutes } from './customer-limits.ts';
import { assetRoutes } from './assets.ts';
import { customerRoutes } from './customers.ts';
import { exportRoutes } from './exports.ts';
import { deliveryRoutes } from './deliveries.ts';
import { jobRoutes } from './jobs.ts';
import { keyRoutes } from './keys.ts';
import { ledgerBackupRoutes } from './ledger-backups.ts';
import { ledgerHoldRoutes } from './ledger-holds.ts';
import { ledgerExportRoute } from './ledger-export.ts';
import { ledgerRoutes } from './ledger.ts';
import { planPreviewRoute } from './plan-preview.ts';
import { planRoutes } from './plans.ts';
import { priceRuleRoutes } from './price-rules.ts';
import { priceRoutes } from './prices.ts';
import { reconciliationRoutes } from './reconciliation.ts';
import { processRoutes } from './process.ts';
import { requestRoutes } from './requests.ts';
import { routingRoutes } from './routing.ts';
import { subscriptionEventRoutes } from './subscription-events.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { usageRoutes } from './usage.ts';
import { walletRoutes } from './wallet.ts';
import { webhookRoutes } from './webhooks.ts';

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...planRoutes,
  planPreviewRoute,
  ...customerRoutes,
  ...customerLimitRoutes,
  ...subscriptionRoutes,
  ...subscriptionEventRoutes,
  ...walletRoutes,
  ...keyRoutes,
  ...exportRoutes,
  ...usageRoutes,
  ...requestRoutes,
  ...ledgerRoutes,
  ...alertRoutes,
  ...webhookRoutes,
  ...deliveryRoutes,
  ledgerExportRoute,
  ...ledgerHoldRoutes,
  ...ledgerBackupRoutes,
  ...processRoutes,
  ...routingRoutes,
  ...auditRoutes,
  ...priceRoutes,
  ...assetRoutes,
  ...jobRoutes,
  ...priceRuleRoutes,
  ...reconciliationRoutes,
];
