/**
 * Memory in which bytes are put together, the same each time: a buffer each time would be memory outside V8's heap, of
 * which it answers some tens of megabytes with a full collection.
 *
 * @module
 */

export class JoinRoom {
  readonly #bytes: Buffer;

  /** @param bytes how much fits; it is the system's to provide what is used of it */
  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** @returns the pieces in one; where they fit, it is overwritten by what is joined here next */
  join(pieces: readonly Buffer[]): Buffer {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length > this.#bytes.length) return Buffer.concat(pieces, length);
    let at = 0;
    for (const piece of pieces) at += piece.copy(this.#bytes, at);
    return this.#bytes.subarray(0, length);
  }
}
