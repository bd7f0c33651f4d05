/**
 * What providers say that quoted operations will cost, where they tell. It informs a quote: what is held and booked rests on the price
 * book, and a provider that does not answer in time changes nothing.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { NanoUsd } from '../../contracts/money.ts';
import type { PricedCall, PriceTeller } from '../../contracts/price-question.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import type { ConfiguredProvider, Gateway } from '../gateway.ts';
import { askProvider, questionTarget } from '../provider-question.ts';
import type { PricedOperation } from './price-operation.ts';
import type { QuoteRequestOperation } from './quote-request.ts';

/** Operations of one quote that are asked about. */
const ASKED_MAX = 10;
/** A quote does not wait longer, in milliseconds. */
const PATIENCE_MS = 2_000;

/** What is left to the provider says nothing. */
function named(text: string | undefined): string | null {
  return text === undefined || text.toLowerCase() === 'auto' ? null : text;
}

function callOf({ type, image, video }: QuoteRequestOperation): PricedCall {
  return {
    operation: type,
    pictures: image?.n ?? null,
    size: named(image?.size ?? video?.size),
    seconds: video?.seconds ?? null,
    resolution: named(video?.resolution),
    withAudio: video?.audio ?? null,
  };
}

interface Question {
  readonly id: string;
  readonly provider: ConfiguredProvider;
  readonly teller: PriceTeller;
  readonly request: WireRequest;
}

/** What to ask for an operation. Who is charged by another price than the book's is told nothing of the provider's. */
function questionOf(
  gateway: Gateway,
  operation: QuoteRequestOperation,
  priced: PricedOperation,
): Question | null {
  const [first] = priced.candidates;
  if (first === undefined || priced.pricing !== 'priced' || priced.problem !== null) return null;
  const provider = gateway.providers.get(first.provider);
  const teller = provider?.definition.prices;
  if (provider === undefined || teller === undefined) return null;
  const model = first.name.slice(first.provider.length + 1);
  const own = gateway.catalog.priceOf(first.provider, model, gateway.clock.nowMs());
  if (own === null || priced.prices.get(first.name) !== own) return null;
  const request = teller.ask(callOf(operation), questionTarget(provider, model));
  return request === null ? null : { id: operation.id, provider, teller, request };
}

async function answerTo(gateway: Gateway, question: Question): Promise<NanoUsd | null> {
  const { provider, teller, request } = question;
  try {
    return teller.read(await askProvider(gateway, provider, { request, patienceMs: PATIENCE_MS }));
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** The operations, the first candidate of each with its provider's own figure for one use where there is one. */
export async function withProviderPrices(
  gateway: Gateway,
  operations: readonly QuoteRequestOperation[],
  priced: readonly PricedOperation[],
): Promise<readonly PricedOperation[]> {
  const questions = operations
    .flatMap((operation, at) => {
      const own = priced[at];
      return own === undefined ? [] : (questionOf(gateway, operation, own) ?? []);
    })
    .slice(0, ASKED_MAX);
  if (questions.length === 0) return priced;
  const answers = await Promise.all(
    questions.map(async (question) => [question.id, await answerTo(gateway, question)] as const),
  );
  const told = new Map(answers);
  return priced.map((one) => {
    const providerNanoUsd = told.get(one.id) ?? null;
    const [first, ...others] = one.candidates;
    if (providerNanoUsd === null || first === undefined) return one;
    return { ...one, candidates: [{ ...first, providerNanoUsd }, ...others] };
  });
}
