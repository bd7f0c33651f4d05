/**
 * `chat.completion.chunk` events: the role, one event a token, the finish reason of each choice, usage in an event of
 * its own when asked for, then `[DONE]`.
 *
 * @module
 */
import type { AnswerChoice } from '../core/answer.ts';
import { findFault } from '../core/fault.ts';
import { partialUsage, type StreamEvent, type StreamEventKind } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import type { ChatAnswer } from './chat.ts';
import { FINGERPRINT, finishReasonOf } from './chat-body.ts';
import { logprobsOf } from './logprobs.ts';
import { chatUsage } from './usage.ts';

/** A step of one choice: its delta as JSON and the tokens it adds. */
interface Step {
  readonly kind: StreamEventKind;
  readonly index: number;
  readonly delta: string;
  readonly tokens: readonly string[];
  readonly weight: number;
  readonly finish: string | null;
}

function groups(tokens: readonly string[], size: number): (readonly string[])[] {
  if (size === 1) return tokens.map((token) => [token]);
  const result: (readonly string[])[] = [];
  for (let at = 0; at < tokens.length; at += size) result.push(tokens.slice(at, at + size));
  return result;
}

function toolSteps(answer: ChatAnswer, choice: AnswerChoice, index: number): Step[] {
  return choice.toolCalls.flatMap((call, place) => {
    const opening = {
      tool_calls: [
        {
          index: place,
          id: answer.toolIds(index, place),
          type: 'function',
          function: { name: call.name, arguments: '' },
        },
      ],
    };
    const head: Step = {
      kind: 'content',
      index,
      delta: JSON.stringify(opening),
      tokens: [],
      weight: countTokens(call.name),
      finish: null,
    };
    const rest = groups(call.arguments, answer.chunk).map((group): Step => {
      const delta = { tool_calls: [{ index: place, function: { arguments: group.join('') } }] };
      return {
        kind: 'content',
        index,
        delta: JSON.stringify(delta),
        tokens: [],
        weight: group.length,
        finish: null,
      };
    });
    return [head, ...rest];
  });
}

/** The visible text with what faults add to it, as the texts of its events. */
function contentSteps(answer: ChatAnswer, choice: AnswerChoice, index: number): Step[] {
  const huge = findFault(answer.faults, 'huge');
  const lone = findFault(answer.faults, 'lone-surrogate') !== undefined;
  return groups(choice.content, answer.chunk).map((tokens, place, all): Step => {
    let text = tokens.join('');
    if (lone && place === 0) text = `\uD83D${text}`;
    if (huge !== undefined && place === all.length - 1)
      text += 'x'.repeat(huge.megabytes * 1_000_000);
    const delta = `{"content":${JSON.stringify(text)}}`;
    return { kind: 'content', index, delta, tokens, weight: tokens.length, finish: null };
  });
}

function choiceSteps(answer: ChatAnswer, choice: AnswerChoice, index: number): Step[] {
  const { profile } = answer;
  const opening = {
    role: 'assistant',
    content: choice.toolCalls.length > 0 ? null : '',
    ...(profile.complete ? { refusal: null } : {}),
  };
  const plain = { index, tokens: [], weight: 0, finish: null };
  const steps: Step[] = [{ ...plain, kind: 'opening', delta: JSON.stringify(opening) }];
  if (profile.reasoningMember !== null) {
    for (const group of groups(choice.reasoning, answer.chunk)) {
      const delta = { [profile.reasoningMember]: group.join('') };
      steps.push({ ...plain, kind: 'content', delta: JSON.stringify(delta) });
    }
  }
  const content =
    choice.toolCalls.length > 0
      ? toolSteps(answer, choice, index)
      : contentSteps(answer, choice, index);
  const finish: Step = { ...plain, kind: 'finish', delta: '{}', finish: finishReasonOf(choice) };
  return [...steps, ...content, finish];
}

/** Steps of all choices, turn about. */
function interleaved(lists: readonly (readonly Step[])[]): Step[] {
  if (lists.length === 1) return [...(lists[0] ?? [])];
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const steps: Step[] = [];
  for (let place = 0; place < longest; place += 1) {
    for (const list of lists) {
      const step = list[place];
      if (step !== undefined) steps.push(step);
    }
  }
  return steps;
}

function usageJson(answer: ChatAnswer, produced: number): string | null {
  const usage = chatUsage(
    partialUsage(answer.usage, produced),
    answer.profile.complete,
    answer.faults,
  );
  return usage === undefined ? null : JSON.stringify(usage);
}

class ChunkWriter {
  readonly #answer: ChatAnswer;
  readonly #head: string;
  #count = 0;

  constructor(answer: ChatAnswer) {
    this.#answer = answer;
    const { profile } = answer;
    const tier =
      profile.complete && answer.tier !== null
        ? `,"service_tier":${JSON.stringify(answer.tier)}`
        : '';
    const print = profile.complete ? `,"system_fingerprint":"${FINGERPRINT}"` : '';
    this.#head =
      `{"id":${JSON.stringify(answer.id)},"object":"chat.completion.chunk","created":${String(answer.createdS)},` +
      `"model":${JSON.stringify(answer.model)}${tier}${print},"choices":[`;
  }

  chunk(choice: string, usage: string | null): string {
    const { request, profile, filler } = this.#answer;
    this.#count += 1;
    const at = (this.#count * 7) % 48;
    const obfuscation =
      profile.complete && request.obfuscation
        ? `,"obfuscation":"${filler.slice(at, at + (this.#count % 15))}"`
        : '';
    const member =
      usage !== null ? `,"usage":${usage}` : request.includeUsage ? ',"usage":null' : '';
    return `${this.#head}${choice}]${member}${obfuscation}}`;
  }

  step(step: Step): string {
    const { request } = this.#answer;
    const asked = request.logprobs && step.tokens.length > 0;
    const logprobs = asked ? JSON.stringify(logprobsOf(step.tokens, request.topLogprobs)) : 'null';
    const finish = step.finish === null ? 'null' : `"${step.finish}"`;
    return `{"index":${String(step.index)},"delta":${step.delta},"logprobs":${logprobs},"finish_reason":${finish}}`;
  }
}

/** All events of the stream. */
export function chatEvents(answer: ChatAnswer): StreamEvent[] {
  const writer = new ChunkWriter(answer);
  const how = findFault(answer.faults, 'usage')?.how;
  const noChoices = findFault(answer.faults, 'empty')?.what === 'choices';
  const steps = noChoices
    ? []
    : interleaved(answer.choices.map((choice, index) => choiceSteps(answer, choice, index)));
  let producedTokens = answer.usage.reasoningTokens;
  const events = steps.map((step): StreamEvent => {
    producedTokens += step.weight;
    const early = how === 'growing' || (how === 'twice' && step.kind === 'finish');
    const usage = early ? usageJson(answer, producedTokens) : null;
    return { kind: step.kind, data: writer.chunk(writer.step(step), usage), producedTokens };
  });
  const total = answer.usage.outputTokens;
  const usage = usageJson(answer, total);
  if ((answer.request.includeUsage || noChoices) && usage !== null) {
    events.push({ kind: 'usage', data: writer.chunk('', usage), producedTokens: total });
  }
  events.push({ kind: 'done', data: '[DONE]', producedTokens: total });
  return events;
}
