/**
 * Usage: the counters' own numbers.
 *
 * @module
 */
import { z } from 'zod';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import { customerNameSchema } from '../shapes.ts';
import {
  answerOperatorUsage,
  monthOf,
  operatorUsageSchema,
  usageQueryShape,
} from '../usage-question.ts';

/** `GET /usage`. */
export const usageRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/usage',
    operationId: 'getUsage',
    summary: 'Usage of one customer or of all',
    description:
      'Without a range: the current period of the customer, else the current month in UTC. The end is exclusive. A call counts at the moment of its reserve.',
    tag: 'usage',
    query: z.strictObject({ customer: customerNameSchema.optional(), ...usageQueryShape }),
    reply: operatorUsageSchema,
    errors: ['not_found'],
    async handle({ query: { customer, ...question } }, { store, now }) {
      const found = customer === undefined ? null : await findCustomer(store, customer, 'customer');
      const customerId = found?.customer.id ?? null;
      return answerOperatorUsage(store, question, {
        customerId,
        keyId: null,
        period: found?.subscription.period ?? monthOf(now()),
        shownCustomer: customerId,
      });
    },
  }),
];
