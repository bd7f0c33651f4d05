/**
 * Messages → `contents` and `systemInstruction`.
 * https://ai.google.dev/gemini-api/docs/text-generation, https://ai.google.dev/gemini-api/docs/thought-signatures
 *
 * @module
 */
import type { AssistantPart, InputPart, TextMessage, ToolCallPart } from '../../contracts/text.ts';
import { isGeneratedCallId } from './function-call.ts';
import { asRecord, parseJsonOrUndefined, type JsonRecord } from './json.ts';
import { toMediaPart } from './media.ts';
import { isAtLeast } from './model.ts';
import type { WarningList } from './warnings.ts';
import type {
  GeminiBlob,
  GeminiContent,
  GeminiFunctionResponse,
  GeminiPart,
} from './wire-types.ts';

export interface GeminiMessages {
  readonly contents: readonly GeminiContent[];
  readonly systemInstruction?: { readonly parts: readonly GeminiPart[] };
}

type ToolMessage = Extract<TextMessage, { role: 'tool' }>;

/**
 * Gemini 3 refuses a call of the current turn without the signature it gave. Calls that another model made, or
 * whose client lost the signature, pass with this word, which Google documents for traces from elsewhere.
 */
const NO_SIGNATURE = 'skip_thought_signature_validator';

class MessageWriter {
  readonly #model: string;
  readonly #warnings: WarningList;
  readonly #system: GeminiPart[] = [];
  readonly #contents: { readonly role: GeminiContent['role']; readonly parts: GeminiPart[] }[] = [];
  /** Names of the calls so far, by id: a result names its call by id alone. */
  readonly #callNames = new Map<string, string>();
  #lastRole: TextMessage['role'] | null = null;

  constructor(model: string, warnings: WarningList) {
    this.#model = model;
    this.#warnings = warnings;
  }

  add(message: TextMessage): void {
    if ('name' in message && message.name !== undefined) {
      this.#warnings.dropped('messages.name', 'Gemini takes no names of speakers');
    }
    switch (message.role) {
      case 'system':
      case 'developer':
        this.#addSystem(message.parts);
        return;
      case 'user':
        this.#push(
          'user',
          message.parts.map((part) => this.#inputPart(part)),
          false,
        );
        break;
      case 'assistant':
        this.#push(
          'model',
          message.parts.flatMap((part) => this.#assistantPart(part)),
          true,
        );
        break;
      case 'tool':
        // The results of one turn's calls belong into one content.
        this.#push('user', this.#toolResult(message), this.#lastRole === 'tool');
        break;
    }
    this.#lastRole = message.role;
  }

  /**
   * Instructions before the conversation are the system instruction. Gemini has no place for later ones: they
   * become user content where they stand, since moving them up would change what they refer to.
   */
  #addSystem(parts: readonly { readonly text: string }[]): void {
    const texts = parts.filter(({ text }) => text !== '').map(({ text }) => ({ text }));
    if (this.#contents.length === 0) {
      this.#system.push(...texts);
      return;
    }
    this.#warnings.mapped(
      'messages.role',
      'a system message after the first turn was sent as user content',
    );
    this.#push('user', texts, false);
    this.#lastRole = 'user';
  }

  #push(role: GeminiContent['role'], parts: GeminiPart[], join: boolean): void {
    if (parts.length === 0) return;
    const last = this.#contents.at(-1);
    if (join && last?.role === role) last.parts.push(...parts);
    else this.#contents.push({ role, parts });
  }

  #inputPart(part: InputPart): GeminiPart {
    return part.type === 'text'
      ? { text: part.text }
      : toMediaPart(part, this.#model, this.#warnings);
  }

  #assistantPart(part: AssistantPart): readonly GeminiPart[] {
    switch (part.type) {
      case 'text':
        return textParts(part.text, part.signature);
      case 'reasoning':
        return textParts(part.text, part.signature).map((text) => ({ ...text, thought: true }));
      case 'refusal':
        return textParts(part.text, undefined);
      case 'tool-call':
        return [this.#toolCall(part)];
    }
  }

  #toolCall(call: ToolCallPart): GeminiPart {
    this.#callNames.set(call.id, call.name);
    return {
      functionCall: { ...this.#wireId(call.id), name: call.name, args: this.#argumentsOf(call) },
      ...(call.signature === undefined ? {} : { thoughtSignature: call.signature }),
    };
  }

  /** Gemini gives ids from generation 3 on and matches results by them; earlier it matches by name and order. */
  #wireId(id: string): { readonly id?: string } {
    return isAtLeast(this.#model, 3) && !isGeneratedCallId(id) ? { id } : {};
  }

  #argumentsOf(call: ToolCallPart): JsonRecord {
    if (call.argumentsJson.trim() === '') return {};
    const args = asRecord(parseJsonOrUndefined(call.argumentsJson));
    if (args !== null) return args;
    this.#warnings.mapped(
      'messages.tool_calls.arguments',
      'arguments that are no JSON object were sent as text',
    );
    return { arguments: call.argumentsJson };
  }

  #toolResult(message: ToolMessage): GeminiPart[] {
    const media: GeminiPart[] = [];
    const texts: string[] = [];
    for (const part of message.parts) {
      if (part.type === 'text') texts.push(part.text);
      else media.push(this.#inputPart(part));
    }
    const known = message.toolName ?? this.#callNames.get(message.toolCallId);
    if (known === undefined) {
      this.#warnings.mapped(
        'messages.tool_call_id',
        'no call has this id: it was sent as the name of the function',
      );
    }
    // Images may stand inside a result from Gemini 3 on, as bytes; anything else follows it.
    const inside = isAtLeast(this.#model, 3)
      ? media.flatMap(({ inlineData }) => inlineData ?? [])
      : [];
    const functionResponse: GeminiFunctionResponse = {
      ...this.#wireId(message.toolCallId),
      name: known ?? message.toolCallId,
      response: responseOf(texts.join(''), message.isError === true),
      ...partsOf(inside),
    };
    const beside = media.filter(
      ({ inlineData }) => inlineData === undefined || inside.length === 0,
    );
    return [{ functionResponse }, ...beside];
  }

  result(): GeminiMessages {
    if (this.#contents.length === 0 && this.#system.length > 0) {
      this.#warnings.mapped(
        'messages.role',
        'system messages without a turn were sent as user content',
      );
      return { contents: [{ role: 'user', parts: this.#system }] };
    }
    if (isAtLeast(this.#model, 3)) this.#signCurrentTurn();
    return {
      contents: this.#contents,
      ...(this.#system.length > 0 ? { systemInstruction: { parts: this.#system } } : {}),
    };
  }

  /** The current turn is what follows the last content of the user that is no result; only it is checked. */
  #signCurrentTurn(): void {
    for (const content of this.#contents.toReversed()) {
      const first = content.parts.findIndex(({ functionCall }) => functionCall !== undefined);
      const call = content.parts[first];
      // Only the first of parallel calls is signed.
      if (call !== undefined && call.thoughtSignature === undefined) {
        content.parts[first] = { ...call, thoughtSignature: NO_SIGNATURE };
        this.#warnings.mapped(
          'messages.tool_calls.signature',
          `a call came without its signature: sent ${NO_SIGNATURE}`,
        );
      }
      const isResult = content.parts.some(({ functionResponse }) => functionResponse !== undefined);
      if (content.role === 'user' && !isResult) return;
    }
  }
}

/** Gemini refuses empty texts, but takes them as carriers of a signature. */
function textParts(text: string, signature: string | undefined): readonly GeminiPart[] {
  if (signature !== undefined) return [{ text, thoughtSignature: signature }];
  return text === '' ? [] : [{ text }];
}

function partsOf(blobs: readonly GeminiBlob[]): Pick<GeminiFunctionResponse, 'parts'> {
  return blobs.length === 0 ? {} : { parts: blobs.map((inlineData) => ({ inlineData })) };
}

/** A result is an object: JSON objects go as they are, anything else under Google's usual names. */
function responseOf(text: string, isError: boolean): JsonRecord {
  const parsed = parseJsonOrUndefined(text);
  const value = parsed === undefined ? text : parsed;
  if (isError) return { error: value };
  return asRecord(value) ?? { result: value };
}

/**
 * Results in the order of the calls they answer, which earlier models match them by; callers send them as they came.
 * One whose call is unknown stays behind the others.
 */
function inOrderOfCalls(messages: readonly TextMessage[]): readonly TextMessage[] {
  const ordered: TextMessage[] = [];
  let results: ToolMessage[] = [];
  let places = new Map<string, number>();
  const flush = (): void => {
    if (results.length === 0) return;
    const placeOf = ({ toolCallId }: ToolMessage): number => places.get(toolCallId) ?? places.size;
    ordered.push(...results.toSorted((left, right) => placeOf(left) - placeOf(right)));
    results = [];
    places = new Map();
  };
  for (const message of messages) {
    if (message.role === 'tool') {
      results.push(message);
      continue;
    }
    flush();
    ordered.push(message);
    if (message.role !== 'assistant') continue;
    for (const part of message.parts)
      if (part.type === 'tool-call' && !places.has(part.id)) places.set(part.id, places.size);
  }
  flush();
  return ordered;
}

/** Writes the conversation for the model. */
export function toGeminiMessages(
  messages: readonly TextMessage[],
  model: string,
  warnings: WarningList,
): GeminiMessages {
  const writer = new MessageWriter(model, warnings);
  for (const message of inOrderOfCalls(messages)) writer.add(message);
  return writer.result();
}
