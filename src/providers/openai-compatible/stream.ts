/**
 * Reads a chat completion stream
 * (https://platform.openai.com/docs/api-reference/chat-streaming/streaming).
 *
 * Complete is an answer whose every expected choice has a finish reason; nothing waits for `[DONE]`, which some
 * servers never send. Where it does come, choices that never began are taken as not given.
 *
 * @module
 */
import { providerFailure, ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { TextStreamPart } from '../../contracts/text.ts';
import type { TextStreamReader } from '../../contracts/text-provider.ts';
import type { ServerSentEvent } from '../../contracts/wire.ts';
import { answerSources } from './content.ts';
import { inBandFailure, isInBandError } from './errors.ts';
import { listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';
import { parseFrame } from './response.ts';
import { StreamChoice } from './stream-choice.ts';
import { usageOfFrame } from './usage.ts';

export interface ChatStreamOptions {
  readonly quirks: OpenAiCompatibleQuirks;
  /** Choices that were asked for. */
  readonly choices: number;
}

export class ChatStreamReader implements TextStreamReader {
  readonly #quirks: OpenAiCompatibleQuirks;
  readonly #expectedChoices: number;
  readonly #choices = new Map<number, StreamChoice>();
  #started = false;
  #done = false;
  #answerId: string | null = null;

  constructor(options: ChatStreamOptions) {
    this.#quirks = options.quirks;
    this.#expectedChoices = options.choices;
  }

  get complete(): boolean {
    let finished = 0;
    for (const choice of this.#choices.values()) if (choice.isFinished) finished += 1;
    if (finished >= this.#expectedChoices) return true;
    return this.#done && finished > 0 && finished === this.#choices.size;
  }

  event(event: ServerSentEvent): readonly TextStreamPart[] {
    const data = event.data.trim();
    if (this.#done || data === '') return [];
    if (data === '[DONE]') {
      this.#done = true;
      return [];
    }
    const frame = parseFrame(data, 'An event of the stream');
    if (event.event === 'error' || isInBandError(frame)) {
      throw new ProviderFailureError(inBandFailure(frame, this.#quirks.usageBesideTotal));
    }
    return this.#frame(frame);
  }

  end(): readonly TextStreamPart[] {
    if (!this.complete) {
      throw new ProviderFailureError(
        providerFailure({
          kind: 'broken_stream',
          status: 200,
          message: 'The stream ended before the answer was complete.',
        }),
      );
    }
    return [];
  }

  #frame(frame: LooseObject): readonly TextStreamPart[] {
    const parts: TextStreamPart[] = [];
    const sources = answerSources(frame);
    for (const [position, value] of listOf(frame['choices']).entries()) {
      const choice = objectOf(value);
      const index = typeof choice['index'] === 'number' ? choice['index'] : position;
      parts.push(...this.#choice(index).push(choice, { answerId: this.#idOf(frame), sources }));
    }
    const usage = usageOfFrame(frame, this.#quirks.usageBesideTotal);
    if (usage !== null) parts.push({ type: 'usage', usage });
    return this.#withStart(frame, parts);
  }

  /** The start is told with the first frame that says who answers, at the latest before the first content. */
  #withStart(frame: LooseObject, parts: readonly TextStreamPart[]): readonly TextStreamPart[] {
    if (this.#started) return parts;
    const id = this.#idOf(frame);
    const modelServed = textOf(frame['model']);
    if (id === null && modelServed === null && parts.length === 0) return parts;
    this.#started = true;
    const serviceTier = textOf(frame['service_tier']);
    const tier = serviceTier === null ? {} : { serviceTier };
    return [{ type: 'answer-start', id, modelServed, ...tier }, ...parts];
  }

  #idOf(frame: LooseObject): string | null {
    this.#answerId ??= textOf(frame['id']);
    return this.#answerId;
  }

  #choice(index: number): StreamChoice {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new StreamChoice(index, this.#quirks.thinkTags);
      this.#choices.set(index, choice);
    }
    return choice;
  }
}
