/**
 * Text generation in the gateway's own terms: what every dialect is parsed into and every provider is called with.
 *
 * @module
 */
import type { UsageVector } from './usage.ts';

/** JSON as parsed, nothing more is known of it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Where the bytes of an input part come from. Remote URLs are passed on for the provider to fetch. */
export type MediaSource =
  | { readonly kind: 'data'; readonly mimeType: string; readonly base64: string }
  | { readonly kind: 'url'; readonly url: string; readonly mimeType?: string }
  | { readonly kind: 'provider-file'; readonly id: string; readonly mimeType?: string };

/** A piece of what the model is given. */
export type InputPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly source: MediaSource; readonly detail?: string }
  | { readonly type: 'audio'; readonly source: MediaSource }
  | { readonly type: 'video'; readonly source: MediaSource }
  | { readonly type: 'file'; readonly source: MediaSource; readonly filename?: string };

/** A call that the model made in an earlier turn. `argumentsJson` is JSON text, as it was received. */
export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  readonly argumentsJson: string;
  /** Opaque provider state to be echoed back (Gemini's `thoughtSignature`). */
  readonly signature?: string;
}

/** A piece of what the model said, now or in an earlier turn. `signature` is opaque provider state to be echoed back. */
export type AssistantPart =
  | { readonly type: 'text'; readonly text: string; readonly signature?: string }
  | { readonly type: 'reasoning'; readonly text: string; readonly signature?: string }
  | { readonly type: 'refusal'; readonly text: string }
  | ToolCallPart;

/** One turn of the conversation. */
export type TextMessage =
  | {
      readonly role: 'system' | 'developer';
      readonly parts: readonly { readonly type: 'text'; readonly text: string }[];
      readonly name?: string;
    }
  | { readonly role: 'user'; readonly parts: readonly InputPart[]; readonly name?: string }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[]; readonly name?: string }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly toolName?: string;
      readonly parts: readonly InputPart[];
      readonly isError?: boolean;
    };

/** A function that the caller runs and the model may ask for. */
export interface FunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments, complete: nothing may be dropped on the way to the provider. */
  readonly parameters?: Json;
  readonly strict?: boolean;
}

/** A search that the provider runs itself; billed per use where the provider says so. */
export interface WebSearchTool {
  readonly type: 'web-search';
  readonly maxUses?: number;
  readonly contextSize?: 'low' | 'medium' | 'high';
}

/** What the model may use. */
export type TextTool = FunctionTool | WebSearchTool;

/** Whether, and which, tool the model has to call. */
export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'none' }
  | { readonly type: 'required' }
  | { readonly type: 'function'; readonly name: string };

/** The form the answer must have. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly description?: string;
      readonly schema: Json;
      readonly strict?: boolean;
    };

/** How much the model thinks before it answers; either member may be absent. */
export interface ReasoningOptions {
  /** `none` switches thinking off where the model allows it. */
  readonly effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  readonly budgetTokens?: number;
  /** Return the thoughts, or their summary, as reasoning parts. */
  readonly includeThoughts?: boolean;
}

/** One call for text: everything a dialect can ask for. Absent members leave the choice to the provider. */
export interface TextOptions {
  readonly messages: readonly TextMessage[];
  readonly tools?: readonly TextTool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly responseFormat?: ResponseFormat;
  /** Upper bound of output tokens, reasoning included. The gateway always sets it before dispatch. */
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  /** Number of choices. */
  readonly n?: number;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly reasoning?: ReasoningOptions;
  readonly user?: string;
  readonly serviceTier?: string;
  /** `provider_options.<provider>` of the request: passed into the wire body by that provider only. */
  readonly providerOptions?: Readonly<Record<string, Json>>;
}

/** Why a choice ended; the provider's own word stands beside it. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'error' | 'other';

/** A source that the provider reported. Never invented: absent where the provider named none. */
export interface GroundingSource {
  readonly url: string;
  readonly title: string | null;
  /** Span of the answer it supports, in UTF-16 units, when the provider said. */
  readonly startIndex?: number;
  readonly endIndex?: number;
}

/** A token of the answer with its natural-log probability, and the likeliest others at its place. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
  readonly top_logprobs: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes: readonly number[] | null;
  }[];
}

/** One of the answers to a call. */
export interface TextChoice {
  readonly index: number;
  readonly parts: readonly AssistantPart[];
  readonly finishReason: FinishReason;
  /** The provider's own word for it. */
  readonly rawFinishReason: string | null;
  readonly sources: readonly GroundingSource[];
  readonly logprobs: readonly TokenLogprob[] | null;
}

/** A whole answer. */
export interface TextResult {
  /** The provider's id of the answer. */
  readonly id: string | null;
  /** The model that answered, as the provider named it; null when it did not. */
  readonly modelServed: string | null;
  readonly choices: readonly TextChoice[];
  /** Null when the provider sent none: the gateway estimates and marks it. */
  readonly usage: UsageVector | null;
  /** The service tier that answered, as the provider named it; absent where it named none. */
  readonly serviceTier?: string;
}

/** One step of a streamed answer. Order within a choice is the order of arrival. */
export type TextStreamPart =
  | {
      readonly type: 'answer-start';
      readonly id: string | null;
      readonly modelServed: string | null;
      readonly serviceTier?: string;
    }
  | {
      readonly type: 'text-delta';
      readonly choice: number;
      readonly text: string;
      readonly signature?: string;
    }
  | {
      readonly type: 'reasoning-delta';
      readonly choice: number;
      readonly text: string;
      readonly signature?: string;
    }
  | { readonly type: 'refusal-delta'; readonly choice: number; readonly text: string }
  /** `index` counts the tool calls of the choice from 0. */
  | {
      readonly type: 'tool-call-start';
      readonly choice: number;
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly signature?: string;
    }
  | {
      readonly type: 'tool-call-delta';
      readonly choice: number;
      readonly index: number;
      readonly argumentsDelta: string;
    }
  | { readonly type: 'logprobs'; readonly choice: number; readonly tokens: readonly TokenLogprob[] }
  | { readonly type: 'source'; readonly choice: number; readonly source: GroundingSource }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      readonly raw: string | null;
    }
  /** Cumulative: a later one replaces an earlier one. */
  | { readonly type: 'usage'; readonly usage: UsageVector; readonly serviceTier?: string };

/** An option that did not reach the provider as it was given. Silence is never an option. */
export interface ProviderWarning {
  readonly option: string;
  readonly action: 'dropped' | 'clamped' | 'mapped';
  readonly detail: string;
}
