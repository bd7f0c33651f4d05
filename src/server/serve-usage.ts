/**
 * `GET /v1/usage` and its export: what the key's own customer has used.
 *
 * @module
 */
import { z } from 'zod';
import { parsePart } from '../dialects/admin/admin-route.ts';
import { formatShape, StreamedReply } from '../dialects/admin/export/export-table.ts';
import { usageExport } from '../dialects/admin/export/usage-export.ts';
import {
  answerUsage,
  monthOf,
  type UsageAsker,
  usageQueryShape,
} from '../dialects/admin/usage-question.ts';
import type { Caller } from '../gateway/caller.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { sendStreamed } from './send-streamed.ts';
import { callerOf, sendJson } from './self-service.ts';

const ownUsageQuery = z.strictObject(usageQueryShape);
const ownExportQuery = ownUsageQuery.extend(formatShape);

/** The query of a request: repeated names as lists. */
export function queryOf(exchange: Exchange): Readonly<Record<string, string | readonly string[]>> {
  const { searchParams } = new URL(exchange.url, 'http://gateway');
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const values = searchParams.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** Who asks, and the running period of its subscription. */
export async function usageAsker(
  gateway: Gateway,
  exchange: Exchange,
): Promise<UsageAsker & { readonly caller: Caller }> {
  const caller = callerOf(gateway, exchange);
  const account = await gateway.store.directory.customer(caller.customer.id);
  const period = account?.subscription.period ?? monthOf(gateway.clock.nowMs());
  return { caller, customerId: caller.customer.id, keyId: caller.key.id, period };
}

export async function serveUsage(gateway: Gateway, exchange: Exchange): Promise<void> {
  const asker = await usageAsker(gateway, exchange);
  const question = parsePart(ownUsageQuery, queryOf(exchange), 'query parameter');
  const shownCustomer = asker.caller.customer.externalId;
  sendJson(
    gateway,
    exchange,
    await answerUsage(gateway.store, question, { ...asker, shownCustomer }),
  );
}

export async function serveUsageExport(gateway: Gateway, exchange: Exchange): Promise<void> {
  const asker = await usageAsker(gateway, exchange);
  const { format, ...question } = parsePart(ownExportQuery, queryOf(exchange), 'query parameter');
  const table = usageExport(gateway.store, question, asker);
  await sendStreamed(gateway, exchange, await StreamedReply.begin(table, format ?? 'csv'));
}
