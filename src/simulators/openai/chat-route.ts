/**
 * `POST /v1/chat/completions` of any server that speaks this protocol.
 *
 * @module
 */
import type { ErrorContext, FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { Fault, FaultError } from '../core/fault.ts';
import { objectOf, stringOf } from '../core/json.ts';
import type { BodyReply, SimulatedReply } from '../core/reply.ts';
import { traitsOf } from '../core/traits.ts';
import { answerChat, type ChatProfile } from './chat.ts';
import { invalidReply } from './errors.ts';
import { readChatRequest } from './request.ts';

export interface ChatServer {
  readonly profile: ChatProfile;
  error(error: FaultError, context: ErrorContext): BodyReply;
}

/** The route of one call. */
export function chatRoute(call: SimulatedCall, server: ChatServer): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model']);
  const traits = traitsOf(model ?? '');
  return {
    model,
    stream: body['stream'] === true,
    answer(faults: readonly Fault[]): SimulatedReply {
      const request = readChatRequest(call.json, traits);
      if ('message' in request) return invalidReply(request, call.id);
      const wait = { form: 'none' } as const;
      const context = { model, status: null, wait, nowMs: 0, callId: call.id };
      if (traits.context !== null && request.input.inputTokens > traits.context) {
        return server.error('context_length', context);
      }
      if (traits.noPrefill && request.lastRole === 'assistant') {
        return server.error('prefill_refused', context);
      }
      return answerChat(call, request, { profile: server.profile, traits, faults });
    },
  };
}
