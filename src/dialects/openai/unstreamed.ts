/**
 * Operations whose answers come whole.
 *
 * @module
 */

/** In place of a stream's reader, where the pipeline never opens one. */
export function unstreamed(): never {
  throw new Error('this operation is answered whole');
}

/** In place of a whole reply's reader, where the answer is streamed. */
export function neverWhole(): never {
  throw new Error('this operation is streamed');
}
