/**
 * Same-protocol pass-through: the client's bytes with a few top-level members changed, and what the gateway must
 * know of the answer.
 *
 * @module
 */
import type { RelayReading, RelayRequest, TextRelay } from '../../contracts/text-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import { spliceIntoPieces, spliceMembers } from '../../http/json-splice.ts';
import { inBandFailure } from './errors.ts';
import { isObject, listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';
import { ownProviderOptions } from './provider-options.ts';
import type { MaxTokensField, OpenAiCompatibleQuirks, OpenAiCompatibleServer } from './quirks.ts';
import { chatPath } from './request.ts';
import { requestHeaders } from './request-headers.ts';
import { parseCompletion } from './response.ts';
import { usageOfFrame } from './usage.ts';

const MAX_TOKENS_FIELDS: readonly MaxTokensField[] = ['max_completion_tokens', 'max_tokens'];

/** Name under which the gateway may state the bound without knowing which field the server takes. */
const NEUTRAL_MAX_TOKENS = 'max_output_tokens';

/** Every name of the bound; what the gateway states without knowing the field counts first. */
const MAX_TOKENS_NAMES = [NEUTRAL_MAX_TOKENS, ...MAX_TOKENS_FIELDS] as const;

/** The field that the client used; null where it named no bound. */
function namedField(body: LooseObject): MaxTokensField | null {
  for (const field of MAX_TOKENS_FIELDS) if ((body[field] ?? null) !== null) return field;
  return null;
}

/** Puts the bound, the gateway's or else the client's, into one field that the server honours; no other is left. */
function editMaxTokens(
  edits: Map<string, unknown>,
  body: LooseObject,
  quirks: OpenAiCompatibleQuirks,
): void {
  const named = namedField(body);
  // The field that the client used if the server honours it, else the server's own.
  const field =
    named !== null && quirks.maxTokensFields.includes(named) ? named : quirks.maxTokensFields[0];
  let given: unknown;
  let isAsked = false;
  for (const name of MAX_TOKENS_NAMES) {
    if (given === undefined) given = edits.get(name);
    isAsked = edits.delete(name) || isAsked;
    if (name !== field && name in body) edits.set(name, undefined);
  }
  const bound = given ?? (named === null ? undefined : body[named]);
  if (bound !== undefined && (given !== undefined || (body[field] ?? null) === null)) {
    edits.set(field, bound);
  } else if (isAsked && given === undefined && field in body) {
    edits.set(field, undefined);
  }
}

function editStreamOptions(
  edits: Map<string, unknown>,
  request: RelayRequest,
  quirks: OpenAiCompatibleQuirks,
): void {
  const key = 'stream_options';
  const given = edits.has(key) ? edits.get(key) : request.body[key];
  if (!request.stream || !quirks.streamUsageOption) {
    if (key in request.body) edits.set(key, undefined);
    else edits.delete(key);
    return;
  }
  const options = objectOf(given);
  if (options['include_usage'] !== true || !isObject(request.body[key])) {
    edits.set(key, { ...options, include_usage: true });
  }
}

/** `provider_options` is the gateway's own member: its part for this server is unpacked, the rest goes nowhere. */
function editProviderOptions(
  edits: Map<string, unknown>,
  body: LooseObject,
  server: OpenAiCompatibleServer,
): void {
  if (!('provider_options' in body)) return;
  for (const [name, value] of ownProviderOptions(body['provider_options'], server.id).members) {
    if (!edits.has(name)) edits.set(name, value);
  }
  edits.set('provider_options', undefined);
}

/** Servers that do not know the role `developer` get `system`; only then are messages written anew. */
function editRoles(
  edits: Map<string, unknown>,
  body: LooseObject,
  quirks: OpenAiCompatibleQuirks,
): void {
  if (quirks.developerRole || edits.has('messages')) return;
  const messages = listOf(body['messages']);
  if (!messages.some((message) => objectOf(message)['role'] === 'developer')) return;
  const renamed = messages.map((message) =>
    objectOf(message)['role'] === 'developer' ? { ...objectOf(message), role: 'system' } : message,
  );
  edits.set('messages', renamed);
}

/** Bodies from here on are sent in pieces: most of such a one is a single text, which need not be copied. */
const LARGE_BODY_BYTES = 16 * 1024;

function relayedBody(
  request: RelayRequest,
  target: ProviderTarget,
  server: OpenAiCompatibleServer,
): Pick<WireRequest, 'body' | 'bodyPieces'> {
  const edits = new Map(request.edits);
  const { body } = request;
  editMaxTokens(edits, body, server.quirks);
  editStreamOptions(edits, request, server.quirks);
  editProviderOptions(edits, body, server);
  editRoles(edits, body, server.quirks);
  if (!server.quirks.modelFirst) {
    edits.set('model', target.model);
    if (request.bytes.length < LARGE_BODY_BYTES) {
      return { body: spliceMembers(request.bytes, edits) };
    }
    return { body: null, bodyPieces: spliceIntoPieces(request.bytes, edits) };
  }
  // Members are added at the head, the last one first; what is there already would be replaced where it stands.
  edits.set('model', undefined);
  const rest = spliceMembers(request.bytes, edits);
  return { body: spliceMembers(rest, new Map([['model', target.model]])) };
}

/** The relay of one server. */
export function chatRelay(server: OpenAiCompatibleServer): TextRelay {
  const { quirks } = server;
  return {
    protocol: 'openai-chat',
    request(request: RelayRequest, target: ProviderTarget): WireRequest {
      return {
        method: 'POST',
        path: chatPath(server),
        headers: requestHeaders(target, quirks, request.stream),
        ...relayedBody(request, target, server),
      };
    },
    read(reply: WireReply): RelayReading {
      const { frame, choices } = parseCompletion(reply, quirks);
      return {
        usage: usageOfFrame(frame, quirks.usageBesideTotal),
        modelServed: textOf(frame['model']),
        serviceTier: textOf(frame['service_tier']),
        finishReasons: choices.flatMap((choice) => textOf(choice['finish_reason']) ?? []),
      };
    },
    usageOf: (frame) => usageOfFrame(frame, quirks.usageBesideTotal),
    failureOf: (frame) => inBandFailure(frame, quirks.usageBesideTotal),
  };
}
