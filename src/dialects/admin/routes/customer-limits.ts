/**
 * How a customer's limits stand, and what it has otherwise than its plan says.
 *
 * @module
 */
import { z } from 'zod';
import { limitSchema, METERS } from '../../../contracts/metering.ts';
import type { LimitOverride, OverrideSet } from '../../../metering/limit-port.ts';
import type { MeteringStore } from '../../../metering/ports.ts';
import { limitStatusSchema } from '../../../openapi/data-plane-shapes.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import { formatTime, instantSchema, parseInstant, timeSchema } from '../shapes.ts';

const MAX_OVERRIDES = 100;

const { amount, window, scope, operation, model, on_breach, overage_cap, thresholds } =
  limitSchema.shape;

const shared = {
  amount,
  meter: z
    .enum(METERS)
    .optional()
    .describe('Needed only to add a limit whose id is not `<meter>/<window>`.'),
  window: window.optional(),
  scope,
  operation,
  model,
  on_breach,
  overage_cap,
  thresholds,
};

const overrideSchema = z
  .strictObject({
    ...shared,
    until: instantSchema
      .nullable()
      .optional()
      .describe('From then on the plan’s limit is back; without one it stays.'),
  })
  .meta({ id: 'LimitOverrideInput' });

const shownOverrideSchema = z
  .strictObject({ ...shared, until: timeSchema.nullable() })
  .meta({ id: 'LimitOverride' });

const replySchema = z
  .strictObject({
    customer: z.string().describe('`cus_…`'),
    plan: z.strictObject({ id: z.string(), version: z.int() }),
    rev: z.int().describe('Grows with every change of the overrides.'),
    overrides: z.record(z.string(), shownOverrideSchema).describe('By limit id.'),
    limits: z.array(limitStatusSchema).describe('As they stand, overrides applied.'),
  })
  .meta({ id: 'CustomerLimits' });

const patchSchema = z
  .strictObject({
    overrides: z
      .record(z.string().min(1).max(120), overrideSchema.nullable())
      .refine((overrides) => Object.keys(overrides).length <= MAX_OVERRIDES, {
        error: `must name at most ${MAX_OVERRIDES} limits`,
      })
      .describe(
        'By limit id: a value sets or replaces the override, null takes it away, what is not named stays.',
      ),
  })
  .meta({ id: 'CustomerLimitsPatch' });

const params = z.strictObject({
  id: z.string().min(1).max(200).describe('`cus_…` or `externalId`'),
});

type Shown = z.input<typeof shownOverrideSchema>;

function showOverride({ untilMs, thresholds: shares, ...override }: LimitOverride): Shown {
  const shown: Shown = { ...override, until: untilMs === null ? null : formatTime(untilMs) };
  return shares === undefined ? shown : { ...shown, thresholds: [...shares] };
}

async function show(
  store: MeteringStore,
  name: string,
  known: OverrideSet | null,
): Promise<z.input<typeof replySchema>> {
  const { customer, plan } = await findCustomer(store, name, 'id');
  const set = known ?? (await store.limitBook.overrides(customer.id));
  return {
    customer: customer.id,
    plan: { id: plan.id, version: plan.version },
    rev: set.rev,
    overrides: Object.fromEntries(
      Object.entries(set.overrides).map(([id, override]) => [id, showOverride(override)]),
    ),
    limits: [...(await store.ledger.limits(customer.id, null))],
  };
}

function readOverride(
  id: string,
  input: z.output<typeof overrideSchema> | null,
  nowMs: number,
): LimitOverride | null {
  if (input === null) return null;
  const { until, ...override } = input;
  if (until === undefined || until === null) return { ...override, untilMs: null };
  const untilMs = parseInstant(until, `overrides.${id}.until`);
  if (untilMs <= nowMs) throw invalidRequest(`overrides.${id}.until`, 'must be in the future.');
  return { ...override, untilMs };
}

/** Routes below `/customers/{id}/limits`. */
export const customerLimitRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/customers/{id}/limits',
    operationId: 'getCustomerLimits',
    summary: 'How the limits of a customer stand, and what it has otherwise than its plan says',
    tag: 'customers',
    params,
    reply: replySchema,
    errors: ['not_found'],
    handle: (input, { store }) => show(store, input.params.id, null),
  }),
  adminRoute({
    method: 'patch',
    path: '/customers/{id}/limits',
    operationId: 'updateCustomerLimits',
    summary: 'Give a customer a limit otherwise than its plan says',
    description:
      'By limit id: another amount, `unlimited` or `disabled` in place of the plan’s, or a limit that the plan lacks. A raise is granted at once; of a lowered limit what is free expires. The plan stays as it is.',
    tag: 'customers',
    params,
    body: patchSchema,
    example: { overrides: { 'cost_usd/period': { amount: '20.00', until: null } } },
    reply: replySchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const { customer } = await findCustomer(store, input.params.id, 'id');
      const nowMs = now();
      const patch = Object.fromEntries(
        Object.entries(input.body.overrides).map(([id, override]) => [
          id,
          readOverride(id, override, nowMs),
        ]),
      );
      const set = await store.limitBook.patchOverrides(customer.id, patch);
      return show(store, customer.id, set);
    },
  }),
];
