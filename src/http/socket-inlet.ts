/**
 * What a socket reads, taken past the readable side of its stream, whose part in a small read costs as much as reading
 * does. Pausing, resuming and the end stay the socket's.
 *
 * @module
 */
import type { OnReadOpts } from 'node:net';

/** Where all sockets read to: nothing else happens between a read and its callback. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export class SocketInlet {
  /** Takes bytes of its own; what comes before it is set is dropped. */
  onBytes: ((bytes: Buffer) => void) | null = null;
  /** Option of the socket that is to be made. */
  readonly onread: OnReadOpts = {
    buffer: READ_BUFFER,
    callback: (length) => {
      const bytes = Buffer.allocUnsafe(length);
      READ_BUFFER.copy(bytes, 0, 0, length);
      this.onBytes?.(bytes);
      return true;
    },
  };
}
