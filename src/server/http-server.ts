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
import { COMMENT_EVENT, watchHalfClosed } from './half-closed.ts';
import { KEEP_ALIVE_MS } from './keep-alive.ts';

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

/** Whether the head that was sent announces events; a head that was given as a list can only be read as it was sent. */
function isEventStream(reply: ServerResponse): boolean {
  return String(Reflect.get(reply, '_header')).includes('content-type: text/event-stream');
}

/** Probes a half-closed connection, where a reply is due on it. */
function probe(socket: Socket): boolean {
  const reply = replyOn(socket);
  if (socket.destroyed || reply === null || reply.writableEnded) return false;
  if (!reply.headersSent) {
    // HTTP/1.0 knows no interim replies.
    if (reply.req.httpVersionMinor > 0) reply.writeProcessing();
  } else if (isEventStream(reply)) reply.write(COMMENT_EVENT);
  return true;
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

/** What bounds a request on its way in. */
export interface RequestLimits {
  readonly maxHeadBytes: number;
  /** From the connection, or the first byte of a further request, to the end of its head. */
  readonly headersMs: number;
  /** From there to the last byte of the body, head included. */
  readonly bodyMs: number;
  /** How often connections are looked at for what has lasted too long. */
  readonly checkIntervalMs: number;
}

export function requestLimits({ config }: LoadedConfig): RequestLimits {
  const { requestHeadersMs, requestBodyMs } = config.timeouts;
  return {
    maxHeadBytes: config.limits.maxHeaderBytes,
    headersMs: requestHeadersMs,
    // Node refuses to start with less time for the whole than for its head.
    bodyMs: Math.max(requestBodyMs, requestHeadersMs),
    checkIntervalMs: Math.min(SLOW_CHECK_MAX_MS, Math.ceil(requestHeadersMs / 4)),
  };
}

/** A server that does not listen yet and has no `request` listener. */
export function createHttpServer(limits: RequestLimits, ids: IdSource): Server {
  const server = createServer({
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.bodyMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: limits.checkIntervalMs,
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
  server.on('connection', (socket) => socket.on('end', () => watchHalfClosed(() => probe(socket))));
  // `Expect: 100-continue` is answered where the body is read: a refusal then costs the client no upload.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
