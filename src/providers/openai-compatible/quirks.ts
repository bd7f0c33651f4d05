/**
 * What tells servers of this protocol apart, as properties: shared code asks these, never who the server is.
 *
 * @module
 */
import type { UsageBesideTotal } from './usage.ts';

/** Members that bound the output; both are OpenAI's, servers know one or both. */
export type MaxTokensField = 'max_tokens' | 'max_completion_tokens';

/**
 * Options of `TextOptions` that a server documents as unsupported, and `messageName` for the `name` of messages.
 * They are dropped with a warning instead of being refused or silently ignored upstream.
 */
export type UnsupportedOption =
  | 'tools'
  | 'toolChoice'
  | 'parallelToolCalls'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'stop'
  | 'seed'
  | 'n'
  | 'logprobs'
  | 'topLogprobs'
  | 'logitBias'
  | 'user'
  | 'serviceTier'
  | 'topK'
  | 'messageName';

/**
 * How a server is told how much to think.
 * - `effort`: `reasoning_effort`
 * - `reasoning-object`: `reasoning: {effort | max_tokens, exclude}` (OpenRouter)
 * - `thinking-switch`: `thinking: {type: enabled | disabled}`, and `reasoning_effort` beside it (DeepSeek)
 */
export type ReasoningStyle = 'effort' | 'reasoning-object' | 'thinking-switch';

/**
 * Where thoughts of earlier turns go: a member of the message, Mistral's `thinking` content parts, or nowhere
 * (with a warning).
 */
export type AssistantReasoning = 'dropped' | 'reasoning_content' | 'reasoning' | 'thinking-parts';

/**
 * How a server is asked to search the web.
 * - `options`: `web_search_options` switches it on (OpenAI's search models)
 * - `always`: it always searches; `web_search_options` only tunes it (Perplexity)
 * - `tool`: a server tool of this type in `tools` (OpenRouter)
 */
export type WebSearchStyle =
  | { readonly kind: 'none' }
  | { readonly kind: 'options' }
  | { readonly kind: 'always' }
  | { readonly kind: 'tool'; readonly type: string };

export interface OpenAiCompatibleQuirks {
  /** Fields the server honours; the first is written, a relayed request keeps its own if it stands here. */
  readonly maxTokensFields: readonly [MaxTokensField, ...MaxTokensField[]];
  /** Takes `stream_options.include_usage`; others send usage unasked or refuse the member. */
  readonly streamUsageOption: boolean;
  /** Knows the role `developer`; elsewhere it becomes `system`. */
  readonly developerRole: boolean;
  /** Knows `refusal` content parts in assistant messages; elsewhere they become text. */
  readonly refusalParts: boolean;
  readonly assistantReasoning: AssistantReasoning;
  readonly reasoning: ReasoningStyle;
  /** Takes `response_format: json_schema`; elsewhere JSON mode is asked for and the schema goes into the prompt. */
  readonly jsonSchema: boolean;
  readonly seedField: 'seed' | 'random_seed';
  readonly webSearch: WebSearchStyle;
  readonly unsupported: readonly UnsupportedOption[];
  /** Thoughts may stand as `<think>…</think>` at the head of the text. */
  readonly thinkTags: boolean;
  /** Reads the target from the head of the body, so `model` must be its first member. */
  readonly modelFirst: boolean;
  readonly usageBesideTotal: UsageBesideTotal;
  /** Headers that operators set through settings of the provider entry: name of the setting to name of the header. */
  readonly settingHeaders: Readonly<Record<string, string>>;
}

/** A server that does what most do; entries state what differs. */
export const COMMON_QUIRKS: OpenAiCompatibleQuirks = {
  maxTokensFields: ['max_tokens'],
  streamUsageOption: true,
  developerRole: false,
  refusalParts: false,
  assistantReasoning: 'dropped',
  reasoning: 'effort',
  jsonSchema: true,
  seedField: 'seed',
  webSearch: { kind: 'none' },
  unsupported: ['topK', 'serviceTier'],
  thinkTags: false,
  modelFirst: false,
  usageBesideTotal: {},
  settingHeaders: {},
};

/** What the codec of one server is built from. */
export interface OpenAiCompatibleServer {
  /** Provider id: key of its `providerOptions`. */
  readonly id: string;
  /** Version segment of its paths. */
  readonly versionSegment: string;
  readonly quirks: OpenAiCompatibleQuirks;
}
