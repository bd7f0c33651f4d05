/**
 * Usage of a part of an hour, from the requests themselves.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { modalityOf } from '../../contracts/metering.ts';
import type { UsageQuery } from '../../metering/ports.ts';
import { HoldHistory } from './hold-history.ts';
import { OF_CUSTOMER, REQUESTS_WITH_OWNER } from './request-owners.ts';
import { readRequest, REQUEST_COLUMNS } from './row-codec.ts';
import { integer, nullableText, type SqlRow, text } from './subscriptions.ts';
import { providerOf, requestRowAt, reservedAtOfRow, unpackCharges } from './usage-tables.ts';
import { dayOf, NO_VALUE, OTHER_VALUE } from './usage-tags.ts';
import type { Totals, UsageOf } from './usage-totals.ts';

interface Edge {
  readonly query: UsageQuery;
  readonly fromMs: number;
  readonly toMs: number;
}

/** How the rollups of a day name a value: itself, one of the others, or none. */
function tagNamer(database: DatabaseSync, name: string) {
  const find = database.prepare(
    `SELECT value FROM usage_tag WHERE customer_id = ? AND day = ? AND name = ? AND value IN (?, '${OTHER_VALUE}')
     ORDER BY value = '${OTHER_VALUE}' LIMIT 1`,
  );
  return (customerId: string, atMs: number, value: string | undefined): string => {
    if (value === undefined) return NO_VALUE;
    const found = find.get(customerId, dayOf(atMs), name, value);
    return found === undefined ? NO_VALUE : text(found, 'value');
  };
}

/** Reads whose usage a request is, as far as the question asks. */
function requestReader(database: DatabaseSync, query: UsageQuery) {
  const history = query.groupBy.includes('plan') ? new HoldHistory(database) : null;
  const tag = query.groupBy.find((name) => name.startsWith('tag:'));
  const tagName = tag?.slice('tag:'.length);
  const nameOf = tagName === undefined ? null : tagNamer(database, tagName);
  return (
    row: SqlRow,
  ): { readonly atMs: number; readonly of: UsageOf; readonly tagged: boolean } => {
    const atMs = reservedAtOfRow(integer(row, 'row'));
    const { customerId, keyId, operation, tags } = readRequest(row);
    const value =
      nameOf === null || tagName === undefined
        ? NO_VALUE
        : nameOf(customerId, atMs, tags?.[tagName]);
    const of = {
      customer: customerId,
      key: keyId,
      operation,
      modality: modalityOf(operation),
      plan: history?.identity(text(row, 'hold_id'))?.planId ?? '',
      ...(tag === undefined ? {} : { [tag]: value }),
    };
    return { atMs, of, tagged: value !== NO_VALUE };
  };
}

/** Counts the requests reserved in `[fromMs, toMs)`, one by one. */
export function countRequests(database: DatabaseSync, into: Totals, edge: Edge): void {
  const { query, fromMs, toMs } = edge;
  if (fromMs >= toMs) return;
  const statement = database.prepare(
    `SELECT row, hold_id, usage, ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER}
     WHERE ${query.customerId === null ? '' : `${OF_CUSTOMER} AND`} row >= ? AND row < ? AND usage IS NOT NULL`,
  );
  const read = requestReader(database, query);
  const customer = query.customerId === null ? [] : [query.customerId];
  for (const row of statement.iterate(...customer, requestRowAt(fromMs), requestRowAt(toMs))) {
    const { atMs, of, tagged } = read(row);
    for (const charge of unpackCharges(nullableText(row, 'usage') ?? '[]')) {
      const { model, marginNanoUsd } = charge;
      const amounts =
        marginNanoUsd === undefined
          ? charge.amounts
          : { ...charge.amounts, margin_usd: marginNanoUsd };
      const whole = { ...of, model, provider: providerOf(model) };
      into.count(whole, atMs, amounts);
      if (tagged) into.countTagged(whole, atMs, amounts);
    }
  }
}
