/**
 * `alwrity-gateway prices …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import { usageError } from '../cli-error.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  collect,
  openSession,
  showList,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatCount, formatInstant } from '../format.ts';
import type { Colors } from '../output.ts';
import { renderTable } from '../table.ts';
import { registerPriceRules } from './price-rules.ts';

const rates = z.record(z.string(), z.string());
const when = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const priceReply = z.looseObject({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  service_tier: z.string(),
  effective_from: z.string().nullable(),
  effective_to: z.string().nullable(),
  tiers: z.array(z.looseObject({ above_input_tokens: z.number(), usd_per_million: rates })),
  media: z.array(z.looseObject({ unit: z.string(), usd_per_million: z.string(), when })),
  source: z.string(),
});

const bookReply = z.looseObject({
  id: z.string(),
  from: z.string(),
  to: z.string().nullable(),
  prices: z.number(),
});

const explanationReply = z.looseObject({
  price: priceReply,
  tier: z.looseObject({ input_tokens: z.number(), above_input_tokens: z.number() }),
  lines: z.array(
    z.looseObject({
      unit: z.string(),
      counted: z.number(),
      billed: z.number(),
      usd_per_million: z.string(),
      usd: z.string(),
      priced_as: z.string().nullable(),
      when,
    }),
  ),
  exact: z.string(),
  cost: z.string(),
});
type Explanation = z.infer<typeof explanationReply>;

const explainedReply = z.looseObject({
  request: z.string(),
  price_book: z.string().nullable(),
  cost: z.string(),
  matches: z.boolean(),
  attempts: z.array(
    z.looseObject({
      n: z.number(),
      provider: z.string(),
      model: z.string(),
      billable: z.string(),
      booked: z.string(),
      explanation: explanationReply.nullable(),
      matches: z.boolean().nullable(),
    }),
  ),
});

/** `$30` of `30.000000000`: rates are read by people, and have up to nine places. */
function rateText(usd: string): string {
  return `$${usd.replace(/\.?0+$/, '')}`;
}

function whenText(conditions: z.infer<typeof when>): string {
  return Object.entries(conditions)
    .map(([dimension, values]) => `${dimension} ${String(values).replaceAll(',', '|')}`)
    .join(', ');
}

function priceText(price: z.infer<typeof priceReply>): string {
  const tokens = Object.entries(price.tiers[0]?.usd_per_million ?? {}).map(
    ([unit, usd]) => `${unit} ${rateText(usd)}`,
  );
  const media = price.media.map(({ unit, usd_per_million, when: conditions }) => {
    const condition = whenText(conditions);
    return `${unit}${condition === '' ? '' : ` (${condition})`} ${rateText(usd_per_million)}`;
  });
  return [...tokens, ...media].join('; ');
}

function explanationText(explained: Explanation, colors: Colors): string {
  const { price, tier } = explained;
  const table = renderTable(
    explained.lines,
    [
      { title: 'unit', value: (line) => line.unit },
      { title: 'counted', align: 'right', value: (line) => formatCount(line.counted) },
      {
        title: 'billed',
        align: 'right',
        value: (line) => (line.billed === line.counted ? '' : formatCount(line.billed)),
      },
      { title: '$/million', align: 'right', value: (line) => rateText(line.usd_per_million) },
      { title: 'USD', align: 'right', value: (line) => line.usd },
      {
        title: '',
        value: (line) =>
          line.priced_as === null ? whenText(line.when) : `priced as ${line.priced_as}`,
      },
    ],
    colors,
  );
  const above =
    tier.above_input_tokens === 0
      ? ''
      : `, tier above ${formatCount(tier.above_input_tokens)} tokens`;
  return [
    `price ${price.id}, service tier ${price.service_tier}${above}, by ${price.source}`,
    table,
    `sum ${explained.exact}, rounded up once: ${explained.cost}`,
  ].join('\n');
}

function requestText(explained: z.infer<typeof explainedReply>, colors: Colors): string {
  const attempts = explained.attempts.map((attempt) => {
    const head = `attempt ${attempt.n}: ${attempt.provider}/${attempt.model}, booked ${attempt.booked}`;
    if (attempt.explanation !== null) {
      const verdict = attempt.matches === true ? colors.green('as booked') : colors.red('DIFFERS');
      return `${head}, ${verdict}\n${explanationText(attempt.explanation, colors)}`;
    }
    return attempt.billable === 'yes'
      ? `${head}: its price is not archived`
      : `${head}: nothing was billed`;
  });
  const total = `cost ${explained.cost}${explained.matches ? '' : ` ${colors.red('DIFFERS')}`}`;
  return [...attempts, total].join('\n\n');
}

interface ListFlags extends CommonFlags {
  readonly limit: number;
  readonly provider?: string;
  readonly model?: string;
  readonly unit?: string;
  readonly at?: string;
}

function registerList(prices: Command, scope: CommandScope): void {
  const list = addLimitOption(prices.command('list'))
    .description('list prices, in US dollars for a million units')
    .option('--provider <id>', 'of this provider only')
    .option('--model <id>', 'of this model, as the provider knows it')
    .option('--unit <unit>', 'that price this unit, such as images')
    .option('--at <time>', 'that held then, such as 2026-11-01')
    .action(async (flags: ListFlags) => {
      const { provider, model, unit, at, limit } = flags;
      const request = { path: '/prices', limit, query: { provider, model, unit, at } };
      await showList(openSession(scope, flags), request, {
        schema: priceReply,
        empty: 'No prices. Prices of your own stand in gateway.yaml under models.prices.',
        columns: [
          { title: 'price', value: (price) => price.id },
          { title: 'tier', value: (price) => price.service_tier },
          { title: 'from', value: (price) => price.effective_from?.slice(0, 10) ?? '' },
          { title: 'until', value: (price) => price.effective_to?.slice(0, 10) ?? '' },
          { title: '$ for a million', value: priceText },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['prices list --provider sim', ''],
    ['prices list --unit images', ''],
  ]);
}

function registerHistory(prices: Command, scope: CommandScope): void {
  const history = addLimitOption(prices.command('history'))
    .description('list the price books that were in force, newest first')
    .action(async (flags: CommonFlags & { readonly limit: number }) => {
      await showList(
        openSession(scope, flags),
        { path: '/price-books', limit: flags.limit },
        {
          schema: bookReply,
          empty: 'No price book was in force yet.',
          columns: [
            { title: 'book', value: (book) => book.id },
            { title: 'from (UTC)', value: (book) => formatInstant(book.from) },
            {
              title: 'until',
              value: (book) => (book.to === null ? 'now' : formatInstant(book.to)),
            },
            { title: 'prices', align: 'right', value: (book) => formatCount(book.prices) },
          ],
        },
      );
    });
  addExamples(addClientOptions(history), scope, [['prices history', '']]);
}

function usageOf(pairs: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const match = /^([a-z0-9_]+)=(\d{1,12})$/.exec(pair);
      if (match === null) {
        throw usageError(`${pair} is no usage; write it as unit=count.`, [
          '--usage input_text_tokens=1000',
        ]);
      }
      return [match[1] ?? '', Number(match[2])];
    }),
  );
}

interface ExplainFlags extends CommonFlags {
  readonly model?: string;
  readonly usage?: readonly string[];
  readonly serviceTier?: string;
  readonly at?: string;
}

function registerExplain(prices: Command, scope: CommandScope): void {
  const explain = prices
    .command('explain [request]')
    .description('show the arithmetic of a booked request, or of a usage that you name')
    .option('--model <provider/model>', 'price a usage on this model')
    .option('--usage <unit=count>', 'units of that usage; may be repeated', collect)
    .option('--service-tier <tier>', 'as served in this tier, such as flex')
    .option('--at <time>', 'by the prices of that time')
    .action(async (request: string | undefined, flags: ExplainFlags) => {
      const { client, output } = openSession(scope, flags);
      if (request !== undefined) {
        const path = `/requests/${encodeURIComponent(request)}/explain`;
        await showOne({ client, output }, path, {
          schema: explainedReply,
          text: requestText,
        });
        return;
      }
      const usage = usageOf(flags.usage ?? []);
      const body = await client.admin('POST', '/prices/explain', {
        body: {
          model: flags.model ?? '',
          usage,
          ...(flags.serviceTier === undefined ? {} : { service_tier: flags.serviceTier }),
          ...(flags.at === undefined ? {} : { at: flags.at }),
        },
      });
      output.data(body, () => explanationText(parseReply(explanationReply, body), output.colors));
    });
  addExamples(addClientOptions(explain), scope, [
    ['prices explain req_…', ''],
    ['prices explain --model sim/chat --usage input_text_tokens=1000', ''],
  ]);
}

export function registerPrices(program: Command, scope: CommandScope): void {
  const prices = program
    .command('prices')
    .alias('price')
    .description('prices: list, history, rules, explain a cost');
  addExamples(prices, scope, [
    ['prices list --provider sim', ''],
    ['prices explain req_…', 'the arithmetic of a request'],
  ]);
  registerList(prices, scope);
  registerHistory(prices, scope);
  registerExplain(prices, scope);
  registerPriceRules(prices, scope);
}
