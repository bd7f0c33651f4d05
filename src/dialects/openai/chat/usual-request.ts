/**
 * Recognises the usual chat request by hand, since the schema costs as much as the rest of the parsing. Whatever
 * is not recognised goes through the schema, which names the field at fault; what is recognised, it would accept
 * (`usual-request.test.ts` holds the two against each other).
 *
 * @module
 */
import { MAX_TOKENS_CAP, type ChatRequest } from './schema.ts';

const MODEL_MAX_CHARACTERS = 512;
const MESSAGES_MAX = 100_000;

function isUsualContent(content: unknown): boolean {
  if (typeof content === 'string' || content === null || content === undefined) return true;
  if (!Array.isArray(content)) return false;
  for (const part of content) {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return false;
    if (typeof (part as { type?: unknown }).type !== 'string') return false;
  }
  return true;
}

function areUsualMessages(messages: unknown): boolean {
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MESSAGES_MAX)
    return false;
  for (const message of messages) {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) return false;
    const { role, content, tool_calls, tool_call_id } = message as Record<string, unknown>;
    if (typeof role !== 'string' || role === '') return false;
    if (tool_calls !== undefined || tool_call_id !== undefined) return false;
    if (!isUsualContent(content)) return false;
  }
  return true;
}

function isCount(value: unknown): boolean {
  return (
    value === null ||
    (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_TOKENS_CAP)
  );
}

function isFinite(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

function areUsualStreamOptions(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  for (const key in value) if (key !== 'include_usage') return false;
  return isFlag((value as Record<string, unknown>)['include_usage'] ?? null);
}

function isFlag(value: unknown): boolean {
  return value === null || typeof value === 'boolean';
}

function isUsualMember(key: string, value: unknown): boolean {
  switch (key) {
    case 'model':
      return typeof value === 'string' && value !== '' && value.length <= MODEL_MAX_CHARACTERS;
    case 'messages':
      return areUsualMessages(value);
    case 'stream':
      return isFlag(value);
    case 'stream_options':
      return areUsualStreamOptions(value);
    case 'max_tokens':
    case 'max_completion_tokens':
      return isCount(value);
    case 'temperature':
    case 'top_p':
    case 'presence_penalty':
    case 'frequency_penalty':
      return isFinite(value);
    case 'user':
    case 'reasoning_effort':
      return value === null || typeof value === 'string';
    default:
      return false;
  }
}

/** The body as a request when every member of it is a usual one; null sends it through the schema. */
export function usualChatRequest(body: Readonly<Record<string, unknown>>): ChatRequest | null {
  if (body['model'] === undefined || body['messages'] === undefined) return null;
  for (const key in body) {
    if (!isUsualMember(key, body[key])) return null;
  }
  return body as ChatRequest;
}
