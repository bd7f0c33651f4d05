/**
 * What a family answers, as values. The engine sends it, with or without faults.
 *
 * @module
 */
import type { FaultError } from './fault.ts';

/** What the provider bills. Details are parts of their total, never additions to it. */
export interface SimulatedUsage {
  readonly inputTokens: number;
  /** Part of `inputTokens` served from the provider's cache. */
  readonly cachedTokens: number;
  /** Part of `inputTokens`. */
  readonly imageTokens: number;
  /** Part of `inputTokens`. */
  readonly audioTokens: number;
  /** Everything produced, reasoning included. */
  readonly outputTokens: number;
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number;
  /** Web searches made, where the provider bills them. */
  readonly searches: number;
  /** What was made or listened to, beside tokens; absent where it was text alone. */
  readonly media?: SimulatedMedia;
}

/** Units of media that the provider bills; what was not touched is absent. */
export interface SimulatedMedia {
  readonly images?: number;
  readonly characters?: number;
  readonly audioSeconds?: number;
  readonly voiceClones?: number;
  readonly inputs?: number;
  readonly clips?: number;
  readonly videoSeconds?: number;
}

export const NO_USAGE: SimulatedUsage = {
  inputTokens: 0,
  cachedTokens: 0,
  imageTokens: 0,
  audioTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  searches: 0,
};

/**
 * - `content`: carries visible text, a tool call or a thought: what "after n events" counts
 * - `opening`: the first delta with the role alone
 * - `finish`: closes a choice; `usage`: usage alone; `done`: the `[DONE]` sentinel
 */
export type StreamEventKind = 'opening' | 'content' | 'finish' | 'usage' | 'done';

export interface StreamEvent {
  readonly kind: StreamEventKind;
  /** Text after `data: `. */
  readonly data: string;
  /** Output tokens produced by the time this event is sent, over all choices, reasoning included. */
  readonly producedTokens: number;
}

export interface BodyReply {
  readonly kind: 'body';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Null where nothing is billed. */
  readonly usage: SimulatedUsage | null;
}

export interface StreamReply {
  readonly kind: 'stream';
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  /** How events are separated when no fault says otherwise; `array` is Google's JSON array without `alt=sse`. */
  readonly framing: 'lf' | 'crlf' | 'array';
  readonly events: readonly StreamEvent[];
  readonly usage: SimulatedUsage;
  /** Data of an error event as this provider sends it inside HTTP 200. */
  inBandError(error: FaultError): string;
}

export type SimulatedReply = BodyReply | StreamReply;

/** Usage after a stream that ended with `producedTokens` of the planned output. */
export function partialUsage(usage: SimulatedUsage, producedTokens: number): SimulatedUsage {
  const outputTokens = Math.min(producedTokens, usage.outputTokens);
  return {
    ...usage,
    outputTokens,
    reasoningTokens: Math.min(usage.reasoningTokens, outputTokens),
  };
}
