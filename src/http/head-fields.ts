/**
 * The fields of a head of HTTP/1.1 (RFC 9112 §5) as they stand in its text: found once, each read when somebody asks.
 *
 * @module
 */

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const COLON = 0x3a;
const IN_NAME = 1;
const IN_VALUE = 2;
const IN_PATH = 4;
/** Places that are kept of each field. */
const PER_FIELD = 3;
const LENGTH_DIGITS_MAX = 15;

/** Of names and values, and of paths without a query or escapes. */
const CHARACTERS: readonly (readonly [number, RegExp])[] = [
  [IN_NAME, /[!#$%&'*+\-.^_`|~0-9A-Za-z]/],
  [IN_VALUE, /[\t\x20-\x7e\x80-\xff]/],
  [IN_PATH, /[!$&'()*+,\-./0-9:;=@A-Z_a-z~]/],
];

/** Where each byte may stand. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, code) =>
  CHARACTERS.reduce(
    (classes, [bit, expression]) =>
      expression.test(String.fromCharCode(code)) ? classes | bit : classes,
    0,
  ),
);

/** The first place from `at` on whose byte is not of the class; the length where there is none. */
function endOf(bytes: Buffer, at: number, bit: number): number {
  let end = at;
  while (end < bytes.length && ((CLASSES[bytes[end] ?? 0] ?? 0) & bit) !== 0) end += 1;
  return end;
}

/** Where a value that begins at `at`, or the phrase behind a status, ends. */
export function endOfValue(bytes: Buffer, at: number): number {
  return endOf(bytes, at, IN_VALUE);
}

/** Where a path without a query or escapes ends that begins at `at`. */
export function endOfPath(bytes: Buffer, at: number): number {
  return endOf(bytes, at, IN_PATH);
}

/** Whether a line ends at `at`. */
export function isLineEnd(bytes: Buffer, at: number): boolean {
  return at + 1 < bytes.length && bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** What a `content-length` says; null where it is no number of at most 15 digits. */
export function contentLengthOf(value: string): number | null {
  if (value === '' || value.length > LENGTH_DIGITS_MAX) return null;
  let length = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return null;
    length = length * 10 + digit;
  }
  return length;
}

/** A letter of a name in lower case. */
function lowerOf(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** Whether `name`, which is in lower case, stands at `at` in whatever case. */
function isNameAt(text: string, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index += 1) {
    if (lowerOf(text.charCodeAt(at + index)) !== name.charCodeAt(index)) return false;
  }
  return true;
}

export class HeadFields {
  static readonly NONE = new HeadFields('', [], 0);
  /** The head as latin1 up to its empty line: places in it are those of its bytes. */
  readonly text: string;
  /** Of each field by turns: where its name begins, where the colon stands behind it, and where the line ends. */
  readonly #places: readonly number[];
  /** A bit for each length (modulo 32) that a name has: most names that are asked for are not there. */
  readonly #lengths: number;

  private constructor(text: string, places: readonly number[], lengths: number) {
    this.text = text;
    this.#places = places;
    this.#lengths = lengths;
  }

  /**
   * Finds the fields of the lines from `start` on, to the empty line behind them.
   *
   * @returns null where they are not well formed, or not all of them are there: no name, a name or a value with bytes
   *   that may not stand in it, a folded line, a line that does not end with CR LF
   */
  static find(bytes: Buffer, start: number): HeadFields | null {
    const places: number[] = [];
    let lengths = 0;
    let at = start;
    while (!isLineEnd(bytes, at)) {
      const name = at;
      at = endOf(bytes, name, IN_NAME);
      if (at === name || at === bytes.length || bytes[at] !== COLON) return null;
      const colon = at;
      at = endOfValue(bytes, colon + 1);
      if (!isLineEnd(bytes, at)) return null;
      places.push(name, colon, at);
      lengths |= 1 << (colon - name);
      at += 2;
    }
    return new HeadFields(bytes.toString('latin1', 0, at), places, lengths);
  }

  /** Length of the head, its empty line included. */
  get bytes(): number {
    return this.text.length + 2;
  }

  /** How many fields there are. */
  get count(): number {
    return this.#places.length / PER_FIELD;
  }

  /** The value of a field by its lower-case name, those of a repeated one joined with `, `; null where there is none. */
  field(name: string): string | null {
    return this.#mayHave(name) ? this.#joined(name) : null;
  }

  #joined(name: string): string | null {
    const first = this.#next(name, 0);
    if (first < 0) return null;
    let value = this.#valueAt(first);
    let next = this.#next(name, first + PER_FIELD);
    while (next >= 0) {
      value += `, ${this.#valueAt(next)}`;
      next = this.#next(name, next + PER_FIELD);
    }
    return value;
  }

  /** Whether there is a field of the lower-case name. */
  has(name: string): boolean {
    return this.#mayHave(name) && this.#next(name, 0) >= 0;
  }

  /** Whether the field of the lower-case name stands more than once. */
  isRepeated(name: string): boolean {
    const first = this.#mayHave(name) ? this.#next(name, 0) : -1;
    return first >= 0 && this.#next(name, first + PER_FIELD) >= 0;
  }

  /** Whether any name stands more than once. */
  get hasRepeated(): boolean {
    const places = this.#places;
    for (let at = PER_FIELD; at < places.length; at += PER_FIELD) {
      for (let before = 0; before < at; before += PER_FIELD) {
        if (this.#lengthAt(before) === this.#lengthAt(at) && this.#isSame(before, at)) return true;
      }
    }
    return false;
  }

  /** All values by their lower-case names, as `field` has them. A name that objects give a meaning is left out. */
  flat(): Record<string, string> {
    const flat: Record<string, string> = {};
    for (let at = 0; at < this.#places.length; at += PER_FIELD) {
      const name = this.#nameAt(at);
      if (name !== '__proto__') flat[name] = this.field(name) ?? '';
    }
    return flat;
  }

  /** Whether two names of one length are the same. */
  #isSame(one: number, other: number): boolean {
    const { text } = this;
    const start = this.#places[one] ?? 0;
    const distance = (this.#places[other] ?? 0) - start;
    for (let at = start; at < start + this.#lengthAt(one); at += 1) {
      if (lowerOf(text.charCodeAt(at)) !== lowerOf(text.charCodeAt(at + distance))) return false;
    }
    return true;
  }

  /** False for most names that no field has. */
  #mayHave(name: string): boolean {
    return (this.#lengths & (1 << name.length)) !== 0;
  }

  /** The place of the next field of that name from the place `from` on; -1 where there is none. */
  #next(name: string, from: number): number {
    const places = this.#places;
    for (let at = from; at < places.length; at += PER_FIELD) {
      if (this.#lengthAt(at) === name.length && isNameAt(this.text, places[at] ?? 0, name))
        return at;
    }
    return -1;
  }

  #lengthAt(at: number): number {
    return (this.#places[at + 1] ?? 0) - (this.#places[at] ?? 0);
  }

  #nameAt(at: number): string {
    return this.text.slice(this.#places[at], this.#places[at + 1]).toLowerCase();
  }

  /** Without the white space that may stand around it. */
  #valueAt(at: number): string {
    let start = (this.#places[at + 1] ?? 0) + 1;
    let end = this.#places[at + 2] ?? 0;
    while (start < end && isBlank(this.text.charCodeAt(start))) start += 1;
    while (end > start && isBlank(this.text.charCodeAt(end - 1))) end -= 1;
    return this.text.slice(start, end);
  }
}
