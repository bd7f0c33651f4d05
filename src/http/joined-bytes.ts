/**
 * Text and bytes in one piece, so that both leave in one write.
 *
 * @module
 */

/** Bytes up to this are cheaper to copy than a second write is. */
export const JOINED_BYTES_MAX = 16 * 1024;

/** `bytes` between texts of latin1, such as a head before them and what ends a chunk behind. */
export function joinedBytes(before: string, bytes: Buffer, behind: string): Buffer {
  const all = Buffer.allocUnsafe(before.length + bytes.length + behind.length);
  all.write(before, 0, 'latin1');
  bytes.copy(all, before.length);
  if (behind !== '') all.write(behind, before.length + bytes.length, 'latin1');
  return all;
}
