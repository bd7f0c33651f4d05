/**
 * Replies of OpenAI's media routes.
 *
 * @module
 */
import type { SimulatedCall } from '../core/family.ts';
import {
  NO_USAGE,
  type BodyReply,
  type SimulatedMedia,
  type SimulatedUsage,
} from '../core/reply.ts';
import { invalidReply } from './errors.ts';

const HEADERS = { 'openai-processing-ms': '1', 'openai-version': '2020-10-01' };

export function mediaUsage(
  media: SimulatedMedia,
  tokens: Partial<Omit<SimulatedUsage, 'media'>> = {},
): SimulatedUsage {
  return { ...NO_USAGE, ...tokens, media };
}

export function jsonReply(call: SimulatedCall, value: object, usage: SimulatedUsage): BodyReply {
  return {
    kind: 'body',
    status: 200,
    headers: { ...HEADERS, 'content-type': 'application/json', 'x-request-id': call.id },
    body: JSON.stringify(value),
    usage,
  };
}

export function bytesReply(
  call: SimulatedCall,
  file: { readonly bytes: Buffer; readonly type: string },
  usage: SimulatedUsage,
): BodyReply {
  return {
    kind: 'body',
    status: 200,
    headers: { ...HEADERS, 'content-type': file.type, 'x-request-id': call.id },
    body: file.bytes,
    usage,
  };
}

export function refuse(call: SimulatedCall, param: string | null, message: string): BodyReply {
  return invalidReply({ message, param, code: 'invalid_value' }, call.id);
}
