/**
 * Parses a chat request into the facts that the pipeline needs.
 *
 * @module
 */
import type { TextCall } from '../../../gateway/text-call.ts';
import { parseJsonObject, readJsonBody } from '../../json-body.ts';
import { invalidRequest, pathOf } from '../../validation.ts';
import { ChatRelayStream } from './relay-stream.ts';
import { renderChatResult } from './reply.ts';
import {
  chatRequestSchema,
  KNOWN_CHAT_PARAMETERS,
  untranslatedParametersOf,
  type ChatRequest,
} from './schema.ts';
import { ChatStreamWriter } from './stream-writer.ts';
import { mediaOf } from './media.ts';
import { usualChatRequest } from './usual-request.ts';
import { chatOptions } from './options.ts';

/** Searches held for when the caller states no maximum. */
const DEFAULT_SEARCHES_MAX = 5;

function searchesOf(request: ChatRequest): number {
  const asked =
    request.tools?.some((tool) => tool.type !== 'function' && tool.type !== 'custom') ?? false;
  return asked || (request.web_search_options ?? null) !== null ? DEFAULT_SEARCHES_MAX : 0;
}

function unknownParametersOf(body: Readonly<Record<string, unknown>>): readonly string[] {
  let unknown: string[] | null = null;
  for (const key of Object.keys(body)) {
    if (!KNOWN_CHAT_PARAMETERS.has(key)) (unknown ??= []).push(key);
  }
  return unknown ?? [];
}

function checkedRequest(body: Readonly<Record<string, unknown>>): ChatRequest {
  const parsed = chatRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidRequest(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid');
}

/**
 * Bodies from here on are not kept as objects while their call is on its way: with many such calls in progress the
 * collector would copy their texts again and again (measured: a fifth of the processor time of a call of 100 kB).
 */
const LARGE_BODY_BYTES = 16 * 1024;
/** Members that make a body large. */
const LARGE_MEMBERS = ['messages', 'tools'] as const;

type Body = Readonly<Record<string, unknown>>;

/** The body with its large members read again from the bytes whenever they are looked at: few calls ever do. */
function withoutLargeMembers(body: Body, bytes: Buffer, maxDepth: number): Body {
  const light = { ...body };
  for (const name of LARGE_MEMBERS) {
    if (!(name in light)) continue;
    const get = (): unknown => parseJsonObject(bytes, maxDepth)[name];
    Object.defineProperty(light, name, { enumerable: true, configurable: true, get });
  }
  return light;
}

function requestOf(body: Body): ChatRequest {
  return usualChatRequest(body) ?? checkedRequest(body);
}

/** Ways to have the request; of all that made the call, a reader keeps nothing else alive. */
function readerOf(request: ChatRequest): () => ChatRequest {
  return () => request;
}

function readerAgainOf(bytes: Buffer, maxDepth: number): () => ChatRequest {
  return () => requestOf(parseJsonObject(bytes, maxDepth));
}

/** @throws GatewayError `invalid_request` naming the field */
export function parseChatCall(bytes: Buffer, maxDepth: number): TextCall {
  const { value, members, letters } = readJsonBody(bytes, maxDepth);
  const usual = usualChatRequest(value);
  const request = usual ?? checkedRequest(value);
  const isLarge = bytes.length >= LARGE_BODY_BYTES;
  const readRequest = isLarge ? readerAgainOf(bytes, maxDepth) : readerOf(request);
  const choices = request.n ?? 1;
  const includeUsage = request.stream_options?.include_usage === true;
  const { max_tokens: maxTokens = null, max_completion_tokens: maxCompletionTokens = null } =
    request;
  return {
    kind: 'text',
    operation: 'text.generate',
    work: 'text',
    streamType: null,
    protocol: 'openai-chat',
    model: request.model,
    stream: request.stream === true,
    bytes,
    members,
    letters: isLarge ? null : letters,
    body: isLarge ? withoutLargeMembers(value, bytes, maxDepth) : value,
    namedMaxOutputTokens: maxCompletionTokens ?? maxTokens,
    maxOutputField: maxCompletionTokens === null ? 'max_tokens' : 'max_completion_tokens',
    choices,
    serviceTier: request.service_tier ?? null,
    maxSearches: searchesOf(request),
    media: mediaOf(request),
    // A usual request has neither.
    unknownParameters: usual === null ? unknownParametersOf(value) : [],
    untranslatedParameters: usual === null ? untranslatedParametersOf(value) : [],
    // These keep alive what they name, and nothing else of this function.
    options: () => chatOptions(readRequest()),
    renderResult: renderChatResult,
    openStream: (reader, context) => new ChatStreamWriter(reader, context, includeUsage),
    openRelay: (relay, context) => new ChatRelayStream({ relay, context, includeUsage, choices }),
  };
}
