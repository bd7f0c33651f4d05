/**
 * Bytes of chat stream frames.
 *
 * @module
 */
import { formatUsd } from '../../../contracts/money.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../../contracts/usage.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { FRAME_INVALID, scanFrame } from '../../../http/json-scan.ts';

/** Longest event accepted from a provider (reliability rule U1). */
export const MAX_EVENT_BYTES = 32 * 1024 * 1024;

const DONE_TEXT = 'data: [DONE]\n\n';
export const DONE_FRAME = Buffer.from(DONE_TEXT);

function frameTextOf(chunk: unknown): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

export function frameOf(chunk: unknown): Buffer {
  return Buffer.from(frameTextOf(chunk));
}

/** The last frames of a stream, with its end marker behind them. */
export function lastFramesOf(chunks: readonly unknown[]): Buffer {
  let text = '';
  for (const chunk of chunks) text += frameTextOf(chunk);
  return Buffer.from(text + DONE_TEXT);
}

/** Whether an event's data is one JSON object, as that of every frame but the last is. */
export function isFrameData(data: string): boolean {
  const bytes = Buffer.from(data);
  return scanFrame(bytes, 0, bytes.length) !== FRAME_INVALID;
}

/** OpenAI's `usage` object for disjoint classes; cached and audio tokens are part of `prompt_tokens` there. */
export function openAiUsage(usage: UsageVector): Record<string, unknown> {
  const promptTokens = inputTokensOf(usage);
  const completionTokens = outputTokensOf(usage);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: {
      cached_tokens: (usage.cache_read_tokens ?? 0) + (usage.cache_read_audio_tokens ?? 0),
      audio_tokens: usage.input_audio_tokens ?? 0,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning_tokens ?? 0,
      audio_tokens: usage.output_audio_tokens ?? 0,
    },
  };
}

/** `usage` with what the gateway adds: the exact cost, and whether the counts are its own. */
export function usageMember(receipt: Receipt): Record<string, unknown> {
  return {
    ...openAiUsage(receipt.usage),
    cost: formatUsd(receipt.costNanoUsd),
    ...(receipt.estimated ? { estimated: true } : {}),
  };
}
