/**
 * Turns schema issues into errors that name the field as the caller wrote it.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';

/** `['messages', 0, 'content']` → `messages[0].content`. */
export function pathOf(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text;
}

export function invalidRequest(param: string, reason: string): GatewayError {
  const message = param === '' ? `The body is not valid: ${reason}` : `${param}: ${reason}`;
  return new GatewayError('invalid_request', param === '' ? { message } : { message, param });
}
