/**
 * Text and bytes in one piece, so that both leave in one write.
 *
 * @module
 */
import type { Socket } from 'node:net';

/** Bytes up to this are cheaper to copy than a second write is. */
export const JOINED_BYTES_MAX = 16 * 1024;

/** Takes what one read has brought, whatever stands around it. */
const SHARED_BYTES = 128 * 1024;
let shared = Buffer.allocUnsafeSlow(SHARED_BYTES);

/** `bytes` between texts of latin1, such as a head before them and what ends a chunk behind. */
export function joinedBytes(before: string, bytes: Buffer, behind: string): Buffer {
  const all = Buffer.allocUnsafe(before.length + bytes.length + behind.length);
  join(all, bytes, { before, behind });
  return all;
}

/**
 * Writes `bytes` between texts of latin1 in one piece; they are not needed any more once this has returned. What the
 * system takes at once, as it nearly always does, is put together in the same memory each time.
 *
 * @returns as `Socket.write`
 */
export function writeJoined(
  socket: Socket,
  bytes: Buffer,
  around: { readonly before: string; readonly behind: string },
): boolean {
  const { before, behind } = around;
  const length = before.length + bytes.length + behind.length;
  if (length > SHARED_BYTES || socket.writableLength > 0) {
    return socket.write(joinedBytes(before, bytes, behind));
  }
  const all = shared.subarray(0, length);
  join(all, bytes, around);
  const isTaken = socket.write(all);
  // What has not been taken is read from this memory later.
  if (socket.writableLength > 0) shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  return isTaken;
}

function join(
  all: Buffer,
  bytes: Buffer,
  { before, behind }: { readonly before: string; readonly behind: string },
): void {
  all.write(before, 0, 'latin1');
  bytes.copy(all, before.length);
  if (behind !== '') all.write(behind, before.length + bytes.length, 'latin1');
}
