/**
 * The Gemini wire: `:generateContent`, `:streamGenerateContent`, `:countTokens`, `:batchEmbedContents` and the list of
 * models, under `/v1beta` and `/v1`.
 *
 * @module
 */
import type { ErrorContext, FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import type { Fault } from '../core/fault.ts';
import { decodeSegment, isJsonObject, objectOf } from '../core/json.ts';
import type { BodyReply, SimulatedReply } from '../core/reply.ts';
import { traitsOf } from '../core/traits.ts';
import { geminiError, invalidArgument } from './errors.ts';
import { embeddingsRoute } from './embeddings.ts';
import { answerGenerate, type GenerateVerb } from './generate.ts';
import { answerMedia, wantedOf } from './media.ts';
import { countModalities, readGenerateRequest } from './request.ts';
import { modalityDetails } from './usage.ts';
import { videoRoute } from './video.ts';

const PATH =
  /^\/(?:v1beta|v1)\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens|batchEmbedContents|embedContent)$/;
const LIST_PATH = /^\/(v1beta|v1)\/models(?:\/([^/:]+))?$/;
const MODELS = [
  'chat',
  'gemini-2.5-flash',
  'gemini-2.5-pro',
  'gemini-3.1-flash-lite',
  'gemini-3.8-flash',
  'gemini-4-argon',
  'gemini-3.1-flash-lite-image',
  'gemini-3-pro-image',
  'gemini-embedding-001',
  'gemini-embedding-2',
  'gemini-2.5-flash-preview-tts',
  'gemini-3.8-flash-tts',
  'veo-3.1-lite-generate-preview',
];

function jsonReply(value: object): BodyReply {
  const headers = { 'content-type': 'application/json; charset=UTF-8' };
  return {
    kind: 'body',
    status: 200,
    headers,
    body: `${JSON.stringify(value, null, 2)}\n`,
    usage: null,
  };
}

function verbOf(call: SimulatedCall, verb: string): GenerateVerb {
  if (verb === 'generateContent') return 'whole';
  return call.query.get('alt') === 'sse' ? 'events' : 'array';
}

function generateRoute(call: SimulatedCall, model: string, verb: GenerateVerb): FamilyRoute {
  const traits = traitsOf(model);
  return {
    model,
    stream: verb !== 'whole',
    answer(faults: readonly Fault[]): SimulatedReply {
      const request = readGenerateRequest(model, call.json, traits);
      if ('message' in request) return invalidArgument(request.message, request.field);
      const context: ErrorContext = {
        model,
        status: null,
        wait: { form: 'none' },
        nowMs: 0,
        callId: call.id,
      };
      if (traits.context !== null && request.input.inputTokens > traits.context) {
        return geminiError('context_length', context);
      }
      if (traits.noPrefill && request.lastRole === 'model') {
        return geminiError('prefill_refused', context);
      }
      if (wantedOf(call.json) === 'text') {
        return answerGenerate(call, request, { traits, faults, verb });
      }
      const made = answerMedia(call, request, { faults, verb });
      return 'message' in made ? invalidArgument(made.message, made.field) : made;
    },
  };
}

function countRoute(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      const body = objectOf(call.json);
      const inner = body['generateContentRequest'];
      const counted = countModalities(isJsonObject(inner) ? inner : body);
      const totalTokens = Object.values(counted).reduce((sum, tokens) => sum + tokens, 0);
      return jsonReply({ totalTokens, promptTokensDetails: modalityDetails(counted) });
    },
  };
}

function modelObject(id: string): object {
  return {
    name: `models/${id}`,
    version: '001',
    displayName: `Simulated ${id}`,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  };
}

/** Pages by `pageSize`; the token is the index of the next model. */
function listModels(call: SimulatedCall): BodyReply {
  const size = Math.max(1, Number(call.query.get('pageSize') ?? '50') || 50);
  const from = Math.max(0, Number(call.query.get('pageToken') ?? '0') || 0);
  const next = from + size;
  return jsonReply({
    models: MODELS.slice(from, next).map(modelObject),
    ...(next < MODELS.length ? { nextPageToken: String(next) } : {}),
  });
}

function credentialOf(call: SimulatedCall): string | null {
  const header = call.headers['x-goog-api-key'];
  if (typeof header === 'string') return header;
  const bearer = /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1];
  return call.query.get('key') ?? bearer ?? null;
}

export const geminiFamily: SimulatorFamily = {
  name: 'gemini',
  route(call) {
    const match = PATH.exec(call.path);
    if (match !== null && call.method === 'POST') {
      const model = decodeSegment(match[1] ?? '');
      const verb = match[2] ?? '';
      if (verb === 'countTokens') return countRoute(call, model);
      if (/embedContent/i.test(verb)) return embeddingsRoute(call, model, verb);
      return generateRoute(call, model, verbOf(call, verb));
    }
    const video = videoRoute(call);
    if (video !== null) return video;
    const listed = LIST_PATH.exec(call.path);
    if (listed === null || call.method !== 'GET') return null;
    // At the root, `/v1/models` is OpenAI's unless the caller shows itself as Google's.
    if (listed[1] === 'v1' && call.headers['x-goog-api-key'] === undefined) return null;
    const model = listed[2] === undefined ? null : decodeSegment(listed[2]);
    const answer = (): BodyReply =>
      model === null ? listModels(call) : jsonReply(modelObject(model));
    return { model, stream: false, answer };
  },
  credentialOf,
  error: geminiError,
  notFound: () => ({
    kind: 'body',
    status: 404,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: '<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title></html>\n',
    usage: null,
  }),
  unauthorised(call, credential) {
    const context: ErrorContext = {
      model: null,
      status: null,
      wait: { form: 'none' },
      nowMs: 0,
      callId: call.id,
    };
    // Without any key Google answers 403 PERMISSION_DENIED.
    return geminiError(credential === null ? 'forbidden' : 'auth', context);
  },
  inside200: (error) => (error === 'content_policy' ? { type: 'filtered', what: 'prompt' } : null),
};
