/**
 * Gemini's `finishReason` in the gateway's terms.
 * https://ai.google.dev/api/generate-content#FinishReason
 *
 * @module
 */
import type { FinishReason } from '../../contracts/text.ts';

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  // The answer goes on in another billed call; to the caller it was cut.
  ['CONTINUATION', 'length'],
  ['SAFETY', 'content-filter'],
  ['RECITATION', 'content-filter'],
  ['BLOCKLIST', 'content-filter'],
  ['PROHIBITED_CONTENT', 'content-filter'],
  ['SPII', 'content-filter'],
  ['IMAGE_SAFETY', 'content-filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content-filter'],
  ['IMAGE_RECITATION', 'content-filter'],
  ['IMAGE_OTHER', 'content-filter'],
  ['NO_IMAGE', 'content-filter'],
  ['MALFORMED_FUNCTION_CALL', 'error'],
  ['MALFORMED_RESPONSE', 'error'],
  ['UNEXPECTED_TOOL_CALL', 'error'],
  ['TOO_MANY_TOOL_CALLS', 'error'],
  ['MISSING_THOUGHT_SIGNATURE', 'error'],
]);

/**
 * Reasons the table does not know are `other`, or `tool-calls` where the answer calls some: servers of this protocol
 * have words of their own for that. The raw word stays beside them.
 */
export function finishReasonOf(raw: string, hasToolCalls: boolean): FinishReason {
  // Gemini stops with STOP when it wants its functions called.
  const reason = REASONS.get(raw) ?? (hasToolCalls ? 'stop' : 'other');
  return reason === 'stop' && hasToolCalls ? 'tool-calls' : reason;
}
