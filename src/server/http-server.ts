/**
 * The listening server: strict HTTP/1.1 under limits, and answers to what never becomes a request.
 *
 * @module
 */
import { createServer, type Server } from 'node:http';
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

/**
 * Whether a reply is already under way on the connection: a second one would be read as part of it. Node's own
 * handler of such errors looks at the same member.
 */
function isAnswering(socket: Duplex): boolean {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return (
    typeof message === 'object' &&
    message !== null &&
    'headersSent' in message &&
    message.headersSent === true
  );
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
    if (!socket.writable || isAnswering(socket)) socket.destroy();
    else socket.end(answerClientError(errorOf(error.code), ids.next('req')));
  });
  // `Expect: 100-continue` is answered where the body is read: a refusal then costs the client no upload.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
