/**
 * The Hugging Face router's chat wire: OpenAI's protocol as its imitators speak it, with model suffixes, bare usage,
 * reasoning in the open and a `retry-after` on success (recorded), which callers must ignore.
 *
 * @module
 */
import type { ErrorContext, FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { objectOf, stringOf } from '../core/json.ts';
import type { ChatProfile } from '../openai/chat.ts';
import { chatRoute } from '../openai/chat-route.ts';
import { modelList, splitSuffix } from './catalogue.ts';
import { huggingfaceError, huggingfaceErrorJson } from './errors.ts';
import { pipelineRoute } from './pipelines.ts';
import { queueRoute } from './queue.ts';

const PROFILE: ChatProfile = {
  idPrefix: 'chatcmpl-',
  complete: false,
  reasoningMember: 'reasoning_content',
  servedModel: (model) => splitSuffix(model)?.base ?? model,
  headers: (call) => ({
    'x-request-id': call.id,
    'x-powered-by': 'huggingface-moon',
    'retry-after': '30',
  }),
  inBandError: huggingfaceErrorJson,
};

function contextOf(call: SimulatedCall, model: string | null): ErrorContext {
  return { model, status: null, wait: { form: 'none' }, nowMs: 0, callId: call.id };
}

function route(call: SimulatedCall): FamilyRoute {
  const model = stringOf(objectOf(call.json)['model']);
  const chat = chatRoute(call, { profile: PROFILE, error: huggingfaceError });
  if (model === null || splitSuffix(model) !== null) return chat;
  return { ...chat, answer: () => huggingfaceError('model_not_supported', contextOf(call, model)) };
}

export const huggingfaceFamily: SimulatorFamily = {
  name: 'huggingface',
  route(call) {
    if (call.method === 'POST' && call.path === '/v1/chat/completions') return route(call);
    const pipeline = queueRoute(call) ?? pipelineRoute(call);
    if (pipeline !== null) return pipeline;
    if (call.method !== 'GET' || call.path !== '/v1/models') return null;
    const headers = { 'content-type': 'application/json; charset=utf-8', 'x-request-id': call.id };
    const body = JSON.stringify(modelList());
    return {
      model: null,
      stream: false,
      answer: () => ({ kind: 'body', status: 200, headers, body, usage: null }),
    };
  },
  credentialOf: (call) => /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error: huggingfaceError,
  notFound: (call) => ({
    kind: 'body',
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-request-id': call.id },
    body: 'Not Found',
    usage: null,
  }),
  unauthorised: (call) => huggingfaceError('auth', contextOf(call, null)),
};
