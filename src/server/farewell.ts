/**
 * Ends a connection whose client is still sending. What is unread when a connection is closed turns its end into a reset, which
 * may take from the client the very reply that tells it to stop; so what still comes is read over for a while
 * (RFC 9112 §9.6).
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A client that was told to go is given that long to do so. */
export const FAREWELL_MS = 5_000;

/** Connections that end with the reply that they have. */
const leaving = new WeakSet<Socket>();

/** To be called before the last reply on a connection is written, where its request has not come whole. */
export function readOver(request: IncomingMessage): void {
  const { socket } = request;
  leaving.add(socket);
  request.removeAllListeners('data');
  // Node calls this when the reply is with the system, to close both halves at once.
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  };
  request.resume();
}

/** Whether a request has come behind the last reply of its connection: it must not be served, as nobody can be told. */
export function isBehindFarewell({ socket }: IncomingMessage): boolean {
  return leaving.has(socket);
}
