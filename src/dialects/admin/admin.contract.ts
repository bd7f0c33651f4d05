/**
 * What the control plane keeps over any store.
 *
 * @module
 */
import { describe } from 'vitest';
import { createSuite } from './testing/admin-suite.ts';
import { describeBooks } from './testing/books.contract.ts';
import { describeCustomers } from './testing/customers.contract.ts';
import type { OpenStore } from './testing/harness.ts';
import { describeKeys } from './testing/keys.contract.ts';
import { describePlans } from './testing/plans.contract.ts';
import { describePrices } from './testing/prices.contract.ts';
import { describeProcess } from './testing/process.contract.ts';
import { describeWalletRoutes } from './testing/wallet.contract.ts';
import { describeWebhooks } from './testing/webhooks.contract.ts';

/** Runs the control plane's tests over a kind of store. */
export function describeAdmin(name: string, openStore: OpenStore): void {
  describe(`control plane over ${name}`, () => {
    const suite = createSuite(openStore);
    describePlans(suite);
    describeWalletRoutes(suite);
    describeCustomers(suite);
    describeKeys(suite);
    describeBooks(suite);
    describeProcess(suite);
    describePrices(suite);
    describeWebhooks(suite);
  });
}
