/**
 * Makes quotes: prices every operation, has the ledger judge them together in order, and holds them where that is
 * asked for.
 *
 * @module
 */
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import type {
  QuoteCommand,
  QuotedOperation,
  QuoteEvaluation,
  QuoteStanding,
} from '../../metering/quote-port.ts';
import { type Advice, adviceFor, NO_ADVICE } from './advice.ts';
import { withProviderPrices } from './ask-prices.ts';
import { type PricedOperation, priceOperation } from './price-operation.ts';
import { freezeRecord, type QuoteRecord, recordOf } from './quote-record.ts';
import type { QuoteRequest } from './quote-request.ts';

/** Operations that are advised on beyond what the ledger says of itself. */
const ADVISED_MAX = 10;
/** Samples from which the customer's own ratio of output to input is trusted. */
const SAMPLES_MIN = 50;

/** A quote with everything that it is shown from. */
export interface MadeQuote {
  readonly quoteId: string;
  readonly customerId: string;
  readonly priceBookId: string;
  readonly record: QuoteRecord;
  readonly evaluation: QuoteEvaluation;
  readonly legs: QuoteStanding['legs'];
}

/** Who asks, and by what a limit may count it. */
export interface QuoteAsker {
  readonly caller: Caller;
  readonly tags: Readonly<Record<string, string>> | null;
}

/** What the customer's past calls let expect of each operation's output, where there are enough of them. */
async function expectedOutputs(
  gateway: Gateway,
  asker: QuoteAsker,
  request: QuoteRequest,
): Promise<ReadonlyMap<string, number>> {
  const texts = request.operations.flatMap(({ id, type, model, input }) => {
    const [first] = type === 'text.generate' ? (gateway.catalog.resolve(model) ?? []) : [];
    return first === undefined || input.tokens === undefined
      ? []
      : [{ id, model: `${first.provider}/${first.model}`, tokens: input.tokens }];
  });
  if (texts.length === 0) return new Map();
  const models = [...new Set(texts.map(({ model }) => model))];
  const ratios = await gateway.store.quotes.outputRatios(asker.caller.customer.id, models);
  return new Map(
    texts.flatMap(({ id, model, tokens }) => {
      const ratio = ratios.find((one) => one.model === model);
      return ratio === undefined || ratio.samples < SAMPLES_MIN
        ? []
        : [[id, Math.ceil(tokens * ratio.median)] as const];
    }),
  );
}

interface Draft {
  readonly priced: readonly PricedOperation[];
  readonly advice: ReadonlyMap<string, Advice>;
  readonly command: QuoteCommand;
}

function commandOf(
  gateway: Gateway,
  asker: QuoteAsker,
  at: {
    readonly request: QuoteRequest;
    readonly priced: readonly PricedOperation[];
    readonly advice: ReadonlyMap<string, Advice>;
    readonly quoteId: string;
  },
): QuoteCommand {
  const { request, priced, advice } = at;
  const judged = priced.filter(({ problem }) => problem === null);
  const alternatives = new Map([...advice].map(([id, one]) => [id, one.alternatives]));
  return {
    quoteId: at.quoteId,
    customerId: asker.caller.customer.id,
    keyId: asker.caller.key.id,
    token: asker.caller.key.clientToken?.claim ?? null,
    tags: asker.tags,
    // What the ledger is not asked about is refused already.
    mode:
      request.mode === 'all_or_nothing' && judged.length < priced.length ? 'none' : request.mode,
    ttlMs: request.ttlMs,
    priceBookId: gateway.catalog.priceBook.id,
    operations: judged.map((one): QuotedOperation => {
      const own = advice.get(one.id) ?? NO_ADVICE;
      return {
        id: one.id,
        operation: one.type,
        model: one.modelAsked,
        candidates: one.candidates.map(({ bound }) => bound),
        pricing: one.pricing,
        count: one.count,
        holdId: gateway.ids.next('hold'),
        alternatives: own.alternatives.map(({ bound }) => bound),
        reductions: own.reductions,
      };
    }),
    record: freezeRecord(recordOf(priced, alternatives)),
  };
}

/** Prices the operations; what the ledger would refuse gets advice, which it judges with the rest. */
async function draftOf(
  gateway: Gateway,
  asker: QuoteAsker,
  { request, asksProviders }: { readonly request: QuoteRequest; readonly asksProviders: boolean },
): Promise<Draft> {
  const expected = await expectedOutputs(gateway, asker, request);
  const byBook = request.operations.map((operation) =>
    priceOperation(gateway, asker.caller, {
      operation,
      expectedOutputTokens: expected.get(operation.id) ?? null,
    }),
  );
  const priced = asksProviders
    ? await withProviderPrices(gateway, request.operations, byBook)
    : byBook;
  const quoteId = gateway.ids.next('qt');
  const first = commandOf(gateway, asker, { request, priced, advice: new Map(), quoteId });
  const { verdicts } = await gateway.store.quotes.evaluate(first);
  const refused = new Set(verdicts.filter(({ allowed }) => !allowed).map(({ id }) => id));
  const advice = new Map<string, Advice>();
  for (const [index, own] of priced.entries()) {
    const operation = request.operations[index];
    if (operation === undefined || !refused.has(own.id) || advice.size === ADVISED_MAX) continue;
    advice.set(own.id, adviceFor(gateway, asker.caller, { operation, priced: own }));
    // Other calls must not wait until everything has been advised.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (advice.size === 0) return { priced, advice, command: first };
  return {
    priced,
    advice,
    command: commandOf(gateway, asker, { request, priced, advice, quoteId }),
  };
}

function madeOf(draft: Draft, evaluation: QuoteEvaluation): MadeQuote {
  const { command, priced, advice } = draft;
  const alternatives = new Map([...advice].map(([id, one]) => [id, one.alternatives]));
  const held = new Set(evaluation.held);
  return {
    quoteId: command.quoteId,
    customerId: command.customerId,
    priceBookId: command.priceBookId,
    record: recordOf(priced, alternatives),
    evaluation,
    legs: command.operations
      .filter(({ id }) => held.has(id))
      .map(({ id, holdId, count }) => ({
        operationId: id,
        holdId,
        uses: count,
        usesLeft: count,
        state: 'open',
      })),
  };
}

/**
 * Judges operations without a trace: nothing is held, nothing can be read later, no provider is asked.
 *
 * @throws GatewayError `invalid_request` (`hold.ttl_s`), `metering_unavailable`
 */
export async function evaluateQuote(
  gateway: Gateway,
  asker: QuoteAsker,
  request: QuoteRequest,
): Promise<MadeQuote> {
  const draft = await draftOf(gateway, asker, { request, asksProviders: false });
  return madeOf(draft, await gateway.store.quotes.evaluate(draft.command));
}

/**
 * Makes a quote that can be read again, and holds what its mode says.
 *
 * @throws GatewayError `invalid_request` (`hold.ttl_s`), `metering_unavailable`
 */
export async function makeQuote(
  gateway: Gateway,
  asker: QuoteAsker,
  request: QuoteRequest,
): Promise<MadeQuote> {
  const draft = await draftOf(gateway, asker, { request, asksProviders: true });
  return madeOf(draft, await gateway.store.quotes.create(draft.command));
}
