/**
 * The listening server: strict HTTP/1.1 under limits, and answers to what never becomes a request.
 *
 * @module
 */
import { createServer, ServerResponse, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LoadedConfig } from '../config/index.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { IdSource } from '../contracts/ids.ts';
import { openAiError } from '../dialects/openai/errors.ts';

const KEEP_ALIVE_MS = 75_000;
/** How often Node looks for requests that are too slow, at most; shorter limits are looked at more often. */
const SLOW_CHECK_MAX_MS = 5_000;

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function errorOf(code: string | undefined): GatewayError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new GatewayError('request_timeout', { message: 'The request did not arrive in time.' });
  }
  return code === 'HPE_HEADER_OVERFLOW'
    ? new GatewayError('invalid_request', {
        message: 'The request headers are larger than this gateway accepts.',
        status: 431,
      })
    : new GatewayError('invalid_request', { message: 'This is not a valid HTTP/1.1 request.' });
}

/** The reply that the connection is occupied with. Node's own handler of client errors looks at the same member. */
function replyOn(socket: Duplex): ServerResponse | null {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse ? message : null;
}

/** Waits between probes of a half-closed connection: the first write draws the reset, a later one meets it. */
const PROBE_DELAYS_MS = [50, 200, 1_000] as const;
const PROBE_INTERVAL_MS = 5_000;

/** Whether the head that was sent announces events; a head that was given as a list can only be read as it was sent. */
function isEventStream(reply: ServerResponse): boolean {
  return String(Reflect.get(reply, '_header')).includes('content-type: text/event-stream');
}

function probe(reply: ServerResponse): void {
  if (!reply.headersSent) {
    if (reply.req.httpVersionMinor > 0) reply.writeProcessing();
  } else if (isEventStream(reply)) reply.write(': keepalive\n\n');
}

/**
 * The client has closed its half of the connection: it may still read (F42), or it may be gone (F39, F41), which only
 * writing can tell. So what no reader minds is written while its reply is due: an interim reply (RFC 9110 §15.2, which
 * HTTP/1.0 does not know), or a comment in an event stream. A client that is gone answers with a reset.
 */
function watchHalfClosed(socket: Socket): void {
  let probes = 0;
  const look = (): void => {
    const reply = replyOn(socket);
    if (socket.destroyed || reply === null || reply.writableEnded) return;
    probe(reply);
    setTimeout(look, PROBE_DELAYS_MS[probes] ?? PROBE_INTERVAL_MS).unref();
    probes += 1;
  };
  look();
}

function answerClientError(error: GatewayError, requestId: string): string {
  const body = JSON.stringify(openAiError(error, requestId));
  return [
    `HTTP/1.1 ${error.status} ${REASONS[error.status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    `x-should-retry: ${String(error.shouldRetry === true)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

/** A server that does not listen yet and has no `request` listener. */
export function createHttpServer(loaded: LoadedConfig, ids: IdSource): Server {
  const { limits, timeouts } = loaded.config;
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: timeouts.requestHeadersMs,
    // Node refuses to start with less time for the whole than for its head.
    requestTimeout: Math.max(timeouts.requestBodyMs, timeouts.requestHeadersMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(
      SLOW_CHECK_MAX_MS,
      Math.ceil(timeouts.requestHeadersMs / 4),
    ),
    noDelay: true,
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (socket.destroyed) return;
    // A second reply would be read as part of the one under way.
    if (!socket.writable || replyOn(socket)?.headersSent === true) socket.destroy();
    else socket.end(answerClientError(errorOf(error.code), ids.next('req')));
  });
  // Without this Node takes a closed half for a client that has left. No option sets it.
  Reflect.set(server, 'httpAllowHalfOpen', true);
  server.on('connection', (socket) => socket.on('end', () => watchHalfClosed(socket)));
  // `Expect: 100-continue` is answered where the body is read: a refusal then costs the client no upload.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
