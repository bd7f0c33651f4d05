/**
 * One candidate of an answer, read chunk by chunk. A whole answer is a stream of one chunk, so both are read
 * by this code and cannot differ.
 * https://ai.google.dev/api/caching#Part
 *
 * @module
 */
import type { TextStreamPart } from '../../contracts/text.ts';
import { finishReasonOf } from './finish.ts';
import { ArgumentsBuilder, argumentsJsonOf, generatedCallId } from './function-call.ts';
import { GroundingCollector, type AnswerPart } from './grounding.ts';
import { asList, asRecord, asText, type JsonRecord } from './json.ts';
import { readLogprobs } from './logprobs.ts';

/** A reason of proto's zero value means that the model has not stopped. */
const NOT_FINISHED = 'FINISH_REASON_UNSPECIFIED';

/** A block of code; a fence longer than any in the code keeps it in one piece. */
function fenced(info: string, code: string): string {
  const longest = Math.max(2, ...Array.from(code.matchAll(/`+/g), (run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `\n${fence}${info}\n${code}${code.endsWith('\n') ? '' : '\n'}${fence}\n`;
}

/**
 * Code that Gemini wrote and ran by itself, and what it printed, as fenced blocks of text: the contract has no
 * part for them, and the words around them refer to them.
 */
function codeTextOf(part: JsonRecord): string | null {
  const code = asRecord(part['executableCode']);
  if (code !== null) {
    return fenced((asText(code['language']) ?? '').toLowerCase(), asText(code['code']) ?? '');
  }
  const result = asRecord(part['codeExecutionResult']);
  if (result === null) return null;
  const succeeded = result['outcome'] === 'OUTCOME_OK';
  return fenced(succeeded ? 'output' : 'error', asText(result['output']) ?? '');
}

export class ChoiceReader {
  readonly index: number;
  readonly grounding = new GroundingCollector();
  #text = '';
  #chunks = 0;
  #parts: (AnswerPart | null)[] = [];
  #toolCalls = 0;
  #openCall: ArgumentsBuilder | null = null;
  #rawFinish: string | null = null;
  #finishSent = false;
  #sawContent = false;

  constructor(index: number) {
    this.index = index;
  }

  /** True once the candidate gave its reason to stop. */
  get finished(): boolean {
    return this.#rawFinish !== null;
  }

  /** True once the candidate held a part of any kind. */
  get sawContent(): boolean {
    return this.#sawContent;
  }

  /** Reads one chunk's share of this candidate. */
  read(candidate: JsonRecord, responseId: string | null): readonly TextStreamPart[] {
    const out: TextStreamPart[] = [];
    this.#chunks += 1;
    for (const entry of asList(asRecord(candidate['content'])?.['parts'])) {
      const part = asRecord(entry) ?? {};
      this.#sawContent = true;
      const start = this.#text.length;
      this.#readPart(part, responseId, out);
      const text = this.#text.slice(start);
      this.#parts.push(text === '' ? null : { start, text });
    }
    const tokens = readLogprobs(candidate['logprobsResult']);
    if (tokens.length > 0) out.push({ type: 'logprobs', choice: this.index, tokens });
    this.grounding.add(candidate);
    const raw = asText(candidate['finishReason']);
    if (raw !== null && raw !== NOT_FINISHED) {
      this.#rawFinish = raw;
      this.#closeCall(out);
    }
    return out;
  }

  /**
   * What ends the choice: its sources and its reason. Given once.
   *
   * @param raw reason to report when the candidate named none
   */
  finish(raw: string | null): readonly TextStreamPart[] {
    if (this.#finishSent) return [];
    this.#finishSent = true;
    const out: TextStreamPart[] = [];
    this.#closeCall(out);
    const answer = { text: this.#text, parts: this.#chunks === 1 ? this.#parts : [] };
    for (const source of this.grounding.sources(answer)) {
      out.push({ type: 'source', choice: this.index, source });
    }
    const reported = this.#rawFinish ?? raw;
    const reason = reported === null ? 'other' : finishReasonOf(reported, this.#toolCalls > 0);
    out.push({ type: 'finish', choice: this.index, reason, raw: reported });
    return out;
  }

  /**
   * One part of the wire. Media that the model made (`inlineData`, `fileData`) have no place in a text answer:
   * they are left out, while their tokens stand in the usage; an answer of an image alone is an empty text.
   * Parts that only tell of the provider's own tools (`toolCall`, `toolResponse`) and kinds unknown here are
   * left out too.
   */
  #readPart(part: JsonRecord, responseId: string | null, out: TextStreamPart[]): void {
    const signature = asText(part['thoughtSignature']);
    const signed = signature === null ? {} : { signature };
    const call = asRecord(part['functionCall']);
    if (call !== null) {
      this.#readCall({ call, signed, responseId }, out);
      return;
    }
    const text = codeTextOf(part) ?? asText(part['text']) ?? '';
    const isMedia = part['inlineData'] !== undefined || part['fileData'] !== undefined;
    // A signature may come with an empty text, and must be kept to be echoed; one of a medium cannot be.
    if (text === '' && (signature === null || isMedia)) return;
    if (part['thought'] === true) {
      out.push({ type: 'reasoning-delta', choice: this.index, text, ...signed });
      return;
    }
    this.#text += text;
    out.push({ type: 'text-delta', choice: this.index, text, ...signed });
  }

  #readCall(
    read: {
      readonly call: JsonRecord;
      readonly signed: { readonly signature?: string };
      readonly responseId: string | null;
    },
    out: TextStreamPart[],
  ): void {
    const { call, signed, responseId } = read;
    const name = asText(call['name']);
    const continues = call['willContinue'] === true;
    if (name !== null) {
      this.#closeCall(out);
      const index = this.#toolCalls;
      this.#toolCalls += 1;
      const place = { index, choice: this.index, responseId };
      const id = asText(call['id']) ?? generatedCallId(place);
      out.push({ type: 'tool-call-start', choice: this.index, index, id, name, ...signed });
      if (!continues && call['partialArgs'] === undefined) {
        this.#pushArguments(argumentsJsonOf(call['args']), out);
        return;
      }
      this.#openCall = new ArgumentsBuilder();
    }
    if (this.#openCall === null) return;
    this.#openCall.assign(asRecord(call['args']) ?? {});
    this.#openCall.apply(call['partialArgs']);
    if (!continues) this.#closeCall(out);
  }

  /** Arguments built from pieces go out whole: their JSON text is known only when the last piece is in. */
  #closeCall(out: TextStreamPart[]): void {
    if (this.#openCall === null) return;
    this.#pushArguments(this.#openCall.toString(), out);
    this.#openCall = null;
  }

  #pushArguments(argumentsDelta: string, out: TextStreamPart[]): void {
    const index = this.#toolCalls - 1;
    out.push({ type: 'tool-call-delta', choice: this.index, index, argumentsDelta });
  }
}
