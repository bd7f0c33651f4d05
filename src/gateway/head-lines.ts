/**
 * Headers of a reply as the text that they are sent as. Most replies have a dozen: a list of them costs as much again as
 * the text.
 *
 * @module
 */

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LINE_BREAK = '\r\n';
const BEFORE_VALUE = ': ';

export class HeadLines {
  #text = '';

  /** Headers of a list: names and values by turns. @throws Error as {@link add} */
  static of(list: readonly string[]): HeadLines {
    const lines = new HeadLines();
    for (let at = 0; at < list.length; at += 2) lines.add(list[at] ?? '', list[at + 1] ?? '');
    return lines;
  }

  /** A line for each, CR LF before it. */
  get text(): string {
    return this.#text;
  }

  /**
   * Adds a header.
   *
   * @param name one of the gateway's own words
   * @param value may hold what others have said
   * @throws Error for a value that would not stay within its header: nothing of it may be written then
   */
  add(name: string, value: string): void {
    if (NOT_IN_VALUE.test(value)) throw new Error(`the header ${name} cannot be sent`);
    this.#text += `\r\n${name}: ${value}`;
  }

  /** Adds lines, CR LF before each, whose values are words, numbers and ids of the gateway's own. */
  addOwn(lines: string): void {
    this.#text += lines;
  }

  /** Names and values by turns. */
  list(): string[] {
    const list: string[] = [];
    for (const line of this.#text.split(LINE_BREAK)) {
      const end = line.indexOf(BEFORE_VALUE);
      if (end > 0) list.push(line.slice(0, end), line.slice(end + BEFORE_VALUE.length));
    }
    return list;
  }
}
