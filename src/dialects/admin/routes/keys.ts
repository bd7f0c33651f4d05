/**
 * API keys. The key itself is in the reply that makes it and nowhere else.
 *
 * @module
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { limitSchema, type LimitInput } from '../../../contracts/metering.ts';
import { checkLimits } from '../../../metering/core/check-limits.ts';
import { compileOwnLimits } from '../../../metering/core/compiled-plan.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { KeyRecord, KeyScopes, MeteringStore } from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { AdminDependencies } from '../dependencies.ts';
import { findCustomer, findKey } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  instantSchema,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  parseInstant,
  timeSchema,
} from '../shapes.ts';

const KEY_TYPES = ['customer', 'service', 'admin'] as const;
const globs = z.array(z.string().min(1).max(200)).min(1).max(100);

const scopesSchema = z
  .strictObject({
    models: globs.optional().describe('Globs on `provider/model`.'),
    operations: globs.optional().describe('Globs on the operation, e.g. `text.*`.'),
    ips: z
      .array(
        z.string().refine((address) => isIP(address) !== 0, {
          error: 'must be an IP address; ranges are not supported',
        }),
      )
      .min(1)
      .max(100)
      .optional()
      .describe('Addresses that may use the key.'),
  })
  .meta({ id: 'KeyScopes' });

const keyLimitsSchema = z
  .array(
    limitSchema.extend({
      scope: z
        .literal('key', { error: 'must be "key" or left out: the limits of a key are its own' })
        .optional(),
    }),
  )
  .max(50)
  .describe(
    'Limits of this key beside those of its customer’s plan, with one counter each. Windows follow its customer’s calendar, those of a service key UTC’s.',
  );

const newKeySchema = z
  .strictObject({
    type: z
      .enum(KEY_TYPES)
      .optional()
      .describe(
        '`customer` (default) acts as its customer, `service` names the customer of each call, `admin` serves the control plane only.',
      ),
    name: lineSchema(200),
    customer: customerNameSchema.optional(),
    default_customer: customerNameSchema
      .optional()
      .describe('Customer of calls of a service key that name none.'),
    scopes: scopesSchema.optional(),
    expires_at: instantSchema.optional(),
    limits: keyLimitsSchema.optional(),
  })
  .meta({ id: 'KeyInput' });

const keySchema = z
  .strictObject({
    id: z.string(),
    type: z.enum(KEY_TYPES),
    name: z.string(),
    prefix: z.string().describe('First characters of the key.'),
    last4: z.string().describe('Last four characters of the key.'),
    customer: z.string().nullable().describe('`cus_…`'),
    default_customer: z.string().nullable().describe('`cus_…`'),
    scopes: scopesSchema.nullable(),
    limits: z.array(limitSchema),
    status: z.enum(['active', 'expired', 'revoked']),
    created_at: timeSchema,
    expires_at: timeSchema.nullable(),
    revoked_at: timeSchema
      .nullable()
      .describe('In the future while a rotated key still overlaps with its successor.'),
  })
  .meta({ id: 'Key' });

const newKeyReplySchema = keySchema
  .extend({ key: z.string().describe('The key. It is shown this once and stored only as a hash.') })
  .meta({ id: 'NewKey' });

const rotatedReplySchema = newKeyReplySchema
  .extend({ replaces: keySchema })
  .meta({ id: 'RotatedKey' });

const params = z.strictObject({ id: z.string().min(1).max(200).describe('`key_…`') });

function copyScopes({ models, operations, ips }: KeyScopes): z.input<typeof scopesSchema> {
  return {
    ...(models === undefined ? {} : { models: [...models] }),
    ...(operations === undefined ? {} : { operations: [...operations] }),
    ...(ips === undefined ? {} : { ips: [...ips] }),
  };
}

function showKey(record: KeyRecord, nowMs: number): z.input<typeof keySchema> {
  const revoked = record.revokedAtMs !== null && record.revokedAtMs <= nowMs;
  const expired = record.expiresAtMs !== null && record.expiresAtMs <= nowMs;
  return {
    id: record.id,
    type: record.type,
    name: record.name,
    prefix: record.prefix,
    last4: record.last4,
    customer: record.customerId,
    default_customer: record.defaultCustomerId,
    scopes: record.scopes === null ? null : copyScopes(record.scopes),
    limits: [...(record.limits ?? [])],
    status: revoked ? 'revoked' : expired ? 'expired' : 'active',
    created_at: formatTime(record.createdAtMs),
    expires_at: formatTimeOrNull(record.expiresAtMs),
    revoked_at: formatTimeOrNull(record.revokedAtMs),
  };
}

/** @throws GatewayError `invalid_request` naming the limit's path */
function assertLimits(type: KeyRecord['type'], limits: readonly LimitInput[]): void {
  if (type === 'admin' && limits.length > 0) {
    throw invalidRequest(
      'limits',
      'belong to a customer or service key; an admin key makes no calls.',
    );
  }
  compileOwnLimits({ id: 'key', type: 'key' }, limits, 1);
  checkLimits(limits);
}

const PREFIX_LENGTH = 8;

type KeyTraits = Pick<
  KeyRecord,
  'type' | 'name' | 'customerId' | 'defaultCustomerId' | 'scopes' | 'limits' | 'expiresAtMs'
>;

async function makeKey(
  traits: KeyTraits,
  dependencies: AdminDependencies,
): Promise<{ readonly key: string; readonly record: KeyRecord }> {
  const key = dependencies.randomKey();
  const record: KeyRecord = {
    id: dependencies.ids.next('key'),
    hash: dependencies.hashKey(key),
    prefix: key.slice(0, PREFIX_LENGTH),
    last4: key.slice(-4),
    createdAtMs: dependencies.now(),
    revokedAtMs: null,
    ...traits,
  };
  await dependencies.store.directory.createKey(record);
  dependencies.onKeyChange(record);
  return { key, record };
}

/** Which customers a key of each type has, found and checked. */
async function ownersOf(
  body: z.output<typeof newKeySchema>,
  store: MeteringStore,
): Promise<Pick<KeyRecord, 'type' | 'customerId' | 'defaultCustomerId'>> {
  const type = body.type ?? 'customer';
  if (type !== 'customer' && body.customer !== undefined) {
    throw invalidRequest(
      'customer',
      type === 'service'
        ? 'belongs to a customer key; a service key may have a "default_customer".'
        : 'belongs to a customer key; an admin key acts for no customer.',
    );
  }
  if (type !== 'service' && body.default_customer !== undefined) {
    throw invalidRequest('default_customer', 'belongs to a service key ("type": "service").');
  }
  switch (type) {
    case 'customer': {
      if (body.customer === undefined) {
        throw invalidRequest('customer', 'is required: a customer key acts as its customer.');
      }
      const { customer } = await findCustomer(store, body.customer, 'customer');
      return { type, customerId: customer.id, defaultCustomerId: null };
    }
    case 'service': {
      if (body.default_customer === undefined) {
        return { type, customerId: null, defaultCustomerId: null };
      }
      const { customer } = await findCustomer(store, body.default_customer, 'default_customer');
      return { type, customerId: null, defaultCustomerId: customer.id };
    }
    case 'admin':
      return { type, customerId: null, defaultCustomerId: null };
  }
}

async function revoke(
  keyId: string,
  dependencies: AdminDependencies,
): Promise<z.input<typeof keySchema>> {
  const { store, now, onKeyChange } = dependencies;
  const nowMs = now();
  const known = await findKey(store, keyId);
  // A repeated revocation changes nothing; one that was scheduled for later is brought forward.
  if (known.revokedAtMs !== null && known.revokedAtMs <= nowMs) return showKey(known, nowMs);
  const revoked = await store.directory.revokeKey(keyId, nowMs);
  onKeyChange(revoked);
  return showKey(revoked, nowMs);
}

/** Routes below `/keys`. */
export const keyRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/keys',
    operationId: 'createKey',
    summary: 'Create a key',
    tag: 'keys',
    body: newKeySchema,
    example: { customer: 'user-1', name: 'laptop' },
    status: 201,
    reply: newKeyReplySchema,
    errors: ['not_found'],
    async handle({ body }, dependencies) {
      const nowMs = dependencies.now();
      const expiresAtMs =
        body.expires_at === undefined ? null : parseInstant(body.expires_at, 'expires_at');
      if (expiresAtMs !== null && expiresAtMs <= nowMs) {
        throw invalidRequest('expires_at', 'must be in the future.');
      }
      const owners = await ownersOf(body, dependencies.store);
      const { name, scopes = null, limits = [] } = body;
      assertLimits(owners.type, limits);
      const traits = { ...owners, name, scopes, limits, expiresAtMs };
      const { key, record } = await makeKey(traits, dependencies);
      return { ...showKey(record, nowMs), key };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/keys',
    operationId: 'listKeys',
    summary: 'List keys',
    tag: 'keys',
    query: z.strictObject({ ...pageQuery, customer: customerNameSchema.optional() }),
    reply: listSchema(keySchema),
    errors: ['not_found'],
    async handle({ query }, { store, now }) {
      const customerId =
        query.customer === undefined
          ? null
          : (await findCustomer(store, query.customer, 'customer')).customer.id;
      const page = await store.directory.keys({ ...pageOf(query), customerId });
      const nowMs = now();
      return { data: page.data.map((key) => showKey(key, nowMs)), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/keys/{id}',
    operationId: 'getKey',
    summary: 'Read a key (without its secret)',
    tag: 'keys',
    params,
    reply: keySchema,
    errors: ['not_found'],
    handle: async (input, { store, now }) => showKey(await findKey(store, input.params.id), now()),
  }),
  adminRoute({
    method: 'patch',
    path: '/keys/{id}',
    operationId: 'updateKey',
    summary: 'Change the limits of a key',
    description:
      'A raise is granted at once; of a lowered limit what is free expires. Counters stay. `null` or an empty list takes all limits away.',
    tag: 'keys',
    params,
    body: z
      .strictObject({ limits: keyLimitsSchema.nullable().optional() })
      .meta({ id: 'KeyPatch' }),
    example: { limits: [{ meter: 'cost_usd', window: 'day', amount: '5.00' }] },
    reply: keySchema,
    errors: ['not_found'],
    async handle({ params: { id }, body }, { store, now, onKeyChange }) {
      const known = await findKey(store, id);
      if (body.limits === undefined) return showKey(known, now());
      const limits = body.limits ?? [];
      assertLimits(known.type, limits);
      const changed = await store.limitBook.setKeyLimits(id, limits);
      onKeyChange(changed);
      return showKey(changed, now());
    },
  }),
  adminRoute({
    method: 'delete',
    path: '/keys/{id}',
    operationId: 'deleteKey',
    summary: 'Revoke a key',
    description: 'Effective for the next request. The record stays, for the ledger names it.',
    tag: 'keys',
    params,
    reply: keySchema,
    errors: ['not_found'],
    handle: (input, dependencies) => revoke(input.params.id, dependencies),
  }),
  adminRoute({
    method: 'post',
    path: '/keys/{id}/revoke',
    operationId: 'revokeKey',
    summary: 'Revoke a key',
    tag: 'keys',
    params,
    reply: keySchema,
    errors: ['not_found'],
    handle: (input, dependencies) => revoke(input.params.id, dependencies),
  }),
  adminRoute({
    method: 'post',
    path: '/keys/{id}/rotate',
    operationId: 'rotateKey',
    summary: 'Replace a key by a new one',
    description:
      'The new key has the same owner, scopes, limits and expiry; its limits begin with counters of their own. The old one serves on for `overlap_s` seconds.',
    tag: 'keys',
    params,
    body: z.strictObject({
      overlap_s: z
        .int()
        .min(0)
        .max(30 * 86_400)
        .optional()
        .describe('0 by default: the old key ends at once.'),
    }),
    bodyRequired: false,
    example: { overlap_s: 3600 },
    status: 201,
    reply: rotatedReplySchema,
    errors: ['not_found', 'conflict'],
    async handle(input, dependencies) {
      const nowMs = dependencies.now();
      const old = await findKey(dependencies.store, input.params.id);
      if (showKey(old, nowMs).status !== 'active' || old.revokedAtMs !== null) {
        throw new GatewayError('conflict', {
          message: 'This key is revoked, expired or rotated already; create a new key instead.',
          param: 'id',
        });
      }
      const { type, name, customerId, defaultCustomerId, scopes, limits, expiresAtMs } = old;
      const traits = { type, name, customerId, defaultCustomerId, scopes, limits, expiresAtMs };
      const { key, record } = await makeKey(traits, dependencies);
      const endsAtMs = nowMs + (input.body.overlap_s ?? 0) * 1000;
      const replaced = await dependencies.store.directory.revokeKey(old.id, endsAtMs);
      dependencies.onKeyChange(replaced);
      return { ...showKey(record, nowMs), key, replaces: showKey(replaced, nowMs) };
    },
  }),
];
