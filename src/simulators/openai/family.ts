/**
 * The OpenAI wire: chat, embeddings, pictures, sound and `/v1/models`. Any model name answers; `chat`, `embed`, `image`,
 * `speech` … are those that the gateway offers as `sim/…`.
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { decodeSegment } from '../core/json.ts';
import type { BodyReply, SimulatedUsage } from '../core/reply.ts';
import { CREATED_S, type ChatProfile } from './chat.ts';
import { chatRoute } from './chat-route.ts';
import { embeddingsRoute } from './embeddings.ts';
import { errorJson, invalidReply, openaiError } from './errors.ts';
import { imageEditsRoute } from './image-edits.ts';
import { imagesRoute } from './images.ts';
import { pictureToolRoute } from './picture-tools.ts';
import { moderationsRoute } from './moderations.ts';
import { speechRoute } from './speech.ts';
import { voicesRoute } from './voices.ts';
import { transcriptionRoute } from './transcription.ts';

/** Routes beside chat, by path. */
const POST_ROUTES: Readonly<Record<string, (call: SimulatedCall) => FamilyRoute>> = {
  '/v1/embeddings': embeddingsRoute,
  '/v1/moderations': moderationsRoute,
  '/v1/images/generations': imagesRoute,
  '/v1/images/edits': imageEditsRoute,
  '/v1/audio/speech': speechRoute,
  '/v1/audio/transcriptions': transcriptionRoute,
  '/v1/audio/translations': transcriptionRoute,
};

const MODELS = ['chat', 'chat-reasoning', 'gpt-4o', 'gpt-4o-mini', 'gpt-4.1-nano', 'gpt-5-nano'];

function rateHeaders(usage: SimulatedUsage): Record<string, string> {
  const tokens = usage.inputTokens + usage.outputTokens;
  return {
    'x-ratelimit-limit-requests': '30000',
    'x-ratelimit-limit-tokens': '150000000',
    'x-ratelimit-remaining-requests': '29999',
    'x-ratelimit-remaining-tokens': String(150_000_000 - tokens),
    'x-ratelimit-reset-requests': '2ms',
    'x-ratelimit-reset-tokens': '0s',
  };
}

const PROFILE: ChatProfile = {
  idPrefix: 'chatcmpl-',
  complete: true,
  reasoningMember: null,
  servedModel: (model) => model,
  headers: (call, usage) => ({
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'x-request-id': call.id,
    ...rateHeaders(usage),
  }),
  inBandError: errorJson,
};

/** The bearer token, where there is one. */
export function bearerOf(call: SimulatedCall): string | null {
  const match = /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '');
  return match?.[1] ?? null;
}

function modelObject(id: string): object {
  return { id, object: 'model', created: CREATED_S, owned_by: 'simulator' };
}

function jsonReply(value: object, callId: string): BodyReply {
  const headers = { 'content-type': 'application/json', 'x-request-id': callId };
  return { kind: 'body', status: 200, headers, body: JSON.stringify(value), usage: null };
}

function modelsRoute(call: SimulatedCall, id: string | null): FamilyRoute {
  const value =
    id === null
      ? { object: 'list', data: MODELS.map(modelObject) }
      : modelObject(decodeSegment(id));
  return { model: id, stream: false, answer: () => jsonReply(value, call.id) };
}

export const openaiFamily: SimulatorFamily = {
  name: 'openai',
  route(call) {
    if (call.method === 'POST' && call.path === '/v1/chat/completions') {
      return chatRoute(call, { profile: PROFILE, error: openaiError });
    }
    const voices = voicesRoute(call);
    if (voices !== null) return voices;
    if (call.method === 'POST') return POST_ROUTES[call.path]?.(call) ?? pictureToolRoute(call);
    if (call.method !== 'GET') return null;
    if (call.path === '/v1/models') return modelsRoute(call, null);
    const model = /^\/v1\/models\/([^/:]+)$/.exec(call.path)?.[1];
    return model === undefined ? null : modelsRoute(call, model);
  },
  credentialOf: bearerOf,
  error: openaiError,
  notFound(call) {
    const message = `Invalid URL (${call.method} ${call.path})`;
    return { ...invalidReply({ message, param: null, code: null }, call.id), status: 404 };
  },
  unauthorised(call, credential) {
    const message =
      credential === null
        ? "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        : `Incorrect API key provided: ${credential.slice(0, 3)}***${credential.slice(-4)}. You can find your API key at https://platform.openai.com/account/api-keys.`;
    const code = credential === null ? null : 'invalid_api_key';
    return { ...invalidReply({ message, param: null, code }, call.id), status: 401 };
  },
};
