/**
 * Reads `streamGenerateContent?alt=sse`: one `GenerateContentResponse` an event, no terminator but the end.
 * https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 *
 * @module
 */
import {
  providerFailure,
  ProviderFailureError,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { TextStreamReader } from '../../contracts/text-provider.ts';
import type { TextStreamPart } from '../../contracts/text.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { ServerSentEvent } from '../../contracts/wire.ts';
import { ChoiceReader } from './choice.ts';
import { failureOfError } from './errors.ts';
import { billableSearches } from './grounding.ts';
import {
  asCount,
  asList,
  asRecord,
  asRecords,
  asText,
  parseJsonOrUndefined,
  type JsonRecord,
} from './json.ts';
import { readUsage } from './usage.ts';

export interface AnswerContext {
  /** Model that was asked, for answers that do not name the one that served. */
  readonly model: string;
  /** Choices that were asked for. */
  readonly choices: number;
}

/** Reads the responses of one answer in order; a whole answer is one response. */
export class AnswerReader {
  readonly #context: AnswerContext;
  readonly #choices = new Map<number, ChoiceReader>();
  #responseId: string | null = null;
  #modelServed: string | null = null;
  #started = false;
  #blockReason: string | null = null;
  #complete = false;
  #usage: UsageVector | null = null;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  /**
   * True once every choice has its reason and the closing usage stands beside it. A reason alone is no end:
   * some Vertex streams name STOP on every chunk, and never count on such chunks.
   */
  get complete(): boolean {
    return this.#complete;
  }

  /** The choices seen so far. */
  get choices(): readonly ChoiceReader[] {
    return [...this.#choices.values()];
  }

  /** Why the prompt, or what was left of the answer, was blocked. */
  get blockReason(): string | null {
    return this.#blockReason;
  }

  /**
   * Reads one response.
   *
   * @throws ProviderFailureError for an `error` member, a blocked prompt, and anything that is not a response
   */
  read(value: unknown): readonly TextStreamPart[] {
    const response = asRecord(value);
    if (response === null)
      throw this.failure('malformed_reply', 'Gemini sent a reply that is not a response object.');
    if (response['error'] !== undefined && response['error'] !== null) {
      const context = { status: 200, usage: this.#usage };
      throw new ProviderFailureError(failureOfError(response['error'], context));
    }
    const out: TextStreamPart[] = [];
    this.#readHead(response, out);
    for (const candidate of asRecords(response['candidates'])) {
      const choice = this.#choice(asCount(candidate['index']));
      for (const part of choice.read(candidate, this.#responseId)) out.push(part);
    }
    const counted = this.#readUsage(response, out);
    this.#readFeedback(response);
    if (counted && this.#allFinished()) {
      this.#complete = true;
      this.finish(out);
    }
    return out;
  }

  /** Adds what ends each choice that has not ended yet. */
  finish(out: TextStreamPart[]): void {
    for (const choice of this.#choices.values()) {
      for (const part of choice.finish(this.#blockReason)) out.push(part);
    }
  }

  /** A failure of this answer, with the usage that the provider reported before it. */
  failure(kind: ProviderFailureKind, message: string): ProviderFailureError {
    return new ProviderFailureError(
      providerFailure({ kind, status: 200, message, usage: this.#usage }),
    );
  }

  #readHead(response: JsonRecord, out: TextStreamPart[]): void {
    this.#responseId ??= asText(response['responseId']);
    this.#modelServed ??= asText(response['modelVersion']);
    if (this.#started) return;
    this.#started = true;
    out.push({ type: 'answer-start', id: this.#responseId, modelServed: this.#modelServed });
  }

  #choice(index: number): ChoiceReader {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new ChoiceReader(index);
    this.#choices.set(index, choice);
    return choice;
  }

  /**
   * The counts are cumulative: the last ones stand for the whole answer, and searches are added to them.
   *
   * @returns true when this response counts
   */
  #readUsage(response: JsonRecord, out: TextStreamPart[]): boolean {
    const searches = this.#searches();
    const counted = readUsage(response['usageMetadata'], searches);
    const grown = counted === null && searches > (this.#usage?.web_searches ?? 0);
    const usage =
      grown && this.#usage !== null ? { ...this.#usage, web_searches: searches } : counted;
    if (usage === null) return false;
    this.#usage = usage;
    const serviceTier = asText(asRecord(response['usageMetadata'])?.['serviceTier']);
    out.push({ type: 'usage', usage, ...(serviceTier === null ? {} : { serviceTier }) });
    return counted !== null;
  }

  #searches(): number {
    const queries = new Set<string>();
    for (const choice of this.#choices.values()) {
      for (const query of choice.grounding.queries) queries.add(query);
    }
    if (queries.size === 0) return 0;
    return billableSearches(this.#modelServed ?? this.#context.model, queries);
  }

  /** A blocked prompt is a 200 without candidates; its usage is billed. */
  #readFeedback(response: JsonRecord): void {
    const feedback = asRecord(response['promptFeedback']);
    if (feedback === null) return;
    const message = asText(feedback['blockReasonMessage']);
    const reason = asText(feedback['blockReason']);
    if (reason === null && message === null) return;
    this.#blockReason = reason ?? 'BLOCK_REASON_UNSPECIFIED';
    if (this.#choices.size > 0) return;
    throw new ProviderFailureError(
      providerFailure({
        kind: 'content_filtered',
        status: 200,
        providerCode: this.#blockReason,
        message: `Gemini blocked the prompt (${this.#blockReason})${message === null ? '' : `: ${message.slice(0, 500)}`}`,
        usage: this.#usage,
      }),
    );
  }

  #allFinished(): boolean {
    if (this.#choices.size < this.#context.choices) return false;
    for (const choice of this.#choices.values()) if (!choice.finished) return false;
    return true;
  }
}

/** Reads one streamed answer. */
export class GeminiStreamReader implements TextStreamReader {
  readonly #answer: AnswerReader;

  constructor(context: AnswerContext) {
    this.#answer = new AnswerReader(context);
  }

  get complete(): boolean {
    return this.#answer.complete;
  }

  event(event: ServerSentEvent): readonly TextStreamPart[] {
    const data = event.data.trim();
    // Gemini ends by closing; a proxy may speak OpenAI's terminator.
    if (data === '' || data === '[DONE]') return [];
    const value = parseJsonOrUndefined(data);
    if (value === undefined) {
      throw this.#answer.failure('malformed_reply', 'Gemini sent an event that is not JSON.');
    }
    // Without `alt=sse` the whole stream is one array of the same objects.
    if (!Array.isArray(value)) return this.#answer.read(value);
    return asList(value).flatMap((response) => this.#answer.read(response));
  }

  end(): readonly TextStreamPart[] {
    const { choices, blockReason } = this.#answer;
    const open = choices.some((choice) => !choice.finished);
    if (choices.length === 0 || (open && blockReason === null)) {
      throw this.#answer.failure(
        'broken_stream',
        'Gemini ended the stream before the answer was complete.',
      );
    }
    const out: TextStreamPart[] = [];
    this.#answer.finish(out);
    return out;
  }
}
