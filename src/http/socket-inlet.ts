/**
 * What a socket reads, taken past the readable side of its stream, whose part in a small read costs as much as reading
 * does. Pausing, resuming and the end stay the socket's.
 *
 * @module
 */
import type { OnReadOpts } from 'node:net';

/**
 * Where all sockets read to: nothing else happens between a read and its callback. A buffer for every read would be
 * memory outside V8's heap, of which it answers some tens of megabytes with a full collection (measured: every 200
 * streams of 500 chunks, half of what they cost).
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export class SocketInlet {
  /** Takes bytes that the next read overwrites, of whatever socket; what comes before it is set is dropped. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  /** Option of the socket that is to be made. */
  readonly onread: OnReadOpts = {
    buffer: READ_BUFFER,
    callback: (length) => {
      this.onBytes?.(READ_BUFFER.subarray(0, length));
      return true;
    },
  };
}
