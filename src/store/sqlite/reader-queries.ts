/**
 * What the reader thread answers, by name. Each topic makes its own table; the gateway's end calls them by name
 * (`open-sqlite-store.ts`).
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type { PageQuery, RequestLogQuery, RequestQuery, UsageQuery } from '../../metering/ports.ts';
import type { Claim } from '../../metering/idempotency-port.ts';
import { keptReplyReader } from './idempotency-table.ts';
import { alertsQueries } from './alerts-reader.ts';
import { auditQueries } from './audit-table.ts';
import { assetQueries } from './asset-operations.ts';
import { jobQueries } from './job-operations.ts';
import { estimatedHoldQueries } from './estimated-holds.ts';
import { voiceQueries } from './voice-operations.ts';
import { outputRatioReader } from './quote-queries.ts';
import type { SubscriptionEventQuery } from '../../metering/subscription-port.ts';
import { ledgerArchiveQueries } from './ledger-archive.ts';
import { ledgerBackupQueries } from './ledger-backup.ts';
import { ledgerExportQueries } from './ledger-export.ts';
import { planPreviewQueries } from './plan-preview.ts';
import { priceQueries } from './price-operations.ts';
import { reconciliationQueries } from './reconciliation-operations.ts';
import { Reader } from './reader.ts';
import { readSubscriptionEvents } from './subscription-events.ts';
import { readRequestLog } from './request-log.ts';
import { readUsage } from './usage-reader.ts';
import { walletReader } from './wallet-rows.ts';

/** One question; its answer must survive a structured clone. */
export type ReaderAnswer = (args: readonly unknown[]) => unknown;

/** Queries by name. */
export type QueryTable = Readonly<Record<string, ReaderAnswer>>;

function listQueries(reader: Reader): QueryTable {
  return {
    snapshot: () => reader.snapshot(),
    plans: () => reader.plans(),
    customers: ([page]) => reader.customers(page as PageQuery),
    customer: ([name, nowMs]) => reader.customer(name as string, nowMs as number),
    keys: ([page]) => reader.keys(page as PageQuery & { customerId: string | null }),
    requests: ([query]) => reader.requests(query as RequestQuery),
    request: ([requestId]) => reader.request(requestId as string),
    events: ([page]) => reader.events(page as PageQuery),
    verify: () => reader.verify(),
  };
}

function usageQueries(database: DatabaseSync): QueryTable {
  return {
    requestLog: ([query]) => readRequestLog(database, query as RequestLogQuery),
    usage: ([query, nowMs, openHoldIds]) =>
      readUsage(database, query as UsageQuery, {
        nowMs: nowMs as number,
        openHoldIds: openHoldIds as string[],
      }),
  };
}

function idempotencyQueries(database: DatabaseSync): QueryTable {
  const read = keptReplyReader(database);
  return { keptReply: ([claim]) => read(claim as Claim) };
}

function quoteQueries(database: DatabaseSync): QueryTable {
  const ratios = outputRatioReader(database);
  return {
    outputRatios: ([customerId, models]) => ratios(customerId as string, models as string[]),
  };
}

function subscriptionQueries(database: DatabaseSync): QueryTable {
  return {
    subscriptionEvents: ([query]) =>
      readSubscriptionEvents(database, query as SubscriptionEventQuery),
  };
}

function walletQueries(database: DatabaseSync): QueryTable {
  const reader = walletReader(database);
  return {
    wallet: ([customerId, nowMs]) => reader.wallet(customerId as string, nowMs as number),
    walletEntries: ([customerId, page]) => reader.entries(customerId as string, page as PageQuery),
  };
}

/** A line for each topic; no name may stand in two of them. */
export function readerQueries(database: DatabaseSync): ReadonlyMap<string, ReaderAnswer> {
  const tables = [
    listQueries(new Reader(database)),
    walletQueries(database),
    usageQueries(database),
    idempotencyQueries(database),
    alertsQueries(database),
    quoteQueries(database),
    subscriptionQueries(database),
    priceQueries(database),
    planPreviewQueries(database),
    reconciliationQueries(database),
    ledgerExportQueries(database),
    ledgerArchiveQueries(database),
    ledgerBackupQueries(database),
    assetQueries(database),
    jobQueries(database),
    estimatedHoldQueries(database),
    auditQueries(database),
    voiceQueries(database),
  ];
  const queries = new Map<string, ReaderAnswer>();
  for (const table of tables) {
    for (const [name, answer] of Object.entries(table)) {
      if (queries.has(name)) throw new Error(`two queries are called ${name}`);
      queries.set(name, answer);
    }
  }
  return queries;
}
