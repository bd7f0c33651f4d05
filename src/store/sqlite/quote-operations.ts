/**
 * Quotes as the writer is asked for them by name.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { Held, Refused } from '../../metering/ports.ts';
import type {
  NoLeg,
  QuoteCommand,
  QuotedReserve,
  QuoteEvaluation,
  QuoteLeg,
  QuoteStanding,
} from '../../metering/quote-port.ts';
import type { Accounts } from './accounts.ts';
import type { BatchUnit } from './batch-unit.ts';
import { identityOf } from './hold-history.ts';
import { QuoteTable, type StoredLeg, type StoredQuote } from './quote-table.ts';
import type { ScopeAccounts } from './scope-accounts.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

/** What drawing on quotes takes. */
export interface QuoteParts {
  readonly engine: MeteringEngine;
  readonly accounts: Accounts;
  readonly scopes: ScopeAccounts;
  readonly table: QuoteTable;
}

function usesLeft(engine: MeteringEngine, leg: StoredLeg): number {
  const hold = engine.hold(leg.holdId);
  return hold?.state === 'held' ? (hold.quote?.uses ?? 0) : 0;
}

function standingOf(
  { engine, table }: QuoteParts,
  quote: StoredQuote,
  nowMs: number,
): QuoteStanding {
  const { quoteId, customerId, priceBookId, record, evaluation } = quote;
  const legs = quote.legs.map((leg): QuoteLeg => {
    const { operationId, holdId, uses } = leg;
    const left = usesLeft(engine, leg);
    if (left > 0 && nowMs < quote.expiresAtMs) {
      return { operationId, holdId, uses, usesLeft: left, state: 'open' };
    }
    const state = left > 0 ? 'expired' : (table.endOf(holdId) ?? 'used');
    return { operationId, holdId, uses, usesLeft: 0, state };
  });
  return { quoteId, customerId, priceBookId, record, evaluation, legs };
}

function create(parts: QuoteParts, command: QuoteCommand, unit: BatchUnit): QuoteEvaluation {
  const { engine, accounts, table } = parts;
  const known = table.find(command.quoteId);
  if (known !== null) return known.evaluation;
  accounts.ensure(command.customerId, unit);
  parts.scopes.ensure(command, unit);
  const applied = engine.quote(command, unit.nowMs);
  unit.keep(applied);
  for (const { holdId } of command.operations) {
    const hold = engine.hold(holdId);
    if (hold !== null) unit.opened.set(holdId, identityOf(hold));
  }
  table.add(command, applied.result);
  return applied.result;
}

function matches(leg: StoredLeg, command: QuotedReserve): boolean {
  if (leg.operation !== command.operation) return false;
  return leg.model === command.modelAsked || leg.candidates.includes(command.bound.model);
}

/** The leg that a call draws on, or why there is none. */
function legFor(
  { engine }: QuoteParts,
  quote: StoredQuote,
  at: { readonly command: QuotedReserve; readonly nowMs: number },
): StoredLeg | NoLeg['reason'] {
  const { command } = at;
  const named =
    command.operationId === null
      ? quote.legs
      : quote.legs.filter((leg) => leg.operationId === command.operationId);
  if (named.length === 0) return command.operationId === null ? 'no_match' : 'unknown_operation';
  const fitting = named.filter((leg) => matches(leg, command));
  if (fitting.length === 0) return 'no_match';
  if (quote.releasedAtMs !== null) return 'released';
  if (at.nowMs >= quote.expiresAtMs) return 'expired';
  return fitting.find((leg) => usesLeft(engine, leg) > 0) ?? 'used';
}

/** Takes a call's hold out of a quote. */
export function draw(
  parts: QuoteParts,
  command: QuotedReserve,
  unit: BatchUnit,
): Held | Refused | NoLeg {
  const { engine, accounts, table } = parts;
  // A repetition gets its first answer, whatever has become of the quote.
  if (engine.holdStanding(command.holdId) !== null) {
    return engine.draw({ ...command, legHoldId: '' }, unit.nowMs).result;
  }
  const quote = table.find(command.quoteId);
  if (quote === null || quote.customerId !== command.customerId) {
    return { type: 'no_leg', reason: 'unknown_quote' };
  }
  accounts.ensure(command.customerId, unit);
  if (table.knowsHold(command.holdId)) {
    throw new GatewayError('conflict', {
      message: `The hold ${command.holdId} has been made and ended before.`,
    });
  }
  const leg = legFor(parts, quote, { command, nowMs: unit.nowMs });
  if (typeof leg === 'string') return { type: 'no_leg', reason: leg };
  // A token draws on what was held under its own bound, on nothing else.
  const { token = null } = command;
  if (token !== null && engine.hold(leg.holdId)?.token?.id !== token.id) {
    return { type: 'no_leg', reason: 'unknown_quote' };
  }
  const applied = engine.draw({ ...command, legHoldId: leg.holdId }, unit.nowMs);
  if (applied.journal.length > 0) {
    unit.keep(applied);
    const hold = engine.hold(command.holdId);
    // Limits count where the quote's legs stand; the call itself is its own key's.
    if (hold !== null) {
      unit.opened.set(command.holdId, { ...identityOf(hold), keyId: command.keyId });
    }
  }
  return applied.result;
}

function release(
  parts: QuoteParts,
  { customerId, quoteId }: { readonly customerId: string; readonly quoteId: string },
  unit: BatchUnit,
): QuoteStanding | null {
  const { engine, accounts, table } = parts;
  const quote = table.find(quoteId);
  if (quote === null || quote.customerId !== customerId) return null;
  accounts.ensure(customerId, unit);
  for (const leg of quote.legs) {
    if (usesLeft(engine, leg) === 0) continue;
    unit.keep(engine.void({ holdId: leg.holdId, reason: 'released' }, unit.nowMs));
  }
  table.release(quoteId, unit.nowMs);
  const standing = standingOf(parts, quote, unit.nowMs);
  // The journal is written with the batch; until then it does not tell how these ended.
  const legs = standing.legs.map((leg, index) => {
    const before = quote.legs[index];
    const ended = before === undefined ? null : table.endOf(before.holdId);
    return ended === null ? { ...leg, state: 'released' as const } : leg;
  });
  return { ...standing, legs };
}

export function quoteOperations({
  database,
  engine,
  accounts,
  scopes,
}: Pick<OperationParts, 'database' | 'engine' | 'accounts' | 'scopes'>): OperationTable {
  const parts: QuoteParts = { engine, accounts, scopes, table: new QuoteTable(database) };
  return {
    evaluateQuote: {
      writes: false,
      run([command], unit) {
        const quote = command as QuoteCommand;
        accounts.ensure(quote.customerId, unit);
        scopes.ensure(quote, unit);
        return engine.quote({ ...quote, mode: 'none' }, unit.nowMs).result;
      },
    },
    createQuote: {
      writes: true,
      run: ([command], unit) => create(parts, command as QuoteCommand, unit),
    },
    quoteStanding: {
      writes: false,
      run([quoteId], unit) {
        const quote = parts.table.find(quoteId as string);
        return quote === null ? null : standingOf(parts, quote, unit.nowMs);
      },
    },
    releaseQuote: {
      writes: true,
      run: ([customerId, quoteId], unit) =>
        release(parts, { customerId: customerId as string, quoteId: quoteId as string }, unit),
    },
    drawOnQuote: {
      writes: true,
      run: ([command], unit) => draw(parts, command as QuotedReserve, unit),
    },
  };
}
