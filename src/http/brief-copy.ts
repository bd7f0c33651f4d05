/**
 * Copies that are given back soon, in memory that is used again: it stays warm, and V8 has no new buffers to account for.
 *
 * @module
 */

/** What one read brings, and what is put before it. */
const BLOCK_BYTES = 80 * 1024;
/** Below this Node's own pool is as good, and a block would be kept for little. */
const COPIED_BYTES_MIN = 4 * 1024;
const SPARE_BLOCKS_MAX = 4;

const spare: ArrayBufferLike[] = [];

/** A copy to be given back with {@link giveBack}; one that is not is collected. */
export function briefCopy(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length < COPIED_BYTES_MIN || length > BLOCK_BYTES) return Buffer.from(bytes);
  const copy = Buffer.from(spare.pop() ?? new ArrayBuffer(BLOCK_BYTES), 0, length);
  bytes.copy(copy);
  return copy;
}

/** Nobody reads the copy any more. */
export function giveBack(copy: Buffer): void {
  const { buffer } = copy;
  if (buffer.byteLength === BLOCK_BYTES && spare.length < SPARE_BLOCKS_MAX) spare.push(buffer);
}
