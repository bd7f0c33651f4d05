/**
 * What a simulated model says, before any family puts it on its wire.
 *
 * @module
 */
import { createRandom, type SeededRandom } from './random.ts';
import { sampleSchema } from './schema-sample.ts';
import { proseAnswer, proseOf } from './text.ts';
import { countTokens, splitTokens } from './tokens.ts';

export interface ToolSpec {
  readonly name: string;
  readonly schema: unknown;
}

export interface AnswerRequest {
  readonly seed: string;
  /** What the conversation says, without model and transport options: equal conversations get equal answers. */
  readonly conversation: string;
  /** Text of the last turn of the user. */
  readonly asked: string;
  readonly choices: number;
  /** Reasoning and visible output together, per choice. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  /** Exact length of prose; null lets the seed choose. */
  readonly tokens: number | null;
  readonly reasoningTokens: number;
  readonly tools: readonly ToolSpec[];
  /** Which tools are called; `asked` looks for `call <name>` in the prompt. */
  readonly toolChoice: 'asked' | 'none' | 'any' | readonly string[];
  readonly parallelTools: boolean;
  /** Structured output: a JSON schema, or `object` for any JSON object. */
  readonly schema: { readonly of: unknown } | 'object' | null;
  readonly multiByte: boolean;
  readonly emptyContent: boolean;
  readonly filtered: boolean;
}

export interface ToolCall {
  readonly name: string;
  /** JSON text as tokens; cut short when the token limit was reached. */
  readonly arguments: readonly string[];
}

export interface AnswerChoice {
  readonly reasoning: readonly string[];
  readonly content: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  readonly finish: 'stop' | 'length' | 'tools' | 'filtered';
  /** The stop sequence that ended the text. */
  readonly stopSequence: string | null;
}

/** Output tokens of a choice: reasoning, text, names and arguments of tool calls. */
export function tokensOfChoice(choice: AnswerChoice): number {
  let total = choice.reasoning.length + choice.content.length;
  for (const call of choice.toolCalls) total += countTokens(call.name) + call.arguments.length;
  return total;
}

function wantedTools(request: AnswerRequest): readonly ToolSpec[] {
  const { tools, toolChoice } = request;
  if (tools.length === 0 || toolChoice === 'none') return [];
  const asked = tools.filter((tool) => request.asked.includes(`call ${tool.name}`));
  let wanted: readonly ToolSpec[];
  if (toolChoice === 'asked') wanted = asked;
  else if (toolChoice === 'any') wanted = asked.length > 0 ? asked : tools.slice(0, 1);
  else {
    const allowed = tools.filter((tool) => toolChoice.includes(tool.name));
    const both = allowed.filter((tool) => asked.includes(tool));
    wanted = both.length > 0 ? both : allowed.slice(0, 1);
  }
  return request.parallelTools ? wanted : wanted.slice(0, 1);
}

function jsonAnswer(random: SeededRandom, schema: { readonly of: unknown } | 'object'): string[] {
  const value =
    schema === 'object'
      ? { simulated: true, answer: proseOf(random, 5) }
      : sampleSchema(schema.of, random);
  return splitTokens(JSON.stringify(value));
}

function firstStop(text: string, stops: readonly string[]): { at: number; stop: string } | null {
  let first: { at: number; stop: string } | null = null;
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop);
    if (at >= 0 && (first === null || at < first.at)) first = { at, stop };
  }
  return first;
}

function toolChoiceAnswer(
  random: SeededRandom,
  tools: readonly ToolSpec[],
  budget: number,
): { readonly calls: readonly ToolCall[]; readonly cut: boolean } {
  const calls: ToolCall[] = [];
  let left = budget;
  for (const tool of tools) {
    left -= countTokens(tool.name);
    if (left <= 0) return { calls, cut: true };
    const schema = tool.schema ?? { type: 'object' };
    const tokens = splitTokens(JSON.stringify(sampleSchema(schema, random)));
    calls.push({ name: tool.name, arguments: tokens.slice(0, left) });
    if (tokens.length > left) return { calls, cut: true };
    left -= tokens.length;
  }
  return { calls, cut: false };
}

function textChoice(
  request: AnswerRequest,
  random: SeededRandom,
  budget: number,
): Pick<AnswerChoice, 'content' | 'finish' | 'stopSequence'> {
  if (request.emptyContent) return { content: [], finish: 'stop', stopSequence: null };
  const full =
    request.schema === null
      ? proseAnswer(random, {
          asked: request.asked,
          tokens: request.tokens,
          multiByte: request.multiByte,
        })
      : jsonAnswer(random, request.schema);
  const limited = full.length > budget ? full.slice(0, budget) : full;
  const text = request.stop.length > 0 ? limited.join('') : '';
  const stopped = firstStop(text, request.stop);
  if (stopped !== null) {
    const content = splitTokens(text.slice(0, stopped.at));
    return { content, finish: 'stop', stopSequence: stopped.stop };
  }
  if (request.filtered) {
    const content = limited.slice(0, Math.ceil(limited.length / 2));
    return { content, finish: 'filtered', stopSequence: null };
  }
  const finish = limited.length < full.length ? 'length' : 'stop';
  return { content: limited, finish, stopSequence: null };
}

function planChoice(request: AnswerRequest, index: number): AnswerChoice {
  const random = createRandom(request.seed, request.conversation, index);
  const limit = request.maxTokens ?? Number.POSITIVE_INFINITY;
  const thoughts =
    request.reasoningTokens === 0
      ? []
      : splitTokens(
          proseOf(
            createRandom(request.seed, request.conversation, index, 'thought'),
            request.reasoningTokens,
          ),
        );
  const reasoning = thoughts.slice(0, Math.min(request.reasoningTokens, limit));
  const budget = limit - reasoning.length;
  const tools = wantedTools(request);
  if (tools.length > 0) {
    const { calls, cut } = toolChoiceAnswer(random, tools, budget);
    const finish = cut ? 'length' : 'tools';
    return { reasoning, content: [], toolCalls: calls, finish, stopSequence: null };
  }
  return { reasoning, toolCalls: [], ...textChoice(request, random, budget) };
}

/** The answer of every choice; equal requests get equal answers. */
export function planAnswer(request: AnswerRequest): readonly AnswerChoice[] {
  return Array.from({ length: request.choices }, (_, index) => planChoice(request, index));
}
