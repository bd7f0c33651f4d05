/**
 * Reads a whole chat completion
 * (https://platform.openai.com/docs/api-reference/chat/object).
 *
 * @module
 */
import { providerFailure, ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { AssistantPart, TextChoice, TextResult } from '../../contracts/text.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { annotationSources, answerSources, contentPieces, logprobsOf } from './content.ts';
import { inBandFailure, isInBandError } from './errors.ts';
import { finishReasonOf } from './finish-reason.ts';
import { isObject, objectOf, textOf, type LooseObject } from './loose-json.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';
import { ThinkTagSplitter } from './think-tags.ts';
import { madeUpCallId, wireToolCalls } from './tool-call.ts';
import { usageOfFrame } from './usage.ts';

/** The failure of an answer that cannot be read; what it held is not repeated, but what it counted is billed. */
export function malformedReply(
  message: string,
  usage: UsageVector | null = null,
): ProviderFailureError {
  return new ProviderFailureError(
    providerFailure({ kind: 'malformed_reply', status: 200, message, usage }),
  );
}

/** Parses one JSON object. @throws ProviderFailureError `malformed_reply` */
export function parseFrame(text: string, what: string): LooseObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, so it is not kept as a cause.
    throw malformedReply(`${what} is not valid JSON.`);
  }
  if (!isObject(value)) throw malformedReply(`${what} is not a JSON object.`);
  return value;
}

/** A parsed 2xx body that holds choices. */
export interface Completion {
  /** The body as it was read. */
  readonly text: string;
  readonly frame: LooseObject;
  /** At least one; each may be anything. */
  readonly choices: readonly unknown[];
}

/**
 * Parses a 2xx body and makes sure that it holds an answer.
 *
 * @throws ProviderFailureError when it is malformed, an error, or has no choice
 */
export function parseCompletion(reply: WireReply, quirks: OpenAiCompatibleQuirks): Completion {
  const text = reply.body.toString('utf8');
  const frame = parseFrame(text, "The provider's answer");
  if (isInBandError(frame)) {
    throw new ProviderFailureError(inBandFailure(frame, quirks.usageBesideTotal));
  }
  const choices: unknown = frame['choices'];
  const isAnswer =
    Array.isArray(choices) && choices.some((choice) => isObject(objectOf(choice)['message']));
  if (!isAnswer) {
    const usage = usageOfFrame(frame, quirks.usageBesideTotal);
    throw malformedReply("The provider's answer has no choice with a message.", usage);
  }
  return { text, frame, choices };
}

/** Visible parts of a message, thoughts parted from text. */
function visibleParts(message: LooseObject, quirks: OpenAiCompatibleQuirks): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const splitter = quirks.thinkTags ? new ThinkTagSplitter() : null;
  for (const piece of contentPieces(message)) {
    if (piece.type === 'text' && splitter !== null) parts.push(...splitter.push(piece.text));
    else parts.push(piece);
  }
  if (splitter !== null) parts.push(...splitter.end());
  return parts;
}

function toolCallParts(
  message: LooseObject,
  answerId: string | null,
  choice: number,
): readonly AssistantPart[] {
  const seen = new Set<string>();
  return wireToolCalls(message).map((call, position) => {
    const id =
      call.id === null || seen.has(call.id) ? madeUpCallId(answerId, choice, position) : call.id;
    seen.add(id);
    return {
      type: 'tool-call',
      id,
      name: call.name ?? '',
      argumentsJson: call.argumentsText === '' ? '{}' : call.argumentsText,
    };
  });
}

function choiceOf(
  choice: LooseObject,
  position: number,
  context: { readonly frame: LooseObject; readonly quirks: OpenAiCompatibleQuirks },
): TextChoice {
  const message = objectOf(choice['message']);
  const index = typeof choice['index'] === 'number' ? choice['index'] : position;
  const calls = toolCallParts(message, textOf(context.frame['id']), index);
  const raw = textOf(choice['finish_reason']);
  const annotated = annotationSources(message);
  return {
    index,
    parts: [...visibleParts(message, context.quirks), ...calls],
    finishReason: finishReasonOf(raw, calls.length > 0),
    rawFinishReason: raw,
    sources: annotated.length > 0 ? annotated : answerSources(context.frame),
    logprobs: logprobsOf(choice),
  };
}

/** @throws ProviderFailureError as {@link parseCompletion} */
export function readChatReply(reply: WireReply, quirks: OpenAiCompatibleQuirks): TextResult {
  const { frame, choices } = parseCompletion(reply, quirks);
  const serviceTier = textOf(frame['service_tier']);
  return {
    id: textOf(frame['id']),
    ...(serviceTier === null ? {} : { serviceTier }),
    modelServed: textOf(frame['model']),
    choices: choices.map((choice, position) =>
      choiceOf(objectOf(choice), position, { frame, quirks }),
    ),
    usage: usageOfFrame(frame, quirks.usageBesideTotal),
  };
}
