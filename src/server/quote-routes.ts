/**
 * The routes of quotes.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { parseQuoteRequest } from '../dialects/quotes/parse.ts';
import { ensureCustomer } from '../gateway/auto-create.ts';
import { withPlan } from '../gateway/charged-price.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import { makeQuote, type MadeQuote } from '../gateway/quotes/make-quote.ts';
import { thawRecord } from '../gateway/quotes/quote-record.ts';
import { showQuote } from '../gateway/quotes/show-quote.ts';
import { assertJsonBody, requestTags } from '../gateway/request-headers.ts';
import type { KeptReply } from '../gateway/reply-seal.ts';
import type { QuoteStanding } from '../metering/quote-port.ts';
import type { Route } from './routes.ts';
import { callerOf, jsonReply, sendJson } from './self-service.ts';

async function serveCreate(gateway: Gateway, exchange: Exchange): Promise<void> {
  if (gateway.settings.autoCreatePlanId !== null) await ensureCustomer(gateway, exchange);
  const caller = await withPlan(gateway, callerOf(gateway, exchange));
  assertJsonBody(exchange);
  const bytes = await exchange.readBody(gateway.settings.maxBodyBytes);
  const request = parseQuoteRequest(bytes, gateway.settings.maxJsonDepth);
  const run = async (): Promise<KeptReply> => {
    const quote = await makeQuote(gateway, { caller, tags: requestTags(exchange) }, request);
    return jsonReply(gateway, exchange, showQuote(quote, gateway.quoteTokens));
  };
  // Without this a client that did not get the reply would hold its funds twice.
  await answerOnce(gateway, exchange, { ownerId: caller.customer.id, body: bytes, run });
}

function madeOf(standing: QuoteStanding): MadeQuote {
  return { ...standing, record: thawRecord(standing.record) };
}

function unknownQuote(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no quote "${id.slice(0, 100)}".` });
}

async function serveRead(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const standing = await gateway.store.quotes.standing(id);
  if (standing === null || standing.customerId !== customer.id) throw unknownQuote(id);
  sendJson(gateway, exchange, showQuote(madeOf(standing), gateway.quoteTokens));
}

async function serveRelease(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const standing = await gateway.store.quotes.release(customer.id, id);
  if (standing === null) throw unknownQuote(id);
  const shown = showQuote(madeOf(standing), gateway.quoteTokens);
  sendJson(gateway, exchange, { ...shown, deleted: true });
}

/** Every route of quotes. */
export function quoteRoutes(gateway: Gateway): readonly Route[] {
  const create = ['/v1/quotes', '/v1/preflight'].map((path): Route => ({
    method: 'POST',
    path,
    isWork: true,
    handle: (exchange) => serveCreate(gateway, exchange),
  }));
  return [
    ...create,
    {
      method: 'GET',
      path: '/v1/quotes/',
      isWork: false,
      handle: (exchange, id) => serveRead(gateway, exchange, id),
    },
    {
      method: 'DELETE',
      path: '/v1/quotes/',
      isWork: false,
      handle: (exchange, id) => serveRelease(gateway, exchange, id),
    },
  ];
}
