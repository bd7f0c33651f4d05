/**
 * Same-protocol pass-through: the client's bytes with a few top-level members changed, and what the gateway must
 * know of the answer.
 *
 * @module
 */
import type { RelayReading, RelayRequest, TextRelay } from '../../contracts/text-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import {
  memberEdit,
  memberKey,
  spliceIntoPieces,
  spliceIntoText,
  type MemberEdit,
} from '../../http/json-splice.ts';
import { inBandFailure } from './errors.ts';
import { listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';
import { ownProviderOptions } from './provider-options.ts';
import type { MaxTokensField, OpenAiCompatibleQuirks, OpenAiCompatibleServer } from './quirks.ts';
import { chatPath } from './request.ts';
import { requestHeaders } from './request-headers.ts';
import { parseCompletion } from './response.ts';
import { usageOfFrame } from './usage.ts';

/** Members that are edited. */
const KEYS = {
  model: memberKey('model'),
  messages: memberKey('messages'),
  max_tokens: memberKey('max_tokens'),
  max_completion_tokens: memberKey('max_completion_tokens'),
  max_output_tokens: memberKey('max_output_tokens'),
  stream_options: memberKey('stream_options'),
  provider_options: memberKey('provider_options'),
} as const;

/** The field in which the client named the bound; null where it named none. */
function namedField(body: LooseObject): MaxTokensField | null {
  if ((body['max_completion_tokens'] ?? null) !== null) return 'max_completion_tokens';
  return (body['max_tokens'] ?? null) === null ? null : 'max_tokens';
}

/** Every name that the bound has somewhere; the first is no field of this protocol. */
const MAX_TOKENS_NAMES = ['max_output_tokens', 'max_completion_tokens', 'max_tokens'] as const;

/** Puts the bound, the gateway's or else the client's, into one field that the server honours; no other is left. */
function editMaxTokens(
  edits: MemberEdit[],
  { body, maxOutputTokens }: RelayRequest,
  { maxTokensFields }: OpenAiCompatibleQuirks,
): void {
  const named = namedField(body);
  // The field that the client used if the server honours it, else the server's own.
  const field = named !== null && maxTokensFields.includes(named) ? named : maxTokensFields[0];
  for (const name of MAX_TOKENS_NAMES) {
    if (name !== field && body[name] !== undefined) edits.push(memberEdit(KEYS[name], undefined));
  }
  if (maxOutputTokens !== null) edits.push(memberEdit(KEYS[field], maxOutputTokens));
  else if (named !== null && (body[field] ?? null) === null)
    edits.push(memberEdit(KEYS[field], body[named]));
}

function editStreamOptions(
  edits: MemberEdit[],
  request: RelayRequest,
  quirks: OpenAiCompatibleQuirks,
): void {
  const given = request.body['stream_options'];
  if (!request.stream || !quirks.streamUsageOption) {
    if (given !== undefined) edits.push(memberEdit(KEYS.stream_options, undefined));
    return;
  }
  const options = objectOf(given);
  if (options['include_usage'] !== true) {
    edits.push(memberEdit(KEYS.stream_options, { ...options, include_usage: true }));
  }
}

/** `provider_options` is the gateway's own member: its part for this server is unpacked, the rest goes nowhere. */
function editProviderOptions(
  edits: MemberEdit[],
  body: LooseObject,
  server: OpenAiCompatibleServer,
): void {
  const given = body['provider_options'];
  if (given === undefined) return;
  edits.push(memberEdit(KEYS.provider_options, undefined));
  for (const [name, value] of ownProviderOptions(given, server.id).members) {
    if (edits.every((edit) => edit.key.name !== name)) {
      edits.push(memberEdit(memberKey(name), value));
    }
  }
}

/** Bodies from here on are sent in pieces: most of such a one is a single text of the prompt, which need not be copied. */
const LARGE_BODY_BYTES = 16 * 1024;

/** Whether the bytes can hold the text `developer`: as it is, or with letters escaped. */
function canHoldDeveloper(bytes: Buffer): boolean {
  return bytes.includes('"developer"') || bytes.includes('\\u');
}

/** Servers that do not know the role `developer` get `system`; only then are messages written anew. */
function editRoles(
  edits: MemberEdit[],
  { bytes, body }: RelayRequest,
  { developerRole }: OpenAiCompatibleQuirks,
): void {
  if (developerRole) return;
  // To look at the messages of a large body is to parse it again.
  if (bytes.length >= LARGE_BODY_BYTES && !canHoldDeveloper(bytes)) return;
  const messages = listOf(body['messages']);
  if (!messages.some((message) => objectOf(message)['role'] === 'developer')) return;
  const renamed = messages.map((message) =>
    objectOf(message)['role'] === 'developer' ? { ...objectOf(message), role: 'system' } : message,
  );
  edits.push(memberEdit(KEYS.messages, renamed));
}

/** The edit that sets the model, kept for the next call: mostly it is the same model again. */
let lastModel = { name: '', edit: memberEdit(KEYS.model, '') };

function modelEdit(name: string): MemberEdit {
  if (lastModel.name !== name) lastModel = { name, edit: memberEdit(KEYS.model, name) };
  return lastModel.edit;
}

/** What is changed of a request before it goes to `target`. */
function editsOf(
  request: RelayRequest,
  target: ProviderTarget,
  server: OpenAiCompatibleServer,
): readonly MemberEdit[] {
  const { quirks } = server;
  const model = modelEdit(target.model);
  // Removed where it stands, it is a new member, and the first of them.
  const edits = quirks.modelFirst ? [memberEdit(KEYS.model, undefined), model] : [model];
  editMaxTokens(edits, request, quirks);
  editStreamOptions(edits, request, quirks);
  editProviderOptions(edits, request.body, server);
  editRoles(edits, request, quirks);
  return edits;
}

/** What stands for bytes that are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** The text of a small reply where each of its bytes is a letter of it: where all are ASCII. */
function lettersOf(text: string, { body }: WireReply): string | null {
  const isSmallAscii =
    body.length < LARGE_BODY_BYTES && text.length === body.length && !text.includes(REPLACEMENT);
  return isSmallAscii ? text : null;
}

/** The relay of one server. */
export function chatRelay(server: OpenAiCompatibleServer): TextRelay {
  const { quirks } = server;
  const path = chatPath(server);
  return {
    protocol: 'openai-chat',
    request(request: RelayRequest, target: ProviderTarget): WireRequest {
      const edits = editsOf(request, target, server);
      const headers = requestHeaders(target, quirks, request.stream);
      return request.bytes.length < LARGE_BODY_BYTES
        ? { method: 'POST', path, headers, body: null, bodyText: spliceIntoText(request, edits) }
        : {
            method: 'POST',
            path,
            headers,
            body: null,
            bodyPieces: spliceIntoPieces(request, edits),
          };
    },
    read(reply: WireReply): RelayReading {
      const { frame, text } = parseCompletion(reply, quirks);
      return {
        usage: usageOfFrame(frame, quirks.usageBesideTotal),
        modelServed: textOf(frame['model']),
        serviceTier: textOf(frame['service_tier']),
        letters: lettersOf(text, reply),
      };
    },
    usageOf: (frame) => usageOfFrame(frame, quirks.usageBesideTotal),
    failureOf: (frame) => inBandFailure(frame, quirks.usageBesideTotal),
  };
}
