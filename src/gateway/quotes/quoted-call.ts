/**
 * Calls that draw on a quote: what the header names, the prices they are bound to, and their reserve.
 *
 * @module
 */
import type { PriceItem } from '../../catalog/index.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { JobRecord } from '../../metering/job-port.ts';
import type { Held, Refused, ReserveCommand } from '../../metering/ports.ts';
import type { NoLeg } from '../../metering/quote-port.ts';
import type { Gateway } from '../gateway.ts';
import { thawRecord, type RecordedOperation } from './quote-record.ts';

/** Names the quote that a call draws on. */
export const QUOTE_HEADER = 'x-gateway-quote';

/** The quote that a call draws on. */
export interface QuotedCall {
  readonly quoteId: string;
  /** Null: the first operation that fits. */
  readonly operationId: string | null;
  readonly priceBookId: string;
  /** By `provider/model`: these are the call's prices. */
  readonly prices: ReadonlyMap<string, PriceItem>;
  /** The same of service tiers that the quote's operations name. */
  readonly tierPrices: ReadonlyMap<string, readonly PriceItem[]>;
  readonly operations: readonly RecordedOperation[];
}

function unusable(message: string): GatewayError {
  return new GatewayError('invalid_request', { status: 422, message, param: QUOTE_HEADER });
}

function unknownQuote(): GatewayError {
  return new GatewayError('not_found', {
    message: 'There is no such quote of this customer.',
    param: QUOTE_HEADER,
  });
}

/**
 * Reads `<token>[;op=<id>]`, the value of {@link QUOTE_HEADER}.
 *
 * @throws GatewayError `invalid_request` (422) for a token that is malformed or expired, `not_found` for another
 *   customer's
 */
export async function quotedCallOf(
  gateway: Gateway,
  text: string,
  customerId: string,
): Promise<QuotedCall> {
  const [, token = '', operationId = null] =
    /^\s*([^;\s]+)\s*(?:;\s*op=([^;\s]+)\s*)?$/.exec(text) ?? [];
  const claims = gateway.quoteTokens.read(token);
  if (claims === null) {
    throw unusable(
      `${QUOTE_HEADER} must be the hold.token of a quote, optionally followed by ";op=<operation id>".`,
    );
  }
  if (claims.customerId !== customerId) throw unknownQuote();
  if (claims.expiresAtMs <= gateway.clock.nowMs()) throw reasonError('expired', operationId);
  const standing = await gateway.store.quotes.standing(claims.quoteId);
  if (standing === null || standing.customerId !== customerId) throw unknownQuote();
  const { operations, prices, tierPrices } = thawRecord(standing.record);
  const { quoteId, priceBookId } = claims;
  return { quoteId, operationId, priceBookId, prices, tierPrices, operations };
}

const AGAIN = `make another with POST /v1/quotes, or call without ${QUOTE_HEADER}.`;

function reasonError(reason: NoLeg['reason'], operationId: string | null): GatewayError {
  switch (reason) {
    case 'unknown_quote':
      return unknownQuote();
    case 'unknown_operation':
      return unusable(`The quote holds no operation "${operationId ?? ''}".`);
    case 'no_match':
      return unusable('The quote holds no operation of this type and model.');
    case 'used':
      return unusable(`Every use of this operation has been drawn; ${AGAIN}`);
    case 'released':
      return unusable(`The quote was released, so it holds nothing any more; ${AGAIN}`);
    case 'expired':
      return unusable(`The quote has expired, so it holds nothing any more; ${AGAIN}`);
    default:
      return reason satisfies never;
  }
}

/**
 * Reserves out of the quote, and with it records `job`, where there is one.
 *
 * @throws GatewayError `invalid_request` (422) where no use of it is left for this call, `not_found`
 */
export async function reserveQuoted(
  gateway: Gateway,
  quote: QuotedCall,
  {
    job,
    ...command
  }: Omit<ReserveCommand, 'priceBookId'> & {
    readonly modelAsked: string;
    readonly job: JobRecord | null;
  },
): Promise<Held | Refused> {
  const { quoteId, operationId, priceBookId } = quote;
  const quoted = { ...command, priceBookId, quoteId, operationId };
  const answer =
    job === null
      ? await gateway.store.quotes.reserve(quoted)
      : await gateway.store.jobs.reserveQuoted(quoted, job);
  if (answer.type === 'no_leg') throw reasonError(answer.reason, operationId);
  return answer;
}

/** Most input tokens that an operation of the quote which this call could draw on was quoted for; null: none states any. */
export function quotedInputTokens(
  quote: QuotedCall,
  call: {
    readonly operation: Operation;
    readonly modelAsked: string;
    readonly model: string;
  },
): number | null {
  const stated = quote.operations
    .filter(
      ({ id, type, modelAsked, candidates }) =>
        (quote.operationId === null || id === quote.operationId) &&
        type === call.operation &&
        (modelAsked === call.modelAsked || candidates.some(({ name }) => name === call.model)),
    )
    .flatMap(({ inputTokens }) => inputTokens ?? []);
  return stated.length === 0 ? null : Math.max(...stated);
}
