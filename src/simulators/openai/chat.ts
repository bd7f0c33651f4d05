/**
 * Chat Completions answers, whole and streamed, in the shape of OpenAI and of its imitators.
 *
 * @module
 */
import { planAnswer, tokensOfChoice, type AnswerChoice } from '../core/answer.ts';
import { cutsCharacters, findFault, type Fault, type FaultError } from '../core/fault.ts';
import type { SimulatedCall } from '../core/family.ts';
import { createRandom } from '../core/random.ts';
import type { SimulatedReply, SimulatedUsage } from '../core/reply.ts';
import type { Traits } from '../core/traits.ts';
import { chatBody } from './chat-body.ts';
import { chatEvents } from './chat-stream.ts';
import type { ChatRequest } from './request.ts';

/** What tells one server of this protocol from another. */
export interface ChatProfile {
  readonly idPrefix: string;
  /** Members that only OpenAI sends: fingerprint, tier, refusal, annotations, obfuscation, usage details. */
  readonly complete: boolean;
  /** Where reasoning is shown; null hides it. */
  readonly reasoningMember: string | null;
  servedModel(model: string): string;
  headers(call: SimulatedCall, usage: SimulatedUsage): Readonly<Record<string, string>>;
  inBandError(error: FaultError, model: string): string;
}

/** Everything that shapes one answer. */
export interface ChatAnswer {
  readonly id: string;
  readonly createdS: number;
  readonly model: string;
  /** The service tier that the answer names: the one asked for; `default` where none was, or `auto`. */
  readonly tier: string | null;
  readonly request: ChatRequest;
  readonly profile: ChatProfile;
  readonly choices: readonly AnswerChoice[];
  readonly usage: SimulatedUsage;
  readonly toolIds: (choice: number, call: number) => string;
  readonly filler: string;
  readonly faults: readonly Fault[];
  readonly chunk: number;
}

/** Fixed, so that equal requests get equal bytes. 2026-01-01T00:00:00Z. */
export const CREATED_S = 1_767_225_600;

function tierOf(request: ChatRequest, served: string | null): string | null {
  if (served === 'none') return null;
  return served ?? (request.serviceTier === 'auto' ? null : request.serviceTier) ?? 'default';
}

function answerOf(
  call: SimulatedCall,
  request: ChatRequest,
  context: {
    readonly profile: ChatProfile;
    readonly traits: Traits;
    readonly faults: readonly Fault[];
  },
): ChatAnswer {
  const { profile, traits, faults } = context;
  const filtered = findFault(faults, 'filtered');
  const choices = planAnswer({
    ...request.answer,
    seed: call.seed,
    multiByte: cutsCharacters(faults),
    emptyContent: findFault(faults, 'empty')?.what === 'content' || filtered?.what === 'prompt',
    filtered: filtered?.what === 'answer',
  }).map((choice): AnswerChoice =>
    filtered?.what === 'prompt' ? { ...choice, finish: 'filtered' } : choice,
  );
  const outputTokens = choices.reduce((sum, choice) => sum + tokensOfChoice(choice), 0);
  const reasoningTokens = choices.reduce((sum, choice) => sum + choice.reasoning.length, 0);
  const random = createRandom(call.seed, 'id', call.body.toString('latin1'));
  const id = profile.idPrefix + random.alphanumeric(29);
  const toolSeed = random.alphanumeric(16);
  return {
    id,
    createdS: CREATED_S,
    tier: tierOf(request, findFault(faults, 'served-tier')?.tier ?? null),
    model: findFault(faults, 'served-model')?.model ?? profile.servedModel(request.model),
    request,
    profile,
    choices,
    usage: { ...request.input, outputTokens, reasoningTokens },
    toolIds: (choice, index) => `call_${createRandom(toolSeed, choice, index).alphanumeric(24)}`,
    filler: random.alphanumeric(64),
    faults,
    chunk: traits.chunk,
  };
}

/** The healthy answer of a chat model, bent by the faults that concern its content. */
export function answerChat(
  call: SimulatedCall,
  request: ChatRequest,
  context: {
    readonly profile: ChatProfile;
    readonly traits: Traits;
    readonly faults: readonly Fault[];
  },
): SimulatedReply {
  const { profile, faults } = context;
  const answer = answerOf(call, request, context);
  const headers = profile.headers(call, answer.usage);
  const inBand = findFault(faults, 'in-band-error');
  if (!request.stream) {
    const failed = inBand !== undefined;
    return {
      kind: 'body',
      status: 200,
      headers: { 'content-type': 'application/json', ...headers },
      body: failed
        ? profile.inBandError(inBand.error, answer.model)
        : JSON.stringify(chatBody(answer)),
      usage: failed ? null : answer.usage,
    };
  }
  return {
    kind: 'stream',
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...headers,
    },
    framing: 'lf',
    events: chatEvents(answer),
    usage: answer.usage,
    inBandError: (error) => profile.inBandError(error, answer.model),
  };
}
