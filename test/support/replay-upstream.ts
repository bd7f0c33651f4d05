/**
 * An HTTP server that stands where a provider would and answers with given bytes, cut up as networks do.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { responseBytes, type Recording } from './recordings.ts';

/**
 * How a body is written.
 * - `whole`: at once
 * - `events`: one server-sent event a write
 * - `bytes`: one byte a write
 * - `cuts`: pieces of random length, by preference ending inside a UTF-8 sequence or between CR and LF
 * - `paced`: as `events`, with a pause before each
 */
export type Delivery =
  | { readonly mode: 'whole' | 'events' | 'bytes' }
  | { readonly mode: 'cuts'; readonly seed: number }
  | { readonly mode: 'paced'; readonly pauseMs: number };

export interface ReplayReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly delivery: Delivery;
  /** Resets the connection after so many bytes of the body; absent: it ends as HTTP says. */
  readonly resetAfterBytes?: number;
}

/** What a request must have for a reply to be its own; an empty match fits all. */
export interface ReplayMatch {
  /** `model` of the JSON body, or the model in a path such as `/v1beta/models/<model>:generateContent`. */
  readonly model?: string;
  /** The path without query ends so. */
  readonly path?: string;
  readonly header?: { readonly name: string; readonly value: string };
}

export interface ReplayedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  /** The parsed body; undefined when it is no JSON. */
  readonly body: unknown;
  readonly model: string | null;
}

export interface ReplayUpstream {
  readonly url: string;
  /** Every request so far, oldest first. */
  readonly requests: ReplayedRequest[];
  /** Answers matching requests from now on; later registrations win. Several replies come in turn, the last for good. */
  serve(match: ReplayMatch, ...replies: readonly ReplayReply[]): void;
  /** Forgets registrations and requests. */
  clear(): void;
  close(): Promise<void>;
}

const WHOLE: Delivery = { mode: 'whole' };
/** Framing is the server's own business, and these would contradict it. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'content-encoding', 'connection']);

/** The recorded reply, ready to be served. */
export function replyOf(recording: Recording, delivery: Delivery = WHOLE): ReplayReply {
  const { status, headers } = recording.response;
  return { status, headers, body: responseBytes(recording), delivery };
}

/** Pseudo-random numbers in [0, 1) by seed (mulberry32). */
export function randomBySeed(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function eventEnds(body: Buffer): number[] {
  const text = body.toString('latin1');
  const ends = [...text.matchAll(/\r\n\r\n|\n\n|\r\r/g)].map(
    (match) => match.index + match[0].length,
  );
  return ends.at(-1) === body.length ? ends : [...ends, body.length];
}

/** True where a cut falls inside a UTF-8 sequence or between CR and LF. */
function isAwkward(body: Buffer, at: number): boolean {
  const next = body[at] ?? 0;
  return (next & 0xc0) === 0x80 || (next === 0x0a && body[at - 1] === 0x0d);
}

const LONGEST_PIECE = 400;

function randomEnds(body: Buffer, seed: number): number[] {
  const random = randomBySeed(seed);
  const ends: number[] = [];
  let at = 0;
  while (at < body.length) {
    // Pieces of one to three bytes are as common as long ones.
    const length = 1 + Math.floor(random() * (random() < 0.3 ? 3 : LONGEST_PIECE));
    let end = Math.min(body.length, at + length);
    for (let step = 0; step < LONGEST_PIECE && end + step < body.length; step += 1) {
      if (!isAwkward(body, end + step)) continue;
      end += step;
      break;
    }
    ends.push(end);
    at = end;
  }
  return ends;
}

/** Where each write ends, for a body under a delivery. */
export function writeEnds(body: Buffer, delivery: Delivery): readonly number[] {
  switch (delivery.mode) {
    case 'whole':
      return [body.length];
    case 'bytes':
      return Array.from(body, (_byte, index) => index + 1);
    case 'cuts':
      return randomEnds(body, delivery.seed);
    case 'events':
    case 'paced':
      return eventEnds(body);
  }
}

async function writePieces(response: ServerResponse, reply: ReplayReply): Promise<void> {
  const { delivery } = reply;
  const limit = reply.resetAfterBytes ?? reply.body.length;
  let from = 0;
  for (const end of writeEnds(reply.body, delivery)) {
    if (response.destroyed) return;
    if (delivery.mode === 'paced') await pause(delivery.pauseMs);
    const to = Math.min(end, limit);
    if (to > from) response.write(reply.body.subarray(from, to));
    from = to;
    if (from >= limit) return;
    // A turn of the loop, so that the reader sees this piece by itself.
    await nextTurn();
  }
}

async function answer(response: ServerResponse, reply: ReplayReply): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers)) {
    if (!FRAMING.has(name)) response.setHeader(name, value);
  }
  // Some providers mark the end of a stream by nothing but the end of the connection.
  response.setHeader('connection', 'close');
  response.writeHead(reply.status);
  if (reply.delivery.mode === 'whole' && reply.resetAfterBytes === undefined) {
    response.end(reply.body);
    return;
  }
  response.flushHeaders();
  await writePieces(response, reply);
  if (reply.resetAfterBytes === undefined) response.end();
  else response.socket?.resetAndDestroy();
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function modelOf(path: string, body: unknown): string | null {
  const inPath = /\/models\/([^?]+):[A-Za-z]+(?:\?|$)/.exec(path)?.[1];
  if (inPath !== undefined) return decodeURIComponent(inPath);
  if (typeof body !== 'object' || body === null || !('model' in body)) return null;
  return typeof body.model === 'string' ? body.model : null;
}

async function readRequest(request: IncomingMessage): Promise<ReplayedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const path = request.url ?? '/';
  const body = parseJson(bytes);
  return {
    method: request.method ?? 'GET',
    path,
    headers: request.headers,
    bytes,
    body,
    model: modelOf(path, body),
  };
}

function fits(match: ReplayMatch, request: ReplayedRequest): boolean {
  const path = request.path.split('?')[0] ?? '';
  return (
    (match.model === undefined || match.model === request.model) &&
    (match.path === undefined || path.endsWith(match.path)) &&
    (match.header === undefined || request.headers[match.header.name] === match.header.value)
  );
}

/** Starts the server on a free port of the loopback interface. */
export async function startReplayUpstream(): Promise<ReplayUpstream> {
  const requests: ReplayedRequest[] = [];
  let served: { readonly match: ReplayMatch; readonly replies: ReplayReply[] }[] = [];
  const server = createServer({ noDelay: true }, (incoming, response) => {
    // A peer that goes away in the middle is part of some tests.
    response.on('error', () => response.destroy());
    void readRequest(incoming).then(
      (request) => {
        requests.push(request);
        const found = served.findLast(({ match }) => fits(match, request));
        const reply = found?.replies.length === 1 ? found.replies[0] : found?.replies.shift();
        if (reply !== undefined) return answer(response, reply);
        response.writeHead(501, { 'content-type': 'text/plain', connection: 'close' });
        response.end(`nothing is served for ${request.method} ${request.path}`);
        return undefined;
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    serve: (match, ...replies) => served.push({ match, replies: [...replies] }),
    clear() {
      served = [];
      requests.length = 0;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
