/**
 * `alwrity-gateway call chat`: one request, as a client would send it.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseEvent, SseFramer } from '../../http/sse-framer.ts';
import { CliError } from '../cli-error.ts';
import { parseReply, type GatewayClient } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  wholeNumber,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { readStdin } from '../context.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { formatCount, formatMoney, printable } from '../format.ts';
import { readRefusal, refusalError } from '../gateway-refusal.ts';
import { SCHEMA_VERSION, type Output } from '../output.ts';

/** As long as a gateway lets a text call take at most by default. */
const CALL_TIMEOUT_MS = 3600_000;
const EVENT_BYTES_MAX = 64 * 1024 * 1024;
const SIMULATED_MODEL = 'sim/chat';
const CHAT_PATH = '/v1/chat/completions';

interface Flags extends CommonFlags {
  readonly model?: string;
  readonly stream?: boolean;
  readonly maxTokens?: number;
  readonly system?: string;
  readonly customer?: string;
}

const usageSchema = z.looseObject({
  prompt_tokens: z.number().optional(),
  completion_tokens: z.number().optional(),
  cost: z.string().optional(),
});

const answerSchema = z.looseObject({
  choices: z.array(
    z.looseObject({
      message: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() }),
    }),
  ),
  usage: usageSchema.nullish(),
});

const chunkSchema = z.looseObject({
  choices: z
    .array(z.looseObject({ delta: z.looseObject({ content: z.string().nullish() }).nullish() }))
    .optional(),
  usage: usageSchema.nullish(),
});

const modelsSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      id: z.string(),
      gateway: z.looseObject({
        candidates: z.array(z.string()).nullable(),
        usd_per_million: z.record(z.string(), z.string()),
      }),
    }),
  ),
});

/** The operator's first alias, else the simulator, else the model whose answers cost least. */
async function chooseModel(
  client: GatewayClient,
  headers: Readonly<Record<string, string>>,
  invocation: string,
): Promise<string> {
  const { body } = await client.call('GET', '/v1/models', { headers });
  const { data } = parseReply(modelsSchema, body);
  const alias = data.find((model) => model.gateway.candidates !== null);
  const simulated = data.find((model) => model.id === SIMULATED_MODEL);
  const price = (model: (typeof data)[number]): number =>
    Number(model.gateway.usd_per_million['output_text_tokens'] ?? Number.POSITIVE_INFINITY);
  const [cheapest] = data.toSorted((left, right) => price(left) - price(right));
  const chosen = alias ?? simulated ?? cheapest;
  if (chosen !== undefined) return chosen.id;
  throw new CliError(
    'No model can be called: no provider is configured, or the plan allows none.',
    {
      code: 'model_not_found',
      fixes: [`${invocation} doctor`, `${invocation} models list`],
    },
  );
}

interface Told {
  readonly provider: string | null;
  readonly model: string | null;
  readonly requestId: string | null;
  readonly attempts: number;
  readonly cost: string | null;
  readonly simulated: boolean;
  readonly warnings: string | null;
  readonly usage: z.infer<typeof usageSchema> | null;
}

function tell(headers: Headers, usage: Told['usage']): Told {
  return {
    provider: headers.get('x-gateway-provider'),
    model: headers.get('x-gateway-model'),
    requestId: headers.get('x-request-id'),
    attempts: Number(headers.get('x-gateway-attempts') ?? 0),
    cost: usage?.cost ?? headers.get('x-gateway-cost'),
    simulated: headers.get('x-gateway-simulated') === 'true',
    warnings: headers.get('x-gateway-warnings'),
    usage,
  };
}

function summary(told: Told): Readonly<Record<string, unknown>> {
  return {
    request_id: told.requestId,
    provider: told.provider,
    model: told.model,
    attempts: told.attempts,
    simulated: told.simulated,
    cost_usd: told.cost,
  };
}

function footer(told: Told): string {
  const { usage } = told;
  const parts = [
    `${told.model ?? 'unknown model'}${told.simulated ? ' (simulated)' : ''}`,
    usage === null
      ? ''
      : `${formatCount(usage.prompt_tokens ?? 0)} + ${formatCount(usage.completion_tokens ?? 0)} tokens`,
    told.cost === null ? '' : formatMoney(told.cost),
    told.attempts > 1 ? `${told.attempts} attempts` : '',
    told.warnings ?? '',
    told.requestId ?? '',
  ];
  return parts.filter((part) => part !== '').join('  ·  ');
}

async function printWhole(output: Output, response: Response): Promise<void> {
  const body: unknown = await response.json();
  const answer = parseReply(answerSchema, body);
  const told = tell(response.headers, answer.usage ?? null);
  const text = answer.choices
    .map(({ message }) => message.content ?? message.refusal ?? '')
    .join('\n');
  output.data({ ...summary(told), text, response: body }, () =>
    output.isTerminal ? printable(text) : text,
  );
  if (!output.json) output.message(footer(told));
}

/** Reads the events of a stream; true once its terminal marker came. */
async function readEvents(response: Response, onData: (data: string) => void): Promise<boolean> {
  const framer = new SseFramer(EVENT_BYTES_MAX);
  let isComplete = false;
  for await (const chunk of response.body ?? []) {
    framer.push(Buffer.from(chunk), (bytes, start, end) => {
      const event = parseEvent(bytes, start, end);
      if (event === null) return;
      if (event.data === '[DONE]') isComplete = true;
      else onData(event.data);
    });
  }
  return isComplete;
}

function interrupted(requestId: string | null): CliError {
  return new CliError('The stream ended before the answer was complete.', {
    exitCode: EXIT_CODES.providerError,
    code: 'stream_interrupted',
    details: requestId === null ? [] : [`(${requestId})`],
    fixes: ['repeat the request'],
  });
}

async function printStream(scope: CommandScope, output: Output, response: Response): Promise<void> {
  let usage: Told['usage'] = null;
  let column = 0;
  const requestId = response.headers.get('x-request-id');
  const onData = (data: string): void => {
    const event: unknown = JSON.parse(data);
    const refusal = readRefusal(event);
    if (refusal !== null) {
      if (column > 0) output.raw('\n');
      throw refusalError(refusal, {
        status: 200,
        body: event,
        path: CHAT_PATH,
        context: scope.context,
      });
    }
    const chunk = parseReply(chunkSchema, event);
    usage = chunk.usage ?? usage;
    if (output.json) {
      output.line({ schemaVersion: SCHEMA_VERSION, event: 'chunk', chunk: event });
      return;
    }
    const text = chunk.choices?.map((choice) => choice.delta?.content ?? '').join('') ?? '';
    if (text === '') return;
    column += text.length;
    output.raw(output.isTerminal ? printable(text) : text);
  };
  const isComplete = await readEvents(response, onData).catch((error: unknown) => {
    if (error instanceof CliError) throw error;
    throw interrupted(requestId);
  });
  if (!output.json && column > 0) output.raw('\n');
  if (!isComplete) throw interrupted(requestId);
  const told = tell(response.headers, usage);
  if (output.json)
    output.line({ schemaVersion: SCHEMA_VERSION, event: 'done', ...summary(told), usage });
  else output.message(footer(told));
}

async function runChat(scope: CommandScope, prompt: string, flags: Flags): Promise<void> {
  const { context } = scope;
  const { client, output } = openSession(scope, flags, 'api');
  const text = prompt === '-' ? await readStdin(context) : prompt;
  const headers = flags.customer === undefined ? {} : { 'x-gateway-customer': flags.customer };
  const model = flags.model ?? (await chooseModel(client, headers, context.invocation));
  const response = await client.send('POST', CHAT_PATH, {
    headers,
    timeoutMs: CALL_TIMEOUT_MS,
    body: {
      model,
      messages: [
        ...(flags.system === undefined ? [] : [{ role: 'system', content: flags.system }]),
        { role: 'user', content: text },
      ],
      ...(flags.maxTokens === undefined ? {} : { max_tokens: flags.maxTokens }),
      ...(flags.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    },
  });
  await (flags.stream === true
    ? printStream(scope, output, response)
    : printWhole(output, response));
}

export function registerCall(program: Command, scope: CommandScope): void {
  const call = program.command('call').description('send one request: chat');
  addExamples(call, scope, [['call chat "Hello"', '']]);
  const chat = call
    .command('chat <prompt>')
    .description('ask a model; the answer goes to standard output, its cost to standard error')
    .option('--model <name>', 'provider/model or alias (the first alias, else the cheapest model)')
    .option('--stream', 'print the answer as it comes')
    .option('--max-tokens <number>', 'longest answer', wholeNumber(1, 10_000_000))
    .option('--system <text>', 'instructions that stand before the prompt')
    .option('--customer <id>', 'customer to call for (the one the API key acts as)')
    .action((prompt: string, flags: Flags) => runChat(scope, prompt, flags));
  addExamples(addClientOptions(chat), scope, [
    ['call chat "Hello"', ''],
    ['call chat "Write a haiku" --model sim/chat --stream', ''],
    ['call chat - --json < prompt.txt', 'the prompt from standard input'],
  ]);
}
