/**
 * Reads a whole `generateContent` answer.
 * https://ai.google.dev/api/generate-content#GenerateContentResponse
 *
 * @module
 */
import type {
  AssistantPart,
  GroundingSource,
  TextChoice,
  TextResult,
  TextStreamPart,
  TokenLogprob,
  ToolCallPart,
} from '../../contracts/text.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { asList, parseJsonOrUndefined } from './json.ts';
import { AnswerReader, type AnswerContext } from './stream.ts';

type Writable<T> = { -readonly [Member in keyof T]: T[Member] };

interface ChoiceDraft extends Writable<Omit<TextChoice, 'parts' | 'sources' | 'logprobs'>> {
  readonly parts: Writable<AssistantPart>[];
  readonly sources: GroundingSource[];
  readonly logprobs: TokenLogprob[];
}

/** Puts the steps of a stream together again. */
class AnswerDraft {
  readonly #choices = new Map<number, ChoiceDraft>();
  #id: string | null = null;
  #modelServed: string | null = null;
  #usage: UsageVector | null = null;
  #serviceTier: string | null = null;

  add(part: TextStreamPart): void {
    switch (part.type) {
      case 'answer-start':
        this.#id = part.id;
        this.#modelServed = part.modelServed;
        return;
      case 'usage':
        this.#usage = part.usage;
        this.#serviceTier = part.serviceTier ?? this.#serviceTier;
        return;
      default:
        this.#addToChoice(part);
    }
  }

  #addToChoice(part: Exclude<TextStreamPart, { type: 'answer-start' | 'usage' }>): void {
    const draft = this.#choice(part.choice);
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta': {
        const type = part.type === 'text-delta' ? 'text' : 'reasoning';
        // A signature belongs to its part, so only unsigned neighbours are joined.
        const last = draft.parts.at(-1);
        const joins =
          last?.type === type && last.signature === undefined && part.signature === undefined;
        if (joins) last.text += part.text;
        else draft.parts.push({ type, text: part.text, ...signatureOf(part) });
        return;
      }
      case 'refusal-delta':
        draft.parts.push({ type: 'refusal', text: part.text });
        return;
      case 'tool-call-start': {
        const { id, name } = part;
        draft.parts.push({ type: 'tool-call', id, name, argumentsJson: '', ...signatureOf(part) });
        return;
      }
      case 'tool-call-delta': {
        const call = draft.parts.filter(isToolCall)[part.index];
        if (call !== undefined) call.argumentsJson += part.argumentsDelta;
        return;
      }
      case 'logprobs':
        draft.logprobs.push(...part.tokens);
        return;
      case 'source':
        draft.sources.push(part.source);
        return;
      case 'finish':
        draft.finishReason = part.reason;
        draft.rawFinishReason = part.raw;
        return;
    }
  }

  #choice(index: number): ChoiceDraft {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const draft: ChoiceDraft = {
      index,
      parts: [],
      finishReason: 'other',
      rawFinishReason: null,
      sources: [],
      logprobs: [],
    };
    this.#choices.set(index, draft);
    return draft;
  }

  result(): TextResult {
    const choices = [...this.#choices.values()]
      .toSorted((left, right) => left.index - right.index)
      .map((draft) => ({
        ...draft,
        logprobs: draft.logprobs.length === 0 ? null : draft.logprobs,
      }));
    return {
      id: this.#id,
      modelServed: this.#modelServed,
      choices,
      usage: this.#usage,
      ...(this.#serviceTier === null ? {} : { serviceTier: this.#serviceTier }),
    };
  }
}

function signatureOf(part: { readonly signature?: string }): { readonly signature?: string } {
  return part.signature === undefined ? {} : { signature: part.signature };
}

function isToolCall(part: Writable<AssistantPart>): part is Writable<ToolCallPart> {
  return part.type === 'tool-call';
}

/**
 * Reads a 2xx reply. An answer that is valid but holds nothing, or only media, is an empty answer; a candidate
 * that has neither a part nor a reason to stop is no answer.
 *
 * @throws ProviderFailureError `malformed_reply` when there is no answer to read, `content_filtered` for a
 * blocked prompt, or the class of an `error` member
 */
export function readReply(reply: WireReply, context: AnswerContext): TextResult {
  const answer = new AnswerReader(context);
  const body = parseJsonOrUndefined(reply.body.toString('utf8'));
  if (body === undefined) {
    throw answer.failure('malformed_reply', 'Gemini answered with a body that is not JSON.');
  }
  const draft = new AnswerDraft();
  // The streaming method without `alt=sse` answers with an array; a proxy may hand that on.
  for (const response of Array.isArray(body) ? asList(body) : [body]) {
    for (const part of answer.read(response)) draft.add(part);
  }
  const choices = answer.choices;
  if (choices.length === 0 || choices.some((choice) => !choice.finished && !choice.sawContent)) {
    throw answer.failure('malformed_reply', 'Gemini answered without an answer.');
  }
  const rest: TextStreamPart[] = [];
  answer.finish(rest);
  for (const part of rest) draft.add(part);
  return draft.result();
}
