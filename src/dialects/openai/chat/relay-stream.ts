/**
 * Relays a chat stream between two sides that both speak this protocol: frames leave as they came, and only
 * those that say something about roles, tools, finish, usage or errors are parsed (rules R1–R6, R10, U1–U6).
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { providerFailure, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { TextRelay } from '../../../contracts/text-provider.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { AnswerContext, AnswerStream, Receipt } from '../../../gateway/text-call.ts';
import { FrameScanner } from '../../../http/frame-scanner.ts';
import { JoinRoom } from '../../../http/join-room.ts';
import {
  FRAME_CHOICES,
  FRAME_ERROR,
  FRAME_FINISH_REASON,
  FRAME_INVALID,
  FRAME_TOOL_CALLS,
  FRAME_USAGE,
} from '../../../http/json-scan.ts';
import { parseEvent, SseFramer } from '../../../http/sse-framer.ts';
import {
  DONE_FRAME,
  frameOf,
  isFrameData,
  lastFramesOf,
  MAX_EVENT_BYTES,
  usageMember,
} from './frames.ts';
import {
  choiceHasContent,
  newChoiceProgress,
  isReadable,
  normaliseChoice,
  type ChatChunk,
  type ChatDelta,
  type ChoiceProgress,
} from './normalise.ts';
import { saidBytes } from './said-bytes.ts';

/** Frames with one of these, or without `choices`, are parsed; all others pass as bytes. */
const PARSED_FLAGS = FRAME_FINISH_REASON | FRAME_USAGE | FRAME_ERROR | FRAME_TOOL_CALLS;
/** What a chunk brings leaves before there is another, of whatever stream. */
const LEAVING = new JoinRoom(128 * 1024);
const LF = 0x0a;
const CR = 0x0d;
const BRACE = 0x7b;
const BROKEN_OFF = 'The stream ended before the answer was complete.';

export interface ChatRelayOptions {
  readonly relay: TextRelay;
  readonly context: AnswerContext;
  /** The caller asked for a usage chunk of its own. */
  readonly includeUsage: boolean;
  readonly choices: number;
}

function startsWithData(bytes: Buffer, start: number): boolean {
  return (
    bytes[start] === 0x64 &&
    bytes[start + 1] === 0x61 &&
    bytes[start + 2] === 0x74 &&
    bytes[start + 3] === 0x61 &&
    bytes[start + 4] === 0x3a
  );
}

/** Length of `"role":"",` */
const ROLE_BYTES = 10;

/** Groq's word beside a finish reason for a stream that it ended early. */
function isCutShort({ x_groq: own }: ChatChunk): boolean {
  return typeof own === 'object' && own !== null && 'error' in own && (own.error ?? null) !== null;
}

/** The JSON object that a text is; null where it is none. */
function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

export class ChatRelayStream implements AnswerStream {
  readonly #options: ChatRelayOptions;
  readonly #framer = new SseFramer(MAX_EVENT_BYTES);
  readonly #scanner = new FrameScanner();
  readonly #choices = new Map<number, ChoiceProgress>();
  readonly #onEvent = (bytes: Buffer, start: number, end: number): void =>
    this.#frame(bytes, start, end);
  /** Chunks from the last finish on: they leave with the settlement. */
  readonly #terminal: ChatChunk[] = [];
  #usageChunk: ChatChunk | null = null;
  #rawUsage: unknown = null;
  #finishedChoices = 0;
  #out: Buffer[] = [];
  /** Run of frames of the present buffer that leave untouched. */
  #runBytes: Buffer | null = null;
  #runStart = 0;
  #runEnd = 0;
  #rolesMissing: number;
  #contentFrames = 0;
  /** Bytes of text in the frames that were parsed, and of the whole of those that were not. */
  #saidBytes = 0;
  #passedBytes = 0;
  #passedFrames = 0;
  /** What a frame of text has around its text, from the first that was parsed; 0 while there was none. */
  #frameOverheadBytes = 0;

  failure: ProviderFailure | null = null;
  hasContent = false;
  isDone = false;
  events = 0;
  usage: UsageVector | null = null;
  modelServed: string | null = null;
  serviceTier: string | null = null;

  constructor(options: ChatRelayOptions) {
    this.#options = options;
    this.#rolesMissing = options.choices;
  }

  /** Every choice has finished; at the end marker, every one that came: some servers answer one whatever was asked. */
  get isComplete(): boolean {
    if (this.#finishedChoices >= this.#options.choices) return true;
    return this.isDone && this.#finishedChoices > 0 && this.#finishedChoices === this.#choices.size;
  }

  get finishReasons(): readonly string[] {
    return [...this.#choices.values()].flatMap((choice) => choice.finishReason ?? []);
  }

  get estimatedOutputTokens(): number {
    const passed = this.#passedBytes - this.#passedFrames * this.#frameOverheadBytes;
    return Math.max(this.#contentFrames, Math.ceil((this.#saidBytes + Math.max(0, passed)) / 4));
  }

  push(chunk: Buffer): Buffer | null {
    const within = this.#framer.push(chunk, this.#onEvent);
    this.#flushRun();
    if (!within)
      this.#fail('malformed_reply', 'An event of the stream is larger than the gateway accepts.');
    return this.#take();
  }

  #take(): Buffer | null {
    const out = this.#out;
    if (out.length === 0) return null;
    this.#out = [];
    return out.length === 1 ? (out[0] ?? null) : LEAVING.join(out);
  }

  end(): Buffer | null {
    if (this.failure !== null || this.isDone) return null;
    const tail = this.#framer.tail;
    if (tail.length > 0) this.#finalTail(tail);
    if (!this.isComplete) this.#fail('broken_stream', BROKEN_OFF);
    return this.#take();
  }

  close(receipt: Receipt): Buffer {
    const raw = typeof this.#rawUsage === 'object' && this.#rawUsage !== null ? this.#rawUsage : {};
    const own = usageMember(receipt);
    const usage = { ...own, ...raw, cost: own['cost'] };
    const [finish, ...rest] = this.#terminal;
    const chunks: ChatChunk[] = [];
    if (this.#options.includeUsage) {
      for (const chunk of this.#terminal) chunks.push({ ...chunk, usage: undefined });
      chunks.push({ ...(this.#usageChunk ?? finish ?? this.#head), choices: [], usage });
    } else if (finish !== undefined) {
      chunks.push({ ...finish, usage });
      for (const chunk of rest) chunks.push({ ...chunk, usage: undefined });
    } else {
      // The finishing chunk has left already, when more choices were to come.
      const choices = [{ index: 0, delta: {}, finish_reason: null }];
      chunks.push({ ...(this.#usageChunk ?? this.#head), choices, usage });
    }
    return lastFramesOf(chunks);
  }

  /** Head of a chunk of our own, where the provider sent none that could carry what is to be said. */
  get #head(): ChatChunk {
    const { requestId, createdAtMs, model } = this.#options.context;
    const created = Math.floor(createdAtMs / 1000);
    const [id, object] = [`chatcmpl-${requestId}`, 'chat.completion.chunk'];
    return { id, object, created, model: this.modelServed ?? model };
  }

  #fail(kind: 'malformed_reply' | 'broken_stream', message: string): void {
    this.failure ??= providerFailure({ kind, status: 200, message });
  }

  /** What stands behind the last blank line: an event that lacks nothing but its own counts, half of one does not. */
  #finalTail(tail: Buffer): void {
    const data = parseEvent(tail, 0, tail.length)?.data ?? '';
    if (data.trim() === '[DONE]' || isFrameData(data)) {
      this.events += 1;
      this.#unusual(tail, 0, tail.length);
    } else if (!this.isComplete) {
      this.#bareError(tail);
      if (data !== '') this.#fail('broken_stream', 'The stream ended inside an event.');
    }
  }

  /** A bare JSON object after an event is an error of servers that break off (rule U4). */
  #bareError(bytes: Buffer): void {
    const value = objectIn(bytes.toString('utf8'));
    if (value !== null && 'error' in value) this.failure ??= this.#options.relay.failureOf(value);
  }

  #frame(bytes: Buffer, start: number, end: number): void {
    if (this.failure !== null || this.isDone) return;
    this.events += 1;
    if (startsWithData(bytes, start)) {
      let dataEnd = end;
      while (dataEnd > start && (bytes[dataEnd - 1] === LF || bytes[dataEnd - 1] === CR))
        dataEnd -= 1;
      const flags = this.#scanner.scan(bytes, { start, dataStart: start + 5, dataEnd, end });
      if (flags !== FRAME_INVALID) {
        const passes =
          this.#frameOverheadBytes > 0 &&
          this.#rolesMissing === 0 &&
          this.#terminal.length === 0 &&
          (flags & PARSED_FLAGS) === 0 &&
          (flags & FRAME_CHOICES) !== 0;
        if (passes) this.#passAlike(bytes, start, end);
        else this.#parsed(bytes.toString('utf8', start + 5, dataEnd), { bytes, start, end });
        return;
      }
    }
    this.#unusual(bytes, start, end);
  }

  /** Passes the frame, and with it all behind it that are like it. */
  #passAlike(bytes: Buffer, start: number, end: number): void {
    const runEnd = this.#scanner.endOfRun(bytes, end);
    const { runFrames } = this.#scanner;
    if (runFrames > 0) this.#framer.goOnAt(runEnd);
    this.events += runFrames;
    this.#contentFrames += 1 + runFrames;
    this.#passedFrames += 1 + runFrames;
    this.#passedBytes += runEnd - start;
    this.#pass(bytes, start, runEnd);
  }

  /** Frames that are not one plain data line of JSON. */
  #unusual(bytes: Buffer, start: number, end: number): void {
    if (end - start === DONE_FRAME.length && DONE_FRAME.compare(bytes, start, end) === 0) {
      this.#done();
      return;
    }
    const event = parseEvent(bytes, start, end);
    if (event === null) {
      if (bytes[start] === BRACE) this.#bareError(bytes.subarray(start, end));
      return;
    }
    if (event.event === 'error') {
      const value = objectIn(event.data) ?? { error: event.data };
      this.failure = this.#options.relay.failureOf(value);
      return;
    }
    // Some servers keep the connection alive by events without data.
    if (event.data.trim() === '') return;
    if (event.data.trim() === '[DONE]') this.#done();
    else if (!isFrameData(event.data)) {
      this.#fail('malformed_reply', 'An event of the stream is not valid JSON.');
    } else if (this.#isText(bytes.subarray(start, end))) this.#parsed(event.data, null);
  }

  #done(): void {
    this.isDone = true;
    if (!this.isComplete) this.#fail('broken_stream', BROKEN_OFF);
  }

  #parsed(data: string, original: { bytes: Buffer; start: number; end: number } | null): void {
    // The mark of what could not be decoded may have been sent as it stands, too.
    if (original !== null && data.includes('\ufffd')) {
      if (!this.#isText(original.bytes.subarray(original.start, original.end))) return;
    }
    const chunk = JSON.parse(data) as ChatChunk;
    if (!isReadable(chunk)) {
      this.#fail('malformed_reply', 'An event of the stream is of a form that cannot be read.');
      return;
    }
    if (this.#isError(chunk)) {
      this.failure = this.#options.relay.failureOf(chunk);
      return;
    }
    if (typeof chunk.model === 'string') this.modelServed = chunk.model;
    if (typeof chunk.service_tier === 'string') this.serviceTier = chunk.service_tier;
    const usage = this.#options.relay.usageOf(chunk);
    if (usage !== null) {
      this.usage = usage;
      this.#rawUsage = chunk.usage ?? null;
    }
    const frameBytes = original === null ? data.length + 8 : original.end - original.start;
    const changed = this.#noteChoices(chunk, frameBytes);
    if (this.#terminal.length > 0 || this.isComplete) {
      if ((chunk.choices ?? []).length > 0) this.#terminal.push(chunk);
      else if (usage !== null) this.#usageChunk = chunk;
      return;
    }
    if (usage !== null && (chunk.choices ?? []).length === 0) {
      this.#usageChunk = chunk;
      return;
    }
    if (changed || original === null) {
      this.#flushRun();
      this.#out.push(frameOf(chunk));
    } else {
      this.#pass(original.bytes, original.start, original.end);
    }
  }

  #isError(chunk: ChatChunk): boolean {
    if ((chunk.error ?? null) !== null || isCutShort(chunk)) return true;
    if (Array.isArray(chunk.choices))
      return chunk.choices.some((choice) => (choice['error'] ?? null) !== null);
    return chunk.object === 'error' || 'detail' in chunk || 'message' in chunk;
  }

  /** Notes what each choice shows. @returns true when the chunk was changed */
  #noteChoices(chunk: ChatChunk, frameBytes: number): boolean {
    let changed = false;
    for (const choice of chunk.choices ?? []) {
      const index = choice.index ?? 0;
      let progress = this.#choices.get(index);
      if (progress === undefined) {
        progress = newChoiceProgress();
        this.#choices.set(index, progress);
      }
      const hadRole = progress.hasRole;
      const wasFinished = progress.finishReason !== null;
      if (choiceHasContent(choice)) this.#noteContent(frameBytes, choice.delta ?? {});
      if (normaliseChoice(choice, progress, `${this.#options.context.requestId.slice(4)}_${index}`))
        changed = true;
      if (!hadRole && progress.hasRole) this.#rolesMissing -= 1;
      if (!wasFinished && progress.finishReason !== null) this.#finishedChoices += 1;
    }
    return changed;
  }

  #noteContent(frameBytes: number, delta: ChatDelta): void {
    const said = saidBytes(delta);
    this.hasContent = true;
    this.#contentFrames += 1;
    this.#saidBytes += said;
    // Frames of tool calls are all parsed, and unlike the others.
    if (said === 0 || this.#frameOverheadBytes > 0 || (delta.tool_calls ?? null) !== null) return;
    const roleBytes = typeof delta.role === 'string' ? delta.role.length + ROLE_BYTES : 0;
    this.#frameOverheadBytes = Math.max(1, frameBytes - said - roleBytes);
  }

  #pass(bytes: Buffer, start: number, end: number): void {
    if (this.#runBytes === null) {
      this.#runBytes = bytes;
      this.#runStart = start;
    } else if (this.#runEnd !== start) {
      this.#flushRun();
      this.#runBytes = bytes;
      this.#runStart = start;
    }
    this.#runEnd = end;
  }

  /** Releases the run of untouched frames as one slice. */
  #flushRun(): void {
    const bytes = this.#runBytes;
    if (bytes === null) return;
    this.#runBytes = null;
    const slice =
      this.#runStart === 0 && this.#runEnd === bytes.length
        ? bytes
        : bytes.subarray(this.#runStart, this.#runEnd);
    if (this.#isText(slice)) this.#out.push(slice);
  }

  /** Whether bytes can be read as text; fails where they cannot. */
  #isText(bytes: Buffer): boolean {
    if (isUtf8(bytes)) return true;
    this.#fail('malformed_reply', 'The stream is not valid UTF-8.');
    return false;
  }
}
