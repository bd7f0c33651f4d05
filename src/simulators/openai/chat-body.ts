/**
 * The `chat.completion` object.
 *
 * @module
 */
import type { AnswerChoice } from '../core/answer.ts';
import { findFault } from '../core/fault.ts';
import type { ChatAnswer } from './chat.ts';
import { logprobsOf } from './logprobs.ts';
import { chatUsage } from './usage.ts';

/** Fingerprint of the simulated back end. */
export const FINGERPRINT = 'fp_simulated';

const FINISH_REASONS: Readonly<Record<AnswerChoice['finish'], string>> = {
  stop: 'stop',
  length: 'length',
  tools: 'tool_calls',
  filtered: 'content_filter',
};

export function finishReasonOf(choice: AnswerChoice): string {
  return FINISH_REASONS[choice.finish];
}

/** Visible text of a choice, grown or bent where a fault asks for it. */
export function contentOf(answer: ChatAnswer, choice: AnswerChoice): string {
  const huge = findFault(answer.faults, 'huge');
  const grown = huge === undefined ? '' : 'x'.repeat(huge.megabytes * 1_000_000);
  const lone = findFault(answer.faults, 'lone-surrogate') === undefined ? '' : '\uD83D';
  return lone + choice.content.join('') + grown;
}

function messageOf(answer: ChatAnswer, choice: AnswerChoice, index: number): object {
  const { profile } = answer;
  const empty =
    choice.toolCalls.length > 0 || findFault(answer.faults, 'empty')?.what === 'content';
  const reasoning = choice.reasoning.join('');
  return {
    role: 'assistant',
    content: empty ? null : contentOf(answer, choice),
    ...(profile.reasoningMember !== null && reasoning !== ''
      ? { [profile.reasoningMember]: reasoning }
      : {}),
    ...(choice.toolCalls.length > 0
      ? {
          tool_calls: choice.toolCalls.map((call, place) => ({
            id: answer.toolIds(index, place),
            type: 'function',
            function: { name: call.name, arguments: call.arguments.join('') },
          })),
        }
      : {}),
    ...(profile.complete ? { refusal: null, annotations: [] } : {}),
  };
}

/** The whole answer as an object. */
export function chatBody(answer: ChatAnswer): object {
  const { profile, request } = answer;
  const noChoices = findFault(answer.faults, 'empty')?.what === 'choices';
  const choices = noChoices ? [] : answer.choices;
  return {
    id: answer.id,
    object: 'chat.completion',
    created: answer.createdS,
    model: answer.model,
    choices: choices.map((choice, index) => ({
      index,
      message: messageOf(answer, choice, index),
      logprobs: request.logprobs ? logprobsOf(choice.content, request.topLogprobs) : null,
      finish_reason: finishReasonOf(choice),
    })),
    usage: chatUsage(answer.usage, profile.complete, answer.faults),
    ...(profile.complete && answer.tier !== null ? { service_tier: answer.tier } : {}),
    ...(profile.complete ? { system_fingerprint: FINGERPRINT } : {}),
  };
}
