/**
 * Parts thoughts from text where a model writes them as `<think>…</think>` at the head of its answer
 * (DeepSeek R1 and Qwen behind servers without a reasoning parser).
 *
 * @module
 */

const OPEN = '<think>';
const CLOSE = '</think>';

export interface ThoughtOrText {
  readonly type: 'reasoning' | 'text';
  readonly text: string;
}

/** Length of the longest end of `text` that could begin `tag`. */
function openEnd(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (tag.startsWith(text.slice(-length))) return length;
  }
  return 0;
}

/** Splits text as it arrives; what may be part of a tag is held back until that is known. */
export class ThinkTagSplitter {
  #phase: 'head' | 'thinking' | 'after' | 'text' = 'head';
  #held = '';

  push(text: string): readonly ThoughtOrText[] {
    if (this.#phase === 'text') return text === '' ? [] : [{ type: 'text', text }];
    this.#held += text;
    const parts: ThoughtOrText[] = [];
    if (this.#phase === 'head') this.#head(parts);
    if (this.#phase === 'thinking') this.#thinking(parts);
    if (this.#phase === 'after') this.#after(parts);
    return parts;
  }

  /** The answer ended: returns what was held back. */
  end(): readonly ThoughtOrText[] {
    const text = this.#held;
    this.#held = '';
    if (text === '') return [];
    return [{ type: this.#phase === 'thinking' ? 'reasoning' : 'text', text }];
  }

  #head(parts: ThoughtOrText[]): void {
    const trimmed = this.#held.trimStart();
    if (trimmed.startsWith(OPEN)) {
      this.#phase = 'thinking';
      this.#held = trimmed.slice(OPEN.length);
    } else if (!OPEN.startsWith(trimmed)) {
      this.#phase = 'text';
      parts.push({ type: 'text', text: this.#held });
      this.#held = '';
    }
  }

  #thinking(parts: ThoughtOrText[]): void {
    const at = this.#held.indexOf(CLOSE);
    const end = at === -1 ? this.#held.length - openEnd(this.#held, CLOSE) : at;
    if (end > 0) parts.push({ type: 'reasoning', text: this.#held.slice(0, end) });
    if (at === -1) {
      this.#held = this.#held.slice(end);
      return;
    }
    this.#phase = 'after';
    this.#held = this.#held.slice(at + CLOSE.length);
  }

  /** The blank lines between thoughts and answer belong to neither. */
  #after(parts: ThoughtOrText[]): void {
    const text = this.#held.trimStart();
    this.#held = '';
    if (text === '') return;
    this.#phase = 'text';
    parts.push({ type: 'text', text });
  }
}
