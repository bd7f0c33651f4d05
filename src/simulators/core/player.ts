/**
 * Carries out a transmission on a connection and keeps the log entry true while doing so.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import { findFault, type Fault } from './fault.ts';
import type { OpenEntry } from './log.ts';
import type { Segment, Transmission } from './transmission.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: OpenEntry;
  readonly signal: AbortSignal;
}

/** Waits; false when the connection ended meanwhile. */
export function pause(exchange: Exchange, ms: number): Promise<boolean> {
  const { signal } = exchange;
  if (signal.aborted) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onAbort = (): void => {
    clearTimeout(timer);
    resolve(false);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', onAbort);
    resolve(true);
  }, ms);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}

/** Waits until the connection ends. */
export async function hang(exchange: Exchange): Promise<void> {
  if (!exchange.signal.aborted) await once(exchange.signal, 'abort');
}

/** Breaks the connection with a TCP reset. */
export function resetConnection(exchange: Exchange): void {
  exchange.entry.outcome = 'reset';
  exchange.request.socket.resetAndDestroy();
}

function record(entry: OpenEntry, segment: Segment): void {
  entry.firstByteAtMs ??= Date.now();
  entry.bytesSent += segment.bytes.length;
  entry.eventsSent += segment.events;
  entry.contentEventsSent += segment.contentEvents;
  entry.billed = segment.usage;
}

function joined(segments: readonly Segment[]): Buffer {
  const only = segments.length === 1 ? segments[0] : undefined;
  return only === undefined ? Buffer.concat(segments.map((segment) => segment.bytes)) : only.bytes;
}

/** Writes and waits until the bytes are with the network, as a reset would drop what is still queued. */
async function deliver(exchange: Exchange, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || exchange.signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  exchange.response.write(bytes, () => resolve());
  exchange.signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

/** Sends the segments that have no gap between them as one write. */
async function sendSegments(exchange: Exchange, segments: readonly Segment[]): Promise<boolean> {
  const startedAtMs = performance.now();
  let dueMs = 0;
  let at = 0;
  while (at < segments.length) {
    const gap = segments[at]?.gap ?? 0;
    if (typeof gap === 'object') {
      if (gap.apartMs === 0) await nextTurn();
      else if (!(await pause(exchange, gap.apartMs))) return false;
    } else {
      dueMs += gap;
      const waitMs = dueMs - (performance.now() - startedAtMs);
      if (waitMs > 0 && !(await pause(exchange, waitMs))) return false;
    }
    const from = at;
    const nowMs = performance.now() - startedAtMs;
    at += 1;
    for (; at < segments.length; at += 1) {
      const next = segments[at]?.gap ?? 0;
      if (typeof next === 'object' || dueMs + next > nowMs) break;
      dueMs += next;
    }
    if (exchange.signal.aborted) return false;
    const batch = segments.slice(from, at);
    for (const segment of batch) record(exchange.entry, segment);
    await deliver(exchange, joined(batch));
  }
  return !exchange.signal.aborted;
}

async function finish(exchange: Exchange, transmission: Transmission): Promise<void> {
  const { response } = exchange;
  switch (transmission.ending) {
    case 'end':
      response.end();
      break;
    case 'hang':
      await hang(exchange);
      break;
    case 'reset':
      // One more turn lets the peer's event loop read what came before the reset.
      await nextTurn();
      resetConnection(exchange);
      break;
    case 'close':
      exchange.entry.outcome = 'completed';
      exchange.request.socket.end();
      break;
  }
}

function isImmediate(transmission: Transmission): boolean {
  return (
    transmission.ending === 'end' && transmission.segments.every((segment) => segment.gap === 0)
  );
}

/** Head and half of the headers, then a reset. */
async function breakHeaders(exchange: Exchange, transmission: Transmission): Promise<void> {
  const { socket } = exchange.request;
  exchange.entry.billed = transmission.segments.at(-1)?.usage ?? null;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.write(`HTTP/1.1 ${String(transmission.status)} OK\r\ncontent-type: applica`, () =>
    resolve(),
  );
  await promise;
  await nextTurn();
  resetConnection(exchange);
}

/** `content-length` beside `transfer-encoding`, which RFC 9112 §6.3 takes for an attack. */
async function sendBothLengths(exchange: Exchange, transmission: Transmission): Promise<void> {
  const body = joined(transmission.segments);
  for (const segment of transmission.segments) record(exchange.entry, segment);
  const { socket } = exchange.request;
  const head = [
    'HTTP/1.1 200 OK',
    `content-type: ${transmission.headers['content-type'] ?? 'application/json'}`,
    `content-length: ${String(body.length)}`,
    'transfer-encoding: chunked',
  ].join('\r\n');
  socket.write(`${head}\r\n\r\n${body.length.toString(16)}\r\n`);
  socket.write(body);
  const { promise, resolve } = Promise.withResolvers<void>();
  exchange.entry.outcome = 'completed';
  socket.end('\r\n0\r\n\r\n', () => resolve());
  await promise;
}

function* blanks(megabytes: number): Generator<Buffer> {
  const block = Buffer.alloc(1_000_000, 0x20);
  yield Buffer.from('{');
  for (let sent = 0; sent < megabytes; sent += 1) yield block;
  yield Buffer.from('"simulated":true}');
}

/** A small compressed body that unpacks to many megabytes; never held in memory as a whole. */
async function sendBomb(
  exchange: Exchange,
  transmission: Transmission,
  fault: Extract<Fault, { readonly type: 'encoding' }>,
): Promise<void> {
  const { 'content-length': _length, ...headers } = transmission.headers;
  const compressors = { gzip: createGzip, br: createBrotliCompress, zstd: createZstdCompress };
  const compressor = compressors[fault.encoding]();
  compressor.on('data', (chunk: Buffer) => {
    exchange.entry.bytesSent += chunk.length;
  });
  exchange.entry.billed = transmission.segments.at(-1)?.usage ?? null;
  exchange.response.writeHead(200, { ...headers, 'content-encoding': fault.encoding });
  await pipeline(Readable.from(blanks(fault.megabytes)), compressor, exchange.response).catch(
    // A caller that refuses the bomb closes the connection; the log records it as such.
    () => undefined,
  );
}

async function sendInterim(exchange: Exchange): Promise<void> {
  exchange.response.writeProcessing();
  const { promise, resolve } = Promise.withResolvers<void>();
  exchange.response.writeEarlyHints({ link: '</simulator.css>; rel=preload' }, () => resolve());
  await promise;
}

/** Sends a transmission; settles when it has been handed to the network, broken off or given up by the caller. */
export async function play(
  exchange: Exchange,
  transmission: Transmission,
  faults: readonly Fault[],
): Promise<void> {
  const { response, entry } = exchange;
  entry.status = transmission.status;
  if (findFault(faults, 'interim') !== undefined) await sendInterim(exchange);
  if (findFault(faults, 'reset')?.at === 'in-headers') return breakHeaders(exchange, transmission);
  if (findFault(faults, 'content-length')?.wrong === 'beside-chunked') {
    return sendBothLengths(exchange, transmission);
  }
  const encoding = findFault(faults, 'encoding');
  if (encoding?.how === 'bomb') return sendBomb(exchange, transmission, encoding);
  const headers = { ...transmission.headers, ...findFault(faults, 'headers')?.headers };
  if (isImmediate(transmission)) {
    for (const segment of transmission.segments) record(entry, segment);
    response.writeHead(transmission.status, headers);
    response.end(joined(transmission.segments));
    return undefined;
  }
  entry.billed = transmission.billedAfter(0);
  const startedAtMs = performance.now();
  const first = transmission.segments[0]?.gap;
  const waitsFirst = typeof first === 'number' && first > 0 && !transmission.headersFirst;
  if (waitsFirst && !(await pause(exchange, first))) {
    entry.billed = transmission.billedAfter(performance.now() - startedAtMs);
    return undefined;
  }
  response.writeHead(transmission.status, headers);
  response.flushHeaders();
  const segments = waitsFirst ? withoutFirstGap(transmission.segments) : transmission.segments;
  if (await sendSegments(exchange, segments)) await finish(exchange, transmission);
  return undefined;
}

function withoutFirstGap(segments: readonly Segment[]): readonly Segment[] {
  return segments.map((segment, index) => (index === 0 ? { ...segment, gap: 0 } : segment));
}
