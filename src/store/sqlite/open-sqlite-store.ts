/**
 * The embedded metering store: one writer thread on SQLite that decides in memory and commits in groups, one
 * reader thread beside it.
 *
 * @module
 */
import type { LimitInput } from '../../contracts/metering.ts';
import type { UnknownPolicy } from '../../metering/core/types.ts';
import type {
  Directory,
  Ledger,
  MeteringStore,
  SubscriptionRecord,
  UsageReader,
} from '../../metering/ports.ts';
import { alertingOver } from './alerts-store.ts';
import { assetsOver } from './asset-operations.ts';
import { voicesOver } from './voice-operations.ts';
import type { Durability } from './database.ts';
import { ledgerOperationsOver } from './ledger-operations-link.ts';
import { idempotencyOver } from './idempotency-link.ts';
import { quotesOver } from './quotes-link.ts';
import { limitBookOver, limitsOver } from './limits-link.ts';
import { auditOver } from './audit-table.ts';
import { pricesOver } from './price-operations.ts';
import { jobsOver } from './job-operations.ts';
import type { ReaderLink } from './reader-link.ts';
import { planPreviewsOver } from './plan-preview.ts';
import { Readers } from './readers.ts';
import { reconciliationsOver } from './reconciliation-operations.ts';
import { subscriptionsOver } from './subscription-link.ts';
import { startThread } from './thread.ts';
import { unbookedOver } from './unbooked.ts';
import { walletsOver } from './wallet-link.ts';
import {
  type FlatValue,
  putCall,
  putClaimEnd,
  putExtend,
  putProgress,
  putReserve,
  putMargins,
  putSettle,
  putVoid,
} from './wire.ts';
import { CLOSE, type WalletAlertLevels } from './worker-options.ts';
import { WriterLink } from './writer-link.ts';

export interface SqliteStoreOptions {
  /** Made where it is missing; only one process may have it. */
  readonly dataDir: string;
  readonly durability: Durability;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly clock?: () => number;
  /** How long a call that a crash cut off waits for its settlement before it is estimated; default 15 minutes. */
  readonly unknownGraceMs?: number;
  /** What is charged for it then; default `charge_observed`. */
  readonly unknownPolicy?: UnknownPolicy;
  /** How long rows of the request log are kept; null, the default: for ever. */
  readonly keepRequestsMs?: number | null;
  /** Limits of the whole deployment (`scope: deployment`) and of its providers (`provider:<id>`). */
  readonly deploymentLimits?: readonly LimitInput[];
  /** Below what customers are told that their wallet is low; null, the default: never. */
  readonly walletAlerts?: WalletAlertLevels | null;
}

const DEFAULT_GRACE_MS = 15 * 60_000;

const DURABILITY_SENTENCES: Readonly<Record<Durability, string>> = {
  process:
    'Bookings survive a killed process; a power cut may roll back the last commits (durability: power prevents that).',
  power: 'Bookings survive a killed process and a power cut.',
};

/** A command that is not on the hot path. */
function callWriter<Value>(
  link: WriterLink,
  name: string,
  args: readonly FlatValue[],
): Promise<Value> {
  return link.ask((flat, call) => {
    putCall(flat, call, { name, args });
  });
}

function ledgerOver(link: WriterLink, readers: Pick<ReaderLink, 'ask'>, now: () => number): Ledger {
  return {
    reserve: (command) =>
      link.ask((flat, call) => {
        putReserve(flat, call, command);
      }, command.holdId),
    extend: (command) =>
      link.ask((flat, call) => {
        putExtend(flat, call, command);
      }, command.holdId),
    settle: (command) =>
      link.ask((flat, call) => {
        if (command.claim !== undefined) putClaimEnd(flat, command.claim);
        putMargins(flat, command.charges);
        putSettle(flat, call, command);
      }),
    void: (command) =>
      link.ask((flat, call) => {
        if (command.claim !== undefined) putClaimEnd(flat, command.claim);
        putVoid(flat, call, command);
      }),
    progress(holdId, charges, providerRequestId = null) {
      link.tell((flat) => {
        putProgress(flat, holdId, { charges, providerRequestId });
      });
    },
    limits: limitsOver(link, readers, now),
    verify: () => readers.ask('verify', []),
  };
}

function directoryOver(
  link: WriterLink,
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): Directory {
  return {
    snapshot: () => readers.ask('snapshot', []),
    createPlan: (plan) => callWriter(link, 'createPlan', [plan]),
    addPlanVersion: (plan, apply) => callWriter(link, 'addPlanVersion', [plan, apply]),
    plans: () => readers.ask('plans', []),
    createCustomer: (customer) => callWriter(link, 'createCustomer', [customer]),
    customers: (page) => readers.ask('customers', [page]),
    customer: (idOrExternalId) => readers.ask('customer', [idOrExternalId, now()]),
    patchSubscription: (customerId, patch) =>
      callWriter<SubscriptionRecord>(link, 'patchSubscription', [customerId, patch]),
    createKey: async (key) => {
      await callWriter(link, 'createKey', [key]);
    },
    revokeKey: (keyId, atMs) => callWriter(link, 'revokeKey', [keyId, atMs]),
    keys: (page) => readers.ask('keys', [page]),
  };
}

function readerOver(
  link: WriterLink,
  readers: Pick<ReaderLink, 'ask'>,
  now: () => number,
): UsageReader {
  return {
    async usage(query) {
      const openHoldIds = await callWriter<readonly string[]>(link, 'openHolds', [
        query.customerId,
      ]);
      return readers.ask('usage', [query, now(), openHoldIds]);
    },
    requests: (query) => readers.ask('requests', [query]),
    request: (requestId) => readers.ask('request', [requestId]),
    requestLog: (query) => readers.ask('requestLog', [query]),
    events: (page) => readers.ask('events', [page]),
  };
}

/** The ports of a store over its two threads' ends. */
export function storeOver(ends: {
  readonly link: WriterLink;
  readonly readers: Pick<ReaderLink, 'ask'>;
  readonly now: () => number;
}): Omit<MeteringStore, 'durability' | 'close' | 'unbooked'> {
  const { link, readers, now } = ends;
  return {
    ledger: ledgerOver(link, readers, now),
    limitBook: limitBookOver(link),
    directory: directoryOver(link, readers, now),
    planPreviews: planPreviewsOver(readers, now),
    reader: readerOver(link, readers, now),
    idempotency: idempotencyOver(link, readers),
    subscriptions: subscriptionsOver(link, readers),
    alerting: alertingOver({
      write: (name, args) => callWriter(link, name, args as readonly FlatValue[]),
      read: (name, args) => readers.ask(name, args),
      onOutboxChange: (listener) => link.onOutboxChange(listener),
    }),
    quotes: quotesOver(link, readers),
    prices: pricesOver(link, readers),
    audit: auditOver(link, readers),
    ledgerOperations: ledgerOperationsOver(link, readers, now),
    assets: assetsOver(link, readers),
    jobs: jobsOver(link, readers),
    voices: voicesOver(link, readers),
    reconciliations: reconciliationsOver(link, readers),
    wallets: walletsOver(link, readers, now),
  };
}

/**
 * Opens the store, creating the plans and the customer of a first start where there are none.
 *
 * @throws Error with one sentence for the operator: the directory is in use, the schema is newer, the ledger
 *   does not match its journal
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<MeteringStore> {
  const { dataDir, durability } = options;
  const now = options.clock ?? Date.now;
  const worker = await startThread('writer-worker', {
    dataDir,
    durability,
    nowMs: now(),
    graceMs: options.unknownGraceMs ?? DEFAULT_GRACE_MS,
    policy: options.unknownPolicy ?? 'charge_observed',
    keepRequestsMs: options.keepRequestsMs ?? null,
    deploymentLimits: options.deploymentLimits ?? [],
    walletAlerts: options.walletAlerts ?? null,
  });
  const link = new WriterLink(worker, now);
  const readers = new Readers(dataDir);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      link.fail('The metering store has stopped; nothing was booked.');
      resolve();
    });
  });
  worker.on('error', (error) => {
    link.fail(
      `The metering store has stopped: ${error instanceof Error ? error.message : 'unknown fault'}`,
    );
  });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await link.drained();
    await readers.close();
    worker.postMessage(CLOSE);
    await exited;
  };
  return {
    ...storeOver({ link, readers, now }),
    unbooked: unbookedOver(dataDir, now),
    durability: DURABILITY_SENTENCES[durability],
    close: () => (closing ??= close()),
  };
}
