/**
 * Tool calls as servers of this protocol send them.
 *
 * @module
 */
import { isObject, listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';

/** One entry of `tool_calls`, whole or a piece of one; `null` where the server left something out. */
export interface WireToolCall {
  readonly index: number | null;
  readonly id: string | null;
  readonly name: string | null;
  readonly argumentsText: string;
}

/** Arguments are JSON text; some servers (text-generation-inference) send the object itself. */
function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value;
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : '';
}

function idOf(value: unknown): string | null {
  return typeof value === 'number' ? String(value) : textOf(value);
}

function wireToolCall(value: unknown): WireToolCall {
  const call = objectOf(value);
  const definition = objectOf(call['function']);
  const { index } = call;
  // OpenAI's custom tools carry free text as `custom.input`.
  const custom = objectOf(call['custom']);
  return {
    index: typeof index === 'number' ? index : null,
    id: idOf(call['id']),
    name: textOf(definition['name']) ?? textOf(custom['name']),
    argumentsText: argumentsText(definition['arguments'] ?? custom['input']),
  };
}

/** Tool calls of a message or delta; the `function_call` that came before tools counts as one. */
export function wireToolCalls(message: LooseObject): readonly WireToolCall[] {
  const calls = listOf(message['tool_calls']).map(wireToolCall);
  if (calls.length > 0 || !isObject(message['function_call'])) return calls;
  return [{ ...wireToolCall({ function: message['function_call'] }), index: 0 }];
}

/**
 * Id of a call that came without one, or with one that another call of the answer has: made of what is known, so that
 * the same answer gives the same ids.
 */
export function madeUpCallId(answerId: string | null, choice: number, position: number): string {
  const stem = (answerId ?? '').replace(/[^A-Za-z0-9]/g, '').slice(-24);
  return `call_${stem === '' ? 'gateway' : stem}_${choice}_${position}`;
}
