/**
 * Progress of one choice of a stream: its deltas in, stream parts out.
 *
 * @module
 */
import type { GroundingSource, TextStreamPart } from '../../contracts/text.ts';
import { annotationSources, contentPieces, logprobsOf, type ContentPiece } from './content.ts';
import { finishReasonOf } from './finish-reason.ts';
import { isObject, objectOf, textOf, type LooseObject } from './loose-json.ts';
import { ThinkTagSplitter } from './think-tags.ts';
import { madeUpCallId, wireToolCalls, type WireToolCall } from './tool-call.ts';

export interface ChunkContext {
  readonly answerId: string | null;
  /** Sources that the frame names for the whole answer. */
  readonly sources: readonly GroundingSource[];
}

/** A tool call in progress. Its start is told once its name is known; arguments that came before wait for it. */
interface OpenCall {
  readonly position: number;
  id: string | null;
  wireId: string | null;
  started: boolean;
  waitingArguments: string;
}

export class StreamChoice {
  readonly #index: number;
  readonly #splitter: ThinkTagSplitter | null;
  readonly #calls: OpenCall[] = [];
  /** Latest call at each wire index. */
  readonly #callAt = new Map<number, OpenCall>();
  readonly #ids = new Set<string>();
  #lastCall: OpenCall | null = null;
  #answerSources: readonly GroundingSource[] = [];
  #hasAnnotations = false;
  #hasContent = false;
  #finished = false;

  constructor(index: number, thinkTags: boolean) {
    this.#index = index;
    this.#splitter = thinkTags ? new ThinkTagSplitter() : null;
  }

  get isFinished(): boolean {
    return this.#finished;
  }

  push(choice: LooseObject, context: ChunkContext): readonly TextStreamPart[] {
    const parts: TextStreamPart[] = [];
    const delta = this.#deltaOf(choice);
    for (const piece of contentPieces(delta)) parts.push(...this.#piece(piece));
    for (const call of wireToolCalls(delta)) parts.push(...this.#toolDelta(call, context.answerId));
    for (const source of annotationSources(delta)) {
      this.#hasAnnotations = true;
      parts.push({ type: 'source', choice: this.#index, source });
    }
    const tokens = logprobsOf(choice);
    if (tokens !== null && tokens.length > 0) {
      parts.push({ type: 'logprobs', choice: this.#index, tokens });
    }
    if (parts.length > 0) this.#hasContent = true;
    if (context.sources.length > 0) this.#answerSources = context.sources;
    const raw = textOf(choice['finish_reason']);
    if (raw !== null && !this.#finished) parts.push(...this.#finish(raw, context.answerId));
    return parts;
  }

  /** Servers that send a whole message in a stream, and no deltas, are read too. */
  #deltaOf(choice: LooseObject): LooseObject {
    if (isObject(choice['delta'])) return choice['delta'];
    return this.#hasContent ? {} : objectOf(choice['message']);
  }

  #piece(piece: ContentPiece): readonly TextStreamPart[] {
    if (piece.type === 'text' && this.#splitter !== null) {
      return this.#splitter.push(piece.text).map((part) => this.#delta(part));
    }
    return [this.#delta(piece)];
  }

  #delta({ type, text }: ContentPiece): TextStreamPart {
    return { type: `${type}-delta`, choice: this.#index, text };
  }

  /**
   * Which call a piece belongs to. Without an index it goes on with the last call, unless it brings an id of its own;
   * an index that comes again with another id and a name begins a new call (servers that number all calls 0).
   */
  #callOf(piece: WireToolCall): OpenCall {
    const known = piece.index === null ? this.#lastCall : this.#callAt.get(piece.index);
    const begins =
      known === null ||
      known === undefined ||
      (piece.id !== null &&
        known.wireId !== null &&
        piece.id !== known.wireId &&
        piece.name !== null) ||
      (piece.index === null && piece.id === null && piece.name !== null && known.started);
    if (!begins) return known;
    const call: OpenCall = {
      position: this.#calls.length,
      id: null,
      wireId: null,
      started: false,
      waitingArguments: '',
    };
    this.#calls.push(call);
    return call;
  }

  #toolDelta(piece: WireToolCall, answerId: string | null): readonly TextStreamPart[] {
    const call = this.#callOf(piece);
    this.#lastCall = call;
    if (piece.index !== null) this.#callAt.set(piece.index, call);
    call.wireId ??= piece.id;
    call.waitingArguments += piece.argumentsText;
    if (!call.started) {
      if (piece.name === null) return [];
      return this.#startCall(call, piece.name, answerId);
    }
    return this.#argumentsOf(call);
  }

  #startCall(call: OpenCall, name: string, answerId: string | null): readonly TextStreamPart[] {
    call.started = true;
    const isTaken = call.wireId === null || this.#ids.has(call.wireId);
    const id = isTaken ? madeUpCallId(answerId, this.#index, call.position) : call.wireId;
    call.id = id;
    if (id !== null) this.#ids.add(id);
    const start: TextStreamPart = {
      type: 'tool-call-start',
      choice: this.#index,
      index: call.position,
      id: id ?? '',
      name,
    };
    return [start, ...this.#argumentsOf(call)];
  }

  #argumentsOf(call: OpenCall): readonly TextStreamPart[] {
    const argumentsDelta = call.waitingArguments;
    call.waitingArguments = '';
    if (argumentsDelta === '') return [];
    return [{ type: 'tool-call-delta', choice: this.#index, index: call.position, argumentsDelta }];
  }

  #finish(raw: string, answerId: string | null): readonly TextStreamPart[] {
    this.#finished = true;
    const held = this.#splitter?.end() ?? [];
    const parts: TextStreamPart[] = held.map((part) => this.#delta(part));
    for (const call of this.#calls) {
      if (!call.started) parts.push(...this.#startCall(call, '', answerId));
    }
    if (!this.#hasAnnotations) {
      for (const source of this.#answerSources) {
        parts.push({ type: 'source', choice: this.#index, source });
      }
    }
    parts.push({
      type: 'finish',
      choice: this.#index,
      reason: finishReasonOf(raw, this.#calls.length > 0),
      raw,
    });
    return parts;
  }
}
