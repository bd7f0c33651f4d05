/**
 * `TextOptions` as the body of a chat completions request
 * (https://platform.openai.com/docs/api-reference/chat/create).
 *
 * @module
 */
import type {
  ProviderWarning,
  ResponseFormat,
  TextOptions,
  TextTool,
  ToolChoice,
} from '../../contracts/text.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { ownProviderOptions } from './provider-options.ts';
import type {
  OpenAiCompatibleQuirks,
  OpenAiCompatibleServer,
  UnsupportedOption,
} from './quirks.ts';
import { requestHeaders } from './request-headers.ts';
import { wireMessages, type WireMessage } from './request-messages.ts';
import { reasoningMembers } from './request-reasoning.ts';
import { WarningList } from './warnings.ts';

type Members = Readonly<Record<string, unknown>>;

/** Path of the chat endpoint of a server. */
export function chatPath(server: OpenAiCompatibleServer): string {
  return `${server.versionSegment}/chat/completions`;
}

/** Options that go out as they are, under the wire's name. */
const PLAIN_OPTIONS = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['stop', 'stop'],
  ['n', 'n'],
  ['logprobs', 'logprobs'],
  ['topLogprobs', 'top_logprobs'],
  ['logitBias', 'logit_bias'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['user', 'user'],
  ['serviceTier', 'service_tier'],
] as const;

function isUnsupported(quirks: OpenAiCompatibleQuirks, option: string): boolean {
  const unsupported: readonly string[] = quirks.unsupported satisfies readonly UnsupportedOption[];
  return unsupported.includes(option);
}

function plainMembers(
  options: TextOptions,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): Members {
  const members: Record<string, unknown> = {};
  for (const [option, member] of PLAIN_OPTIONS) {
    const value = options[option];
    if (value === undefined) continue;
    if (!isUnsupported(quirks, option)) members[member] = value;
    // One choice is what every server gives, asked or not.
    else if (option !== 'n' || value !== 1) {
      warnings.dropped(option, 'This provider does not support it.');
    }
  }
  return members;
}

function webSearchMembers(
  tool: Extract<TextTool, { type: 'web-search' }>,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): { readonly tool: Members | null; readonly options: Members | null } {
  if (quirks.webSearch.kind === 'none') {
    warnings.dropped('tools.web-search', 'This provider has no web search of its own.');
    return { tool: null, options: null };
  }
  if (tool.maxUses !== undefined) {
    warnings.dropped('tools.web-search.maxUses', 'This provider takes no maximum of searches.');
  }
  const size = tool.contextSize === undefined ? {} : { search_context_size: tool.contextSize };
  switch (quirks.webSearch.kind) {
    case 'options':
    case 'always':
      return { tool: null, options: size };
    case 'tool': {
      const parameters = tool.contextSize === undefined ? {} : { parameters: size };
      return { tool: { type: quirks.webSearch.type, ...parameters }, options: null };
    }
  }
}

function functionTool(tool: Extract<TextTool, { type: 'function' }>): Members {
  return {
    type: 'function',
    function: {
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      ...(tool.parameters === undefined ? {} : { parameters: tool.parameters }),
      ...(tool.strict === undefined ? {} : { strict: tool.strict }),
    },
  };
}

function toolMembers(
  options: TextOptions,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): Members {
  const tools: Members[] = [];
  let searchOptions: Members | null = null;
  for (const tool of options.tools ?? []) {
    if (tool.type === 'function') {
      if (isUnsupported(quirks, 'tools')) {
        warnings.dropped('tools', 'This provider does not call functions.');
      } else tools.push(functionTool(tool));
      continue;
    }
    const search = webSearchMembers(tool, quirks, warnings);
    if (search.tool !== null) tools.push(search.tool);
    searchOptions = search.options ?? searchOptions;
  }
  const choice = toolChoiceOf(options.toolChoice);
  if (choice !== undefined && isUnsupported(quirks, 'toolChoice')) {
    warnings.dropped('toolChoice', 'This provider does not support it.');
  }
  return {
    ...(tools.length === 0 ? {} : { tools }),
    ...(choice === undefined || isUnsupported(quirks, 'toolChoice') ? {} : { tool_choice: choice }),
    ...(searchOptions === null ? {} : { web_search_options: searchOptions }),
  };
}

function toolChoiceOf(choice: ToolChoice | undefined): unknown {
  if (choice === undefined) return undefined;
  return choice.type === 'function'
    ? { type: 'function', function: { name: choice.name } }
    : choice.type;
}

/** Where JSON mode is all there is, the schema is told to the model in a message of its own. */
function schemaMessage(format: Extract<ResponseFormat, { type: 'json-schema' }>): WireMessage {
  const purpose = format.description === undefined ? '' : ` (${format.description})`;
  return {
    role: 'system',
    content: `Answer with one JSON value named "${format.name}"${purpose} that conforms to this JSON Schema, and with nothing else:\n${JSON.stringify(format.schema)}`,
  };
}

function responseFormatOf(
  format: ResponseFormat,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): Members {
  switch (format.type) {
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json-schema':
      if (!quirks.jsonSchema) {
        warnings.mapped(
          'responseFormat',
          'This provider does not enforce schemas: JSON mode was asked for and the schema put into the prompt.',
        );
        return { type: 'json_object' };
      }
      return {
        type: 'json_schema',
        json_schema: {
          name: format.name,
          ...(format.description === undefined ? {} : { description: format.description }),
          schema: format.schema,
          ...(format.strict === undefined ? {} : { strict: format.strict }),
        },
      };
  }
}

/** Messages, with the schema message put after the leading instructions where one is needed. */
function messagesOf(
  options: TextOptions,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): readonly WireMessage[] {
  const messages = wireMessages(options.messages, quirks, warnings);
  const format = options.responseFormat;
  if (format?.type !== 'json-schema' || quirks.jsonSchema) return messages;
  const after = messages.findIndex((message) => message['role'] !== 'system');
  messages.splice(after === -1 ? messages.length : after, 0, schemaMessage(format));
  return messages;
}

function seedMember(
  options: TextOptions,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): Members {
  if (options.seed === undefined) return {};
  if (!isUnsupported(quirks, 'seed')) return { [quirks.seedField]: options.seed };
  warnings.dropped('seed', 'This provider does not support it.');
  return {};
}

export interface ChatRequestContext {
  readonly server: OpenAiCompatibleServer;
  readonly target: ProviderTarget;
  readonly stream: boolean;
}

/** Builds the request; every option reaches the wire or is named in a warning. */
export function chatRequest(
  options: TextOptions,
  context: ChatRequestContext,
): { readonly request: WireRequest; readonly warnings: readonly ProviderWarning[] } {
  const { server, target, stream } = context;
  const { quirks } = server;
  const warnings = new WarningList();
  const own = ownProviderOptions(options.providerOptions, server.id);
  for (const name of own.refused) {
    warnings.dropped(`providerOptions.${server.id}.${name}`, 'The gateway decides this member.');
  }
  const body: Members = {
    model: target.model,
    messages: messagesOf(options, quirks, warnings),
    ...toolMembers(options, quirks, warnings),
    ...(options.responseFormat === undefined
      ? {}
      : { response_format: responseFormatOf(options.responseFormat, quirks, warnings) }),
    ...(options.maxOutputTokens === undefined
      ? {}
      : { [quirks.maxTokensFields[0]]: options.maxOutputTokens }),
    ...plainMembers(options, quirks, warnings),
    ...seedMember(options, quirks, warnings),
    ...reasoningMembers(options.reasoning, quirks.reasoning, warnings),
    ...Object.fromEntries(own.members),
    stream,
    ...(stream && quirks.streamUsageOption ? { stream_options: { include_usage: true } } : {}),
  };
  return {
    request: {
      method: 'POST',
      path: chatPath(server),
      headers: requestHeaders(target, quirks, stream),
      body: Buffer.from(JSON.stringify(body)),
    },
    warnings: warnings.list,
  };
}
