/**
 * Rows of customers and keys as the directory's records.
 *
 * @module
 */
import type { LimitInput } from '../../contracts/metering.ts';
import type { CustomerRecord, KeyRecord, KeyScopes, KeyType } from '../../metering/ports.ts';
import { integer, nullableInteger, nullableText, type SqlRow, text } from './subscriptions.ts';

const KEY_TYPES: readonly KeyType[] = ['customer', 'service', 'admin'];

/** Keys with their present limits, for {@link readKey}; a WHERE may follow. */
export const KEY_ROWS = `SELECT rowid AS place, *, (
    SELECT limits FROM key_limit WHERE key_id = api_key.id ORDER BY rev DESC LIMIT 1
  ) AS limits FROM api_key`;

function readLimits(row: SqlRow): Pick<KeyRecord, 'limits'> {
  const limits = nullableText(row, 'limits');
  return limits === null || limits === '[]' ? {} : { limits: JSON.parse(limits) as LimitInput[] };
}

export function readKey(row: SqlRow): KeyRecord {
  const type = text(row, 'type');
  const scopes = nullableText(row, 'scopes');
  return {
    id: text(row, 'id'),
    type: KEY_TYPES.find((known) => known === type) ?? 'customer',
    name: text(row, 'name'),
    hash: text(row, 'hash'),
    prefix: text(row, 'prefix'),
    last4: text(row, 'last4'),
    customerId: nullableText(row, 'customer_id'),
    defaultCustomerId: nullableText(row, 'default_customer_id'),
    scopes: scopes === null ? null : (JSON.parse(scopes) as KeyScopes),
    ...readLimits(row),
    createdAtMs: integer(row, 'created_at'),
    expiresAtMs: nullableInteger(row, 'expires_at'),
    revokedAtMs: nullableInteger(row, 'revoked_at'),
  };
}

export function readCustomer(row: SqlRow): CustomerRecord {
  return {
    id: text(row, 'id'),
    externalId: text(row, 'external_id'),
    name: nullableText(row, 'name'),
    createdAtMs: integer(row, 'created_at'),
  };
}
