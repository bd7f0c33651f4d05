/**
 * Reading JSON of which nothing is known.
 *
 * @module
 */

export type Loose = Readonly<Record<string, unknown>>;

export function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one. */
export function looseOf(value: unknown): Loose {
  return isLoose(value) ? value : {};
}

/** The objects of a list; nothing for what is no list. */
export function looseList(value: unknown): readonly Loose[] {
  return Array.isArray(value) ? value.filter(isLoose) : [];
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** The parsed text, or the text itself where it is no JSON. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Data of every event of an event stream, in order; an object that stands bare after the last event counts as one. */
export function eventData(stream: string): readonly string[] {
  return stream
    .replaceAll('\r\n', '\n')
    .split('\n\n')
    .map((block) =>
      block.startsWith('{')
        ? block
        : block
            .split('\n')
            .filter((line) => line.startsWith('data:'))
            .map((line) => line.slice(5).replace(/^ /, ''))
            .join('\n'),
    )
    .filter((data) => data !== '');
}
