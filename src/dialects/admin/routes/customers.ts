/**
 * Customers.
 *
 * @module
 */
import { z } from 'zod';
import type { CustomerRecord, SubscriptionRecord } from '../../../metering/ports.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer, findPlan } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  timeSchema,
} from '../shapes.ts';
import { cadenceSchema, showSubscription, subscriptionSchema } from '../subscription-shapes.ts';
import { assertTimeZone, parseAnchor } from '../wall-clock.ts';

const customerRowSchema = z
  .strictObject({
    id: z.string(),
    externalId: z.string(),
    name: z.string().nullable(),
    created_at: timeSchema,
  })
  .meta({ id: 'CustomerRow' });

const customerSchema = customerRowSchema
  .extend({ subscription: subscriptionSchema })
  .meta({ id: 'Customer' });

const newCustomerSchema = z
  .strictObject({
    externalId: lineSchema(200)
      .refine((id) => !id.startsWith('cus_'), {
        error: 'must not begin with "cus_": that is how our own ids are told apart',
      })
      .refine((id) => id === id.trim(), { error: 'must not begin or end with white space' })
      .describe('Your own id of the customer; it serves wherever a customer is named.'),
    plan: z.string().min(1).max(200).describe('Id of the plan.'),
    name: lineSchema(200).nullable().optional(),
    trial_days: z
      .int()
      .positive()
      .max(730)
      .optional()
      .describe('Starts with a trial of this many days.'),
    cadence: cadenceSchema
      .optional()
      .describe('Length of a subscription year or month; `month` by default.'),
    anchor: z
      .string()
      .max(40)
      .optional()
      .describe('Wall-clock time in `timezone` from which periods are counted; now by default.'),
    timezone: z.string().min(1).max(64).optional().describe('IANA zone; `UTC` by default.'),
  })
  .meta({ id: 'CustomerInput' });

const params = z.strictObject({ id: customerNameSchema });

function showCustomerRow(record: CustomerRecord): z.input<typeof customerRowSchema> {
  return {
    id: record.id,
    externalId: record.externalId,
    name: record.name,
    created_at: formatTime(record.createdAtMs),
  };
}

function showCustomer(found: {
  readonly customer: CustomerRecord;
  readonly subscription: SubscriptionRecord;
}): z.input<typeof customerSchema> {
  return {
    ...showCustomerRow(found.customer),
    subscription: showSubscription(found.subscription),
  };
}

/** Routes below `/customers`. */
export const customerRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/customers',
    operationId: 'createCustomer',
    summary: 'Create a customer with a subscription',
    description:
      'The subscription is active, monthly and anchored now in UTC unless said otherwise.',
    tag: 'customers',
    body: newCustomerSchema,
    example: { externalId: 'user-1', plan: 'starter' },
    status: 201,
    reply: customerSchema,
    errors: ['conflict', 'not_found'],
    async handle({ body }, { store, onCustomerChange }) {
      const timezone = body.timezone ?? 'UTC';
      assertTimeZone(timezone, 'timezone');
      const anchorLocal =
        body.anchor === undefined ? null : parseAnchor(body.anchor, timezone, 'anchor');
      await findPlan(store, body.plan, 'plan');
      const made = await store.directory.createCustomer({
        externalId: body.externalId,
        name: body.name ?? null,
        planId: body.plan,
        trialDays: body.trial_days ?? null,
        cadence: body.cadence ?? 'month',
        timezone,
        anchorLocal,
      });
      onCustomerChange(made.customer);
      return showCustomer(made);
    },
  }),
  adminRoute({
    method: 'get',
    path: '/customers',
    operationId: 'listCustomers',
    summary: 'List customers',
    tag: 'customers',
    query: z.strictObject(pageQuery),
    reply: listSchema(customerRowSchema),
    async handle({ query }, { store }) {
      const page = await store.directory.customers(pageOf(query));
      return { data: page.data.map(showCustomerRow), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/customers/{id}',
    operationId: 'getCustomer',
    summary: 'Read a customer',
    tag: 'customers',
    params,
    reply: customerSchema,
    errors: ['not_found'],
    handle: async (input, { store }) =>
      showCustomer(await findCustomer(store, input.params.id, 'id')),
  }),
];
