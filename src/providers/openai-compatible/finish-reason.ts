/**
 * The words in which servers of this protocol say why an answer ended.
 *
 * @module
 */
import type { FinishReason } from '../../contracts/text.ts';

/**
 * Words beyond OpenAI's own: `eos`, `eos_token`, `stop_sequence` (Together, Hugging Face), `model_length` (Mistral),
 * `function_call` (OpenAI before tools), `insufficient_system_resource` (DeepSeek).
 */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  stop_token: 'stop',
  end_turn: 'stop',
  complete: 'stop',
  completed: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  safety: 'content-filter',
  error: 'error',
  insufficient_system_resource: 'error',
};

/**
 * Translates a finish reason. An answer that stopped with tool calls wants them answered, whatever word the
 * server used: OpenAI itself says `stop` when the function was named by `tool_choice`.
 */
export function finishReasonOf(raw: string | null, hasToolCalls: boolean): FinishReason {
  const reason = raw === null ? 'other' : (REASONS[raw.toLowerCase()] ?? 'other');
  return hasToolCalls && (reason === 'stop' || reason === 'other') ? 'tool-calls' : reason;
}
