/**
 * Translates a chat request into {@link TextOptions}, refusing what cannot be carried over.
 *
 * @module
 */
import { z } from 'zod';
import type {
  Json,
  ReasoningOptions,
  ResponseFormat,
  TextOptions,
  TextTool,
  ToolChoice,
} from '../../../contracts/text.ts';
import { invalidRequest } from '../../validation.ts';
import { chatMessages } from './messages.ts';
import type { ChatRequest } from './schema.ts';

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
/** Name of a schema whose sender gave it none. */
const UNNAMED_SCHEMA = 'answer';
const effortSchema = z.enum(EFFORTS);

function toolOf(tool: NonNullable<ChatRequest['tools']>[number], path: string): TextTool {
  if (tool.type === 'function') {
    const definition = tool.function ?? null;
    if (definition === null) throw invalidRequest(`${path}.function`, 'is required');
    const description = definition['description'];
    const parameters = definition['parameters'];
    return {
      type: 'function',
      name: definition.name,
      ...(typeof description === 'string' ? { description } : {}),
      ...(parameters === undefined || parameters === null
        ? {}
        : { parameters: parameters as Json }),
      ...(typeof definition['strict'] === 'boolean' ? { strict: definition['strict'] } : {}),
    };
  }
  if (
    tool.type === 'web_search' ||
    tool.type === 'web_search_preview' ||
    tool.type === 'google_search'
  ) {
    return { type: 'web-search' };
  }
  throw invalidRequest(
    `${path}.type`,
    `"${tool.type}" cannot be translated for this model's provider`,
  );
}

function toolsOf(request: ChatRequest): readonly TextTool[] {
  const tools = (request.tools ?? []).map((tool, index) => toolOf(tool, `tools[${index}]`));
  if ((request.web_search_options ?? null) === null) return tools;
  const size = request.web_search_options?.['search_context_size'];
  return [
    ...tools,
    {
      type: 'web-search',
      ...(size === 'low' || size === 'medium' || size === 'high' ? { contextSize: size } : {}),
    },
  ];
}

function toolChoiceOf(choice: ChatRequest['tool_choice']): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (typeof choice === 'string')
    throw invalidRequest('tool_choice', 'must be "auto", "none", "required" or a named function');
  const named = choice['function'];
  const name =
    typeof named === 'object' && named !== null && 'name' in named ? named.name : undefined;
  if (choice.type !== 'function' || typeof name !== 'string') {
    throw invalidRequest(
      'tool_choice',
      'must name a function: {"type":"function","function":{"name":"…"}}',
    );
  }
  return { type: 'function', name };
}

function responseFormatOf(format: ChatRequest['response_format']): ResponseFormat | undefined {
  if (format === null || format === undefined) return undefined;
  switch (format.type) {
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema': {
      const schema = format.json_schema ?? null;
      if (schema === null) throw invalidRequest('response_format.json_schema', 'is required');
      const description = schema['description'];
      return {
        type: 'json-schema',
        name: schema.name ?? UNNAMED_SCHEMA,
        schema: (schema.schema ?? {}) as Json,
        ...(typeof description === 'string' ? { description } : {}),
        ...(typeof schema.strict === 'boolean' ? { strict: schema.strict } : {}),
      };
    }
    default:
      throw invalidRequest(
        'response_format.type',
        'must be "text", "json_object" or "json_schema"',
      );
  }
}

function reasoningOf(request: ChatRequest): ReasoningOptions | undefined {
  const effort = request.reasoning_effort ?? null;
  if (effort === null) return undefined;
  const parsed = effortSchema.safeParse(effort);
  if (!parsed.success)
    throw invalidRequest('reasoning_effort', `must be one of ${EFFORTS.join(', ')}`);
  return { effort: parsed.data };
}

/** Refuses what a translation would lose, and with it what was asked for. */
function assertTranslatable(request: ChatRequest): void {
  const { functions, function_call: choice, modalities, audio } = request;
  if ((Array.isArray(functions) && functions.length > 0) || (choice ?? null) !== null) {
    const param = (choice ?? null) === null ? 'functions' : 'function_call';
    throw invalidRequest(param, 'is obsolete: use tools and tool_choice');
  }
  if (Array.isArray(modalities) && modalities.some((modality) => modality !== 'text'))
    throw invalidRequest('modalities', 'this model answers in text alone');
  if ((audio ?? null) !== null) throw invalidRequest('audio', 'this model answers in text alone');
}

/** Keeps the members that are neither null nor undefined. */
function present<Shape extends object>(
  shape: Shape,
): { [Key in keyof Shape]?: NonNullable<Shape[Key]> } {
  const kept: { [Key in keyof Shape]?: NonNullable<Shape[Key]> } = {};
  for (const key in shape) {
    const value = shape[key];
    if (value !== null && value !== undefined) kept[key] = value as NonNullable<typeof value>;
  }
  return kept;
}

/** @throws GatewayError `invalid_request` naming the field that has no translation */
export function chatOptions(request: ChatRequest): TextOptions {
  assertTranslatable(request);
  const tools = toolsOf(request);
  const { stop } = request;
  return {
    messages: chatMessages(request.messages),
    ...present({
      tools: tools.length === 0 ? null : tools,
      toolChoice: toolChoiceOf(request.tool_choice),
      parallelToolCalls: request.parallel_tool_calls,
      responseFormat: responseFormatOf(request.response_format),
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens,
      temperature: request.temperature,
      topP: request.top_p,
      presencePenalty: request.presence_penalty,
      frequencyPenalty: request.frequency_penalty,
      stop: typeof stop === 'string' ? [stop] : stop,
      seed: request.seed,
      n: request.n,
      logprobs: request.logprobs,
      topLogprobs: request.top_logprobs,
      logitBias: request.logit_bias,
      reasoning: reasoningOf(request),
      user: request.user,
      serviceTier: request.service_tier,
      providerOptions: request.provider_options as Record<string, Json> | null | undefined,
    }),
  };
}
