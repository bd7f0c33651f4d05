/**
 * Usage and requests as files.
 *
 * @module
 */
import { z } from 'zod';
import { adminExport } from '../admin-export.ts';
import type { AdminRoute } from '../admin-route.ts';
import { requestExport } from '../export/request-export.ts';
import { operatorUsageExport } from '../export/usage-export.ts';
import { findCustomer } from '../find.ts';
import { customerNameSchema, instantSchema, parseInstant } from '../shapes.ts';
import { monthOf, usageQueryShape } from '../usage-question.ts';

/** `GET /usage/export` and `GET /requests/export`. */
export const exportRoutes: readonly AdminRoute[] = [
  adminExport({
    path: '/usage/export',
    operationId: 'exportUsage',
    summary: 'Usage as a file',
    description:
      'One row for each group of each bucket, of a day each by default. The range is that of `GET /usage`; amounts are exact decimal numbers. Each bucket is of one moment.',
    tag: 'usage',
    query: z.strictObject({ customer: customerNameSchema.optional(), ...usageQueryShape }),
    async table({ customer, ...question }, { store, now }) {
      const found = customer === undefined ? null : await findCustomer(store, customer, 'customer');
      return operatorUsageExport(store, question, {
        customerId: found?.customer.id ?? null,
        keyId: null,
        period: found?.subscription.period ?? monthOf(now()),
      });
    },
  }),
  adminExport({
    path: '/requests/export',
    operationId: 'exportRequests',
    summary: 'Requests as a file, newest first',
    description: 'Every request of the range, all of them without one.',
    tag: 'requests',
    query: z.strictObject({
      customer: customerNameSchema.optional(),
      from: instantSchema.optional(),
      to: instantSchema.optional(),
    }),
    async table({ customer, from, to }, { store }) {
      const found = customer === undefined ? null : await findCustomer(store, customer, 'customer');
      return requestExport(store, {
        customerId: found?.customer.id ?? null,
        fromMs: from === undefined ? null : parseInstant(from, 'from'),
        toMs: to === undefined ? null : parseInstant(to, 'to'),
      });
    },
  }),
];
