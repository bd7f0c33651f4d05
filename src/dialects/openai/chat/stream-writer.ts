/**
 * Writes a translated stream as `chat.completion.chunk` frames (rules R3, R5, R6, R10, R11).
 *
 * @module
 */
import {
  providerFailure,
  ProviderFailureError,
  type ProviderFailure,
} from '../../../contracts/provider-failure.ts';
import type { TextStreamPart } from '../../../contracts/text.ts';
import type { TextStreamReader } from '../../../contracts/text-provider.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { ServerSentEvent } from '../../../contracts/wire.ts';
import type { AnswerContext, AnswerStream, Receipt } from '../../../gateway/text-call.ts';
import { parseEvent, SseFramer } from '../../../http/sse-framer.ts';
import { DONE_FRAME, frameOf, isFrameData, MAX_EVENT_BYTES, usageMember } from './frames.ts';
import { annotationOf, chatFinishReason, signatureMember } from './reply.ts';

const BRACE = 0x7b;

export class ChatStreamWriter implements AnswerStream {
  readonly #reader: TextStreamReader;
  readonly #context: AnswerContext;
  readonly #includeUsage: boolean;
  readonly #framer = new SseFramer(MAX_EVENT_BYTES);
  readonly #onEvent = (bytes: Buffer, start: number, end: number): void => {
    const event = parseEvent(bytes, start, end);
    if (event !== null) this.#event(event);
    else if (bytes[start] === BRACE) this.#bare(bytes.toString('utf8', start, end));
  };
  readonly #rolesSent = new Set<number>();
  readonly #finishes: { readonly choice: number; readonly reason: string }[] = [];
  #id: string;
  #textBytes = 0;
  #thoughtBytes = 0;
  #out: Buffer[] = [];

  failure: ProviderFailure | null = null;
  hasContent = false;
  events = 0;
  usage: UsageVector | null = null;
  modelServed: string | null = null;
  serviceTier: string | null = null;

  constructor(reader: TextStreamReader, context: AnswerContext, includeUsage: boolean) {
    this.#reader = reader;
    this.#context = context;
    this.#includeUsage = includeUsage;
    this.#id = `chatcmpl-${context.requestId}`;
  }

  get isComplete(): boolean {
    return this.#reader.complete;
  }

  /** Protocols without an end marker are done only when the upstream ends. */
  get isDone(): boolean {
    return false;
  }

  get finishReasons(): readonly string[] {
    return this.#finishes.map((finish) => finish.reason);
  }

  get estimatedOutputTokens(): number {
    // Thoughts that the provider has counted are as many as it says, whether they are shown or not.
    const thoughts = Math.ceil(this.#thoughtBytes / 4);
    return Math.ceil(this.#textBytes / 4) + Math.max(thoughts, this.usage?.reasoning_tokens ?? 0);
  }

  push(chunk: Buffer): Buffer | null {
    if (!this.#framer.push(chunk, this.#onEvent)) {
      this.failure ??= providerFailure({
        kind: 'malformed_reply',
        status: 200,
        message: 'An event of the stream is larger than the gateway accepts.',
      });
    }
    return this.#take();
  }

  end(): Buffer | null {
    if (this.failure !== null) return null;
    const tail = this.#framer.tail.toString('utf8').trim();
    if (tail.startsWith('{')) this.#bare(tail);
    else if (tail !== '' && !tail.startsWith(':')) {
      const event = parseEvent(this.#framer.tail, 0, this.#framer.tail.length);
      // To a complete answer a whole event may still bring usage; half of one is no loss there.
      if (event !== null && (!this.isComplete || isFrameData(event.data))) this.#event(event);
    }
    this.#guard(() => this.#parts(this.#reader.end()));
    return this.#take();
  }

  close(receipt: Receipt): Buffer {
    const usage = usageMember(receipt);
    const frames: Buffer[] = [];
    const last = this.#finishes.length - 1;
    this.#finishes.forEach((finish, position) => {
      // An empty answer has its role here: clients refuse a choice without one.
      const delta = this.#rolesSent.has(finish.choice) ? {} : { role: 'assistant', content: '' };
      const chunk = this.#chunk(finish.choice, { delta, finish_reason: finish.reason });
      frames.push(frameOf(position === last && !this.#includeUsage ? { ...chunk, usage } : chunk));
    });
    if (this.#includeUsage || last === -1)
      frames.push(frameOf({ ...this.#chunk(0, {}), choices: [], usage }));
    frames.push(DONE_FRAME);
    return Buffer.concat(frames);
  }

  /** A bare JSON object is an error of servers that break off (rule U4). */
  #bare(data: string): void {
    this.#event({ event: 'message', data });
  }

  #event(event: ServerSentEvent): void {
    if (this.failure !== null) return;
    this.events += 1;
    this.#guard(() => this.#parts(this.#reader.event(event)));
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof ProviderFailureError)) throw error;
      this.failure ??= error.failure;
    }
  }

  #take(): Buffer | null {
    if (this.#out.length === 0) return null;
    const out = Buffer.concat(this.#out);
    this.#out = [];
    return out;
  }

  #parts(parts: readonly TextStreamPart[]): void {
    for (const part of parts) this.#part(part);
  }

  #part(part: TextStreamPart): void {
    switch (part.type) {
      case 'answer-start':
        this.#id = part.id ?? this.#id;
        this.modelServed = part.modelServed ?? this.modelServed;
        this.serviceTier = part.serviceTier ?? this.serviceTier;
        return;
      case 'usage':
        this.usage = part.usage;
        this.serviceTier = part.serviceTier ?? this.serviceTier;
        return;
      case 'finish':
        this.hasContent = true;
        this.#finishes.push({ choice: part.choice, reason: chatFinishReason(part.reason) });
        return;
      case 'text-delta':
        this.#textBytes += Buffer.byteLength(part.text);
        this.#emit(part.choice, { content: part.text, ...signatureMember(part.signature) });
        return;
      case 'reasoning-delta':
        this.#thoughtBytes += Buffer.byteLength(part.text);
        this.#emit(part.choice, { reasoning_content: part.text });
        return;
      case 'refusal-delta':
        this.#emit(part.choice, { refusal: part.text });
        return;
      case 'tool-call-start':
        this.#emit(part.choice, {
          tool_calls: [
            {
              index: part.index,
              id: part.id,
              type: 'function',
              function: { name: part.name, arguments: '' },
              ...signatureMember(part.signature),
            },
          ],
        });
        return;
      case 'tool-call-delta':
        this.#textBytes += Buffer.byteLength(part.argumentsDelta);
        this.#emit(part.choice, {
          tool_calls: [{ index: part.index, function: { arguments: part.argumentsDelta } }],
        });
        return;
      case 'logprobs':
        this.#out.push(
          frameOf(this.#chunk(part.choice, { logprobs: { content: part.tokens, refusal: null } })),
        );
        return;
      case 'source':
        this.#emit(part.choice, { annotations: [annotationOf(part.source)] });
        return;
    }
  }

  #emit(choice: number, delta: Record<string, unknown>): void {
    this.hasContent = true;
    if (!this.#rolesSent.has(choice)) {
      this.#rolesSent.add(choice);
      this.#out.push(
        frameOf(this.#chunk(choice, { delta: { role: 'assistant', content: '', ...delta } })),
      );
      return;
    }
    this.#out.push(frameOf(this.#chunk(choice, { delta })));
  }

  #chunk(choice: number, members: Record<string, unknown>): Record<string, unknown> {
    return {
      id: this.#id,
      object: 'chat.completion.chunk',
      created: Math.floor(this.#context.createdAtMs / 1000),
      model: this.modelServed ?? this.#context.model,
      choices: [{ index: choice, delta: {}, finish_reason: null, ...members }],
    };
  }
}
