/**
 * The `usage` member of Chat Completions, true or bent by a fault.
 *
 * @module
 */
import { findFault, type Fault } from '../core/fault.ts';
import type { SimulatedUsage } from '../core/reply.ts';

export interface ChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: Readonly<Record<string, number>>;
  readonly completion_tokens_details?: Readonly<Record<string, number>>;
}

/** Usage on the wire; undefined where a fault leaves it out. */
export function chatUsage(
  usage: SimulatedUsage,
  complete: boolean,
  faults: readonly Fault[],
): ChatUsage | undefined {
  const how = findFault(faults, 'usage')?.how;
  if (how === 'none') return undefined;
  const sum = usage.inputTokens + usage.outputTokens;
  const cached = how === 'cached-exceeds' ? usage.inputTokens * 2 + 100 : usage.cachedTokens;
  const detailed = complete || cached > 0 || usage.reasoningTokens > 0;
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: how === 'negative' ? -usage.outputTokens - 1 : usage.outputTokens,
    total_tokens: how === 'mismatch' ? sum + 1000 : sum,
    ...(detailed
      ? {
          prompt_tokens_details: { cached_tokens: cached, audio_tokens: usage.audioTokens },
          completion_tokens_details: {
            reasoning_tokens: usage.reasoningTokens,
            audio_tokens: 0,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
          },
        }
      : {}),
  };
}
