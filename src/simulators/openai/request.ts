/**
 * Reads a Chat Completions request (https://platform.openai.com/docs/api-reference/chat/create) and counts its input.
 * Counting rule: text by `core/tokens.ts`; 4 tokens a message and 3 a request for the frame; tools and schemas as
 * their JSON text; an image 85 tokens at low detail and 765 otherwise; audio 10 tokens for every 3,200 bytes begun.
 *
 * @module
 */
import type { AnswerRequest, ToolSpec } from '../core/answer.ts';
import {
  isJsonObject,
  listOf,
  numberOf,
  objectOf,
  stringOf,
  type JsonObject,
} from '../core/json.ts';
import { NO_USAGE, type SimulatedUsage } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import type { Traits } from '../core/traits.ts';

const MESSAGE_TOKENS = 4;
const REQUEST_TOKENS = 3;
const LOW_IMAGE_TOKENS = 85;
const IMAGE_TOKENS = 765;

/** A request that this provider answers with 400. */
export interface InvalidRequest {
  readonly message: string;
  readonly param: string | null;
  readonly code: string | null;
}

export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly obfuscation: boolean;
  readonly logprobs: boolean;
  readonly topLogprobs: number;
  readonly lastRole: string;
  readonly serviceTier: string | null;
  readonly input: SimulatedUsage;
  readonly answer: Omit<AnswerRequest, 'seed' | 'multiByte' | 'emptyContent' | 'filtered'>;
}

function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => stringOf(objectOf(part)['text']) ?? '')
    .join('');
}

interface Counted {
  text: number;
  image: number;
  audio: number;
}

function countPart(part: JsonObject, counted: Counted): void {
  switch (part['type']) {
    case 'image_url': {
      const low = objectOf(part['image_url'])['detail'] === 'low';
      counted.image += low ? LOW_IMAGE_TOKENS : IMAGE_TOKENS;
      break;
    }
    case 'input_audio': {
      const data = stringOf(objectOf(part['input_audio'])['data']) ?? '';
      counted.audio += 10 * Math.max(1, Math.ceil((data.length * 0.75) / 3200));
      break;
    }
    case 'file':
      counted.text += Math.ceil((stringOf(objectOf(part['file'])['file_data']) ?? '').length / 8);
      break;
    default:
      counted.text += countTokens(stringOf(part['text']) ?? '');
  }
}

function countMessage(message: JsonObject, counted: Counted): void {
  counted.text += MESSAGE_TOKENS;
  const content = message['content'];
  if (typeof content === 'string') counted.text += countTokens(content);
  else for (const part of listOf(content)) countPart(objectOf(part), counted);
  for (const call of listOf(message['tool_calls'])) {
    const named = objectOf(objectOf(call)['function']);
    counted.text += countTokens(stringOf(named['name']) ?? '');
    counted.text += countTokens(stringOf(named['arguments']) ?? '');
  }
}

function countInput(
  body: JsonObject,
  messages: readonly JsonObject[],
  cached: number,
): SimulatedUsage {
  const counted: Counted = { text: REQUEST_TOKENS, image: 0, audio: 0 };
  for (const message of messages) countMessage(message, counted);
  const tools = listOf(body['tools']);
  if (tools.length > 0) counted.text += countTokens(JSON.stringify(tools));
  const schema = objectOf(body['response_format'])['json_schema'];
  if (schema !== undefined) counted.text += countTokens(JSON.stringify(schema));
  const inputTokens = counted.text + counted.image + counted.audio;
  return {
    ...NO_USAGE,
    inputTokens,
    cachedTokens: Math.min(cached, counted.text),
    imageTokens: counted.image,
    audioTokens: counted.audio,
  };
}

function toolsOf(body: JsonObject): ToolSpec[] {
  return listOf(body['tools']).flatMap((tool) => {
    const named = objectOf(objectOf(tool)['function']);
    const name = stringOf(named['name']);
    return name === null ? [] : [{ name, schema: named['parameters'] }];
  });
}

function toolChoiceOf(body: JsonObject, lastRole: string): AnswerRequest['toolChoice'] {
  const choice = body['tool_choice'];
  if (choice === 'none') return 'none';
  if (choice === 'required') return 'any';
  if (isJsonObject(choice)) {
    const named = stringOf(objectOf(choice['function'])['name']);
    if (named !== null) return [named];
    const allowed = objectOf(choice['allowed_tools']);
    const names = listOf(allowed['tools']).map((tool) =>
      String(objectOf(objectOf(tool)['function'])['name']),
    );
    if (allowed['mode'] === 'required') return names;
  }
  // A model that has just been given a tool's result answers in words.
  return lastRole === 'tool' ? 'none' : 'asked';
}

function schemaOf(body: JsonObject): AnswerRequest['schema'] {
  const format = objectOf(body['response_format']);
  if (format['type'] === 'json_object') return 'object';
  if (format['type'] !== 'json_schema') return null;
  const schema = objectOf(format['json_schema'])['schema'];
  return schema === undefined ? 'object' : { of: schema };
}

const EFFORT_TOKENS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 8,
  low: 16,
  medium: 32,
  high: 64,
  xhigh: 128,
};

/** Models that think before they answer; `reason` and `think` in a name make one up. */
export function isReasoningModel(model: string): boolean {
  return /(^|\/)(o\d|gpt-5|gpt-oss|deepseek-r1)|reason|think/i.test(model);
}

function reasoningOf(body: JsonObject, model: string, traits: Traits): number {
  if (traits.thoughts !== null) return traits.thoughts;
  const effort = stringOf(body['reasoning_effort']);
  if (effort === null) return isReasoningModel(model) ? (EFFORT_TOKENS['medium'] ?? 0) : 0;
  return EFFORT_TOKENS[effort] ?? 0;
}

function invalid(message: string, param: string | null, code: string | null): InvalidRequest {
  return { message, param, code };
}

function numberProblem(
  body: JsonObject,
  name: string,
  [low, high]: readonly [number, number],
): InvalidRequest | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number') {
    return invalid(`Invalid type for '${name}': expected a number.`, name, 'invalid_type');
  }
  if (value >= low && value <= high) return null;
  const code = value < low ? 'integer_below_min_value' : 'integer_above_max_value';
  return invalid(
    `Invalid '${name}': out of range (${String(low)} to ${String(high)}).`,
    name,
    code,
  );
}

function problemOf(body: JsonObject): InvalidRequest | null {
  if (stringOf(body['model']) === null) {
    return invalid('you must provide a model parameter', null, null);
  }
  if (!Array.isArray(body['messages'])) {
    return invalid(
      "Missing required parameter: 'messages'.",
      'messages',
      'missing_required_parameter',
    );
  }
  if (body['messages'].length === 0) {
    return invalid("Invalid 'messages': empty array.", 'messages', 'empty_array');
  }
  const model = String(body['model']);
  if (/^(o\d|gpt-5)/.test(model) && typeof body['max_tokens'] === 'number') {
    const hint = "Use 'max_completion_tokens' instead.";
    const message = `Unsupported parameter: 'max_tokens' is not supported with this model. ${hint}`;
    return invalid(message, 'max_tokens', 'unsupported_parameter');
  }
  return (
    numberProblem(body, 'max_tokens', [1, 2 ** 31]) ??
    numberProblem(body, 'max_completion_tokens', [1, 2 ** 31]) ??
    numberProblem(body, 'n', [1, 128]) ??
    numberProblem(body, 'temperature', [0, 2])
  );
}

function conversationOf(body: JsonObject, messages: readonly JsonObject[]): string {
  const turns = messages.map((message) => {
    const role = message['role'] === 'developer' ? 'system' : String(message['role']);
    return `${role}:${textOfContent(message['content'])}`;
  });
  return `${turns.join('\n')}\n${JSON.stringify(body['seed'] ?? null)}`;
}

function stopsOf(stop: unknown): readonly string[] {
  if (typeof stop === 'string') return [stop];
  return listOf(stop).filter((item) => typeof item === 'string');
}

function answerOf(
  body: JsonObject,
  messages: readonly JsonObject[],
  traits: Traits,
): ChatRequest['answer'] {
  const model = String(body['model']);
  const lastUser = messages.findLast((message) => message['role'] === 'user');
  const lastRole = stringOf(messages.at(-1)?.['role']) ?? '';
  return {
    conversation: conversationOf(body, messages),
    asked: textOfContent(lastUser?.['content']),
    choices: numberOf(body['n']) ?? 1,
    maxTokens: numberOf(body['max_completion_tokens']) ?? numberOf(body['max_tokens']),
    stop: stopsOf(body['stop']),
    tokens: traits.tokens,
    reasoningTokens: reasoningOf(body, model, traits),
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body, lastRole),
    parallelTools: body['parallel_tool_calls'] !== false,
    schema: schemaOf(body),
  };
}

/** The request, or why it is refused. */
export function readChatRequest(json: unknown, traits: Traits): ChatRequest | InvalidRequest {
  if (!isJsonObject(json)) {
    return invalid('We could not parse the JSON body of your request.', null, null);
  }
  const problem = problemOf(json);
  if (problem !== null) return problem;
  const messages = listOf(json['messages']).map(objectOf);
  const streamOptions = objectOf(json['stream_options']);
  return {
    model: String(json['model']),
    stream: json['stream'] === true,
    includeUsage: streamOptions['include_usage'] === true,
    obfuscation: streamOptions['include_obfuscation'] !== false,
    logprobs: json['logprobs'] === true,
    topLogprobs: numberOf(json['top_logprobs']) ?? 0,
    lastRole: stringOf(messages.at(-1)?.['role']) ?? '',
    serviceTier: stringOf(json['service_tier']),
    input: countInput(json, messages, traits.cached),
    answer: answerOf(json, messages, traits),
  };
}
