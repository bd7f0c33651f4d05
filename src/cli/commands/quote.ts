/**
 * `alwrity-gateway quote`: what a workflow may cost, whether it may run, and holding it.
 *
 * @module
 */
import type { Command } from 'commander';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import type { CliContext } from '../context.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { formatAmount, formatInstant, formatMoney } from '../format.ts';
import type { Colors } from '../output.ts';
import { readText } from '../plan-file.ts';
import { limitReply } from '../replies.ts';
import { renderTable } from '../table.ts';

const range = { min: z.string(), expected: z.string(), max: z.string() };

const actionReply = z.looseObject({
  do: z.string(),
  param: z.string().optional(),
  max: z.number().optional(),
  model: z.string().optional(),
  max_cost: z.string().optional(),
  until: z.string().optional(),
  plan: z.string().optional(),
  amount: z.string().optional(),
});

const quoteReply = z.looseObject({
  id: z.string(),
  can_proceed: z.boolean(),
  expires_at: z.string(),
  total: z.object(range).loose(),
  operations: z.array(
    z.looseObject({
      id: z.string(),
      allowed: z.boolean(),
      model: z.string().nullable(),
      cost: z.looseObject(range).nullable(),
      confidence: z.string().nullable(),
      reason: z.object({ code: z.string(), message: z.string() }).nullable(),
      actions: z.array(actionReply),
    }),
  ),
  limits: z.array(limitReply.extend({ requested: z.string(), after: z.string() })),
  hold: z
    .looseObject({
      token: z.string(),
      legs: z.array(
        z.looseObject({ operation: z.string(), uses: z.number(), uses_left: z.number() }),
      ),
    })
    .nullable(),
  warnings: z.array(z.looseObject({ operation: z.string(), message: z.string() })),
});
type Quote = z.infer<typeof quoteReply>;
type Operation = Quote['operations'][number];

function actionText(action: z.infer<typeof actionReply>): string {
  switch (action.do) {
    case 'reduce':
      return `reduce ${action.param ?? ''} to ${action.max ?? ''}`;
    case 'switch_model':
      return `switch to ${action.model ?? ''} (at most ${formatMoney(action.max_cost ?? '')})`;
    case 'wait':
      return `wait until ${formatInstant(action.until)} UTC`;
    case 'upgrade':
      return `upgrade to the plan ${action.plan ?? ''}`;
    case 'top_up':
      return `top up ${formatMoney(action.amount ?? '')}`;
    case 'reactivate':
      return 'reactivate the subscription';
    default:
      return action.do;
  }
}

function operationTable(quote: Quote, colors: Colors): string {
  const money = (name: 'min' | 'expected' | 'max') => ({
    title: name,
    align: 'right' as const,
    value: (row: Pick<Operation, 'cost'>) =>
      row.cost === null ? '?' : formatMoney(row.cost[name]),
  });
  const total = {
    id: 'total',
    model: '',
    cost: quote.total,
    confidence: '',
    verdict: quote.can_proceed ? colors.green('can proceed') : colors.red('cannot proceed'),
  };
  const rows = quote.operations.map((operation) => ({
    ...operation,
    verdict: operation.allowed ? colors.green('yes') : colors.red(operation.reason?.code ?? 'no'),
  }));
  return renderTable(
    [...rows, total],
    [
      { title: 'operation', value: (row) => row.id },
      { title: 'model', value: (row) => row.model ?? '' },
      money('min'),
      money('expected'),
      money('max'),
      { title: 'how sure', value: (row) => row.confidence ?? '' },
      { title: 'allowed', value: (row) => row.verdict },
    ],
    colors,
  );
}

function refusals(quote: Quote, colors: Colors): string[] {
  return quote.operations.flatMap(({ id, reason, actions }) => {
    if (reason === null) return [];
    const doing = actions.map((action) => `    ${colors.dim('→')} ${actionText(action)}`);
    return [`  ${colors.bold(id)}: ${reason.message}`, ...doing];
  });
}

function limitTable(quote: Quote, colors: Colors): string {
  type Limit = Quote['limits'][number];
  const amount = (title: string, value: (row: Limit) => string) => ({
    title,
    align: 'right' as const,
    value: (row: Limit) => formatAmount(row.meter, value(row)),
  });
  return renderTable(
    quote.limits,
    [
      { title: 'limit', value: (row) => row.id },
      { title: 'scope', value: (row) => row.scope },
      amount('of', (row) => row.limit),
      amount('left', (row) => row.remaining),
      amount('asked', (row) => row.requested),
      amount('after', (row) => row.after),
      { title: 'resets (UTC)', value: (row) => formatInstant(row.resets_at) },
    ],
    colors,
  );
}

function holdText(quote: Quote): string[] {
  if (quote.hold === null) return [];
  const left = quote.hold.legs.map(
    ({ operation, uses, uses_left }) => `${operation} ${uses_left}/${uses}`,
  );
  return [
    '',
    `Held until ${formatInstant(quote.expires_at)} UTC; uses left: ${left.join(', ')}`,
    `x-gateway-quote: ${quote.hold.token}`,
  ];
}

function quoteText(quote: Quote, colors: Colors): string {
  const refused = refusals(quote, colors);
  const warnings = quote.warnings.map(
    ({ operation, message }) => `  ${colors.yellow(operation)}: ${message}`,
  );
  return [
    `${colors.bold(quote.id)}, until ${formatInstant(quote.expires_at)} UTC`,
    '',
    operationTable(quote, colors),
    ...(refused.length === 0 ? [] : ['', ...refused]),
    ...(warnings.length === 0 ? [] : ['', ...warnings]),
    ...(quote.limits.length === 0 ? [] : ['', limitTable(quote, colors)]),
    ...holdText(quote),
  ].join('\n');
}

interface Flags extends CommonFlags {
  readonly type: string;
  readonly model?: string;
  readonly tokens?: number;
  readonly chars?: number;
  readonly seconds?: number;
  readonly maxTokens?: number;
  readonly n?: number;
  readonly size?: string;
  readonly quality?: string;
  readonly resolution?: string;
  readonly count?: number;
  readonly hold?: string;
  readonly ttl?: number;
  readonly customer?: string;
  readonly show?: string;
  readonly release?: string;
}

/** Drops members that are not set, and what is empty then. */
function group(members: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const set = Object.entries(members).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

function operationOf(flags: Flags): Record<string, unknown> | undefined {
  const { type, model, tokens, chars, seconds, maxTokens, n, size, quality, resolution } = flags;
  const isVideo = type.startsWith('video.');
  const isImage = type.startsWith('image.');
  return group({
    type,
    model,
    input: group({ tokens, chars, seconds: isVideo ? undefined : seconds }),
    output: group({ max_tokens: maxTokens }),
    image: isImage ? group({ n, size, quality }) : undefined,
    video: isVideo ? group({ seconds, size, resolution }) : undefined,
    count: flags.count,
  });
}

async function bodyOf(
  context: CliContext,
  file: string | undefined,
  flags: Flags,
): Promise<Record<string, unknown>> {
  const hold = group({ mode: flags.hold, ttl_s: flags.ttl });
  if (file === undefined) {
    if (flags.model !== undefined) {
      return { operations: [operationOf(flags)], ...(hold === undefined ? {} : { hold }) };
    }
    throw new CliError('Say what is to be quoted.', {
      exitCode: EXIT_CODES.usage,
      code: 'usage',
      fixes: [
        `${context.invocation} quote workflow.yaml`,
        `${context.invocation} quote --model sim/chat --tokens 1800 --max-tokens 1200`,
      ],
    });
  }
  const document = parseDocument(await readText(context, file));
  const parsed: unknown = document.toJS({ maxAliasCount: 100 });
  if (document.errors.length > 0 || typeof parsed !== 'object' || parsed === null) {
    throw new CliError(`${file} is neither YAML nor JSON of a quote.`, {
      exitCode: EXIT_CODES.usage,
      code: 'invalid_quote',
      details: document.errors.slice(0, 3).map((error) => error.message.split('\n')[0] ?? ''),
      fixes: ['write {"operations": [{"id", "type", "model", …}], "hold": {"mode", "ttl_s"}}'],
    });
  }
  const body = Array.isArray(parsed) ? { operations: parsed as unknown[] } : { ...parsed };
  return hold === undefined ? body : { ...body, hold };
}

async function run(scope: CommandScope, file: string | undefined, flags: Flags): Promise<void> {
  const { client, output } = openSession(scope, flags, 'api');
  const headers = flags.customer === undefined ? {} : { 'x-gateway-customer': flags.customer };
  const at = (id: string): string => `/v1/quotes/${encodeURIComponent(id)}`;
  const ask = async () => {
    if (flags.release !== undefined) return client.call('DELETE', at(flags.release), { headers });
    if (flags.show !== undefined) return client.call('GET', at(flags.show), { headers });
    const body = await bodyOf(scope.context, file, flags);
    return client.call('POST', '/v1/quotes', { headers, body });
  };
  const { body } = await ask();
  const quote = parseReply(quoteReply, body);
  output.data(body, () => quoteText(quote, output.colors));
  const isAsked = flags.show === undefined && flags.release === undefined;
  if (isAsked && !quote.can_proceed) scope.exitWith(EXIT_CODES.refused);
}

export function registerQuote(program: Command, scope: CommandScope): void {
  const amount = wholeNumber(1, 1_000_000_000);
  const quote = program
    .command('quote')
    .description('what operations would cost, whether they may run, and what to do where not')
    .argument(
      '[file]',
      'operations as YAML or JSON, as POST /v1/quotes takes them; - is standard input',
    )
    .option('--type <operation>', 'of one operation, instead of a file', 'text.generate')
    .option('--model <name>', 'its model: provider/model or an alias')
    .option('--tokens <n>', 'input tokens', amount)
    .option('--chars <n>', 'input characters', amount)
    .option('--seconds <n>', 'of audio that goes in, or of video that comes out', amount)
    .option('--max-tokens <n>', 'output tokens at most', amount)
    .option('--n <n>', 'images', amount)
    .option('--size <size>', 'of images or video, such as 1024x1024')
    .option('--quality <name>', 'of images')
    .option('--resolution <name>', 'of video, such as 720p')
    .option('--count <n>', 'uses of the operation', wholeNumber(1, 1000))
    .option('--hold <mode>', 'none, all or all_or_nothing (none)')
    .option('--ttl <seconds>', 'how long it is held (600)', wholeNumber(1, 86_400))
    .option('--customer <id>', 'customer to ask for (the one the API key acts as)')
    .option('--show <id>', 'an earlier quote, with the uses that are left')
    .option('--release <id>', 'free what is left of an earlier quote')
    .action((file: string | undefined, flags: Flags) => run(scope, file, flags));
  addExamples(addClientOptions(quote), scope, [
    ['quote --model sim/chat --tokens 1800 --max-tokens 1200', 'one operation'],
    ['quote --type image.generate --model sim/image --n 4 --hold all', 'and hold it'],
    ['quote workflow.yaml --customer user-1 --json', 'a whole workflow'],
    ['quote --show qt_…', 'what is left of it'],
    ['quote --release qt_…', 'free the rest'],
  ]);
}
