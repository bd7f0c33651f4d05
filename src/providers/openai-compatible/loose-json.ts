/**
 * Reading parsed JSON of which nothing is guaranteed.
 *
 * @module
 */

export type LooseObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is LooseObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const EMPTY: LooseObject = Object.freeze({});

/** The value if it is an object, else an empty one. */
export function objectOf(value: unknown): LooseObject {
  return isObject(value) ? value : EMPTY;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is a string with something in it, else null. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
