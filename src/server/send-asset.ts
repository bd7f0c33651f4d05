/**
 * Sends an asset's bytes: whole, in ranges, or not at all where the client has them.
 *
 * @module
 */
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { ReplyHeaders } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { AssetRecord } from '../media/asset-port.ts';
import type { ByteSpan } from '../media/blobs.ts';
import { chooseRange } from '../media/byte-range.ts';
import { kindOf } from '../media/media-type.ts';
import type { NodeExchange } from './node-exchange.ts';
import { ownReplyHeaders } from './own-reply-headers.ts';

/** A content never changes, but it can be removed: caches of others must not keep it. */
const CACHE_MAX_S = 3600;

function notFound(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no asset "${id.slice(0, 100)}".` });
}

/** As RFC 6266 has it: a plain name for old clients, the real one for others. */
function disposition(asset: AssetRecord): string {
  const kind = kindOf(asset.type) === null ? 'attachment' : 'inline';
  if (asset.name === null) return kind;
  const plain = asset.name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const full = encodeURIComponent(asset.name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${full}`;
}

function contentType(asset: AssetRecord): string {
  return kindOf(asset.type) === null ? 'application/octet-stream' : asset.type;
}

function etagOf(asset: AssetRecord): string {
  return `"${asset.hash}"`;
}

function assetHeaders(gateway: Gateway, exchange: NodeExchange, asset: AssetRecord): ReplyHeaders {
  const nowMs = gateway.clock.nowMs();
  const leftS = Math.floor(((asset.expiresAtMs ?? Number.MAX_SAFE_INTEGER) - nowMs) / 1000);
  const headers = ownReplyHeaders(gateway, exchange);
  headers.push(
    'etag',
    etagOf(asset),
    'last-modified',
    new Date(asset.createdAtMs).toUTCString(),
    'accept-ranges',
    'bytes',
    'cache-control',
    `private, max-age=${Math.max(0, Math.min(CACHE_MAX_S, leftS))}`,
    // Whatever the bytes are, no browser may run them as a page of this origin.
    'x-content-type-options',
    'nosniff',
    'content-security-policy',
    "default-src 'none'; sandbox",
    'content-disposition',
    disposition(asset),
  );
  return headers;
}

/** Whether the client has the content already. Weak and strong tags compare alike here (RFC 9110, section 13.1.2). */
function isKnown(exchange: NodeExchange, asset: AssetRecord): boolean {
  const header = exchange.header('if-none-match');
  if (header === null) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etagOf(asset));
}

function rangeHeader(exchange: NodeExchange, asset: AssetRecord): string | null {
  const condition = exchange.header('if-range');
  return condition === null || condition === etagOf(asset) ? exchange.header('range') : null;
}

type Piece = Buffer | { readonly span: ByteSpan | null };

/** One reply: its status, its own headers, and what is sent one after another. */
interface Sending {
  readonly status: 200 | 206;
  readonly headers: readonly string[];
  readonly pieces: readonly Piece[];
}

function lengthOf({ first, last }: ByteSpan): number {
  return last - first + 1;
}

function contentRange({ first, last }: ByteSpan, size: number): string {
  return `bytes ${first}-${last}/${size}`;
}

/** Several ranges as one multipart body (RFC 9110, section 14.6). */
function manyRanges(asset: AssetRecord, spans: readonly ByteSpan[], boundary: string): Sending {
  const pieces: Piece[] = spans.flatMap((span) => [
    Buffer.from(
      `\r\n--${boundary}\r\ncontent-type: ${contentType(asset)}\r\ncontent-range: ${contentRange(span, asset.bytes)}\r\n\r\n`,
    ),
    { span },
  ]);
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`));
  const length = pieces.reduce(
    (sum, piece) =>
      sum +
      (Buffer.isBuffer(piece) ? piece.length : piece.span === null ? 0 : lengthOf(piece.span)),
    0,
  );
  const type = `multipart/byteranges; boundary=${boundary}`;
  return {
    status: 206,
    headers: ['content-type', type, 'content-length', String(length)],
    pieces,
  };
}

function sendingOf(exchange: NodeExchange, asset: AssetRecord): Sending {
  const range = chooseRange(rangeHeader(exchange, asset), asset.bytes);
  const type = contentType(asset);
  if (range.type === 'unsatisfiable') {
    exchange.response.setHeader('content-range', `bytes */${asset.bytes}`);
    throw new GatewayError('range_not_satisfiable', {
      message: `The asset has ${asset.bytes} bytes; the range asks for none of them.`,
      param: 'range',
    });
  }
  if (range.type === 'whole') {
    const headers = ['content-type', type, 'content-length', String(asset.bytes)];
    return { status: 200, headers, pieces: [{ span: null }] };
  }
  const [span, ...others] = range.spans;
  if (others.length > 0) return manyRanges(asset, range.spans, exchange.requestId);
  return {
    status: 206,
    headers: [
      'content-type',
      type,
      'content-length',
      String(lengthOf(span)),
      'content-range',
      contentRange(span, asset.bytes),
    ],
    pieces: [{ span }],
  };
}

/** Sends piece after piece, no faster than the client reads. A client that is gone ends it. */
async function sendPieces(
  gateway: Gateway,
  exchange: NodeExchange,
  sending: { readonly asset: AssetRecord; readonly pieces: readonly Piece[] },
): Promise<void> {
  const { response } = exchange;
  const cut = (): void => void response.destroy();
  // A client that takes nothing keeps a file open: it is treated as gone.
  response.setTimeout(gateway.settings.clientStallMs, cut);
  const cutSlot = gateway.lifecycle.interrupts.add(cut);
  try {
    for (const piece of sending.pieces) {
      if (Buffer.isBuffer(piece)) {
        response.write(piece);
        continue;
      }
      const stream = await gateway.assets.read(sending.asset, piece.span);
      if (stream === null) throw new Error(`the content of ${sending.asset.id} has gone`);
      await pipeline(stream, response, { end: false });
    }
    response.end();
  } catch (error) {
    // The head has been sent: a cut connection is all that tells a part from the whole.
    if (!exchange.gone) gateway.recorder.fault(error, { requestId: exchange.requestId });
    response.destroy();
  } finally {
    gateway.lifecycle.interrupts.take(cutSlot);
  }
}

/**
 * Answers GET and HEAD of an asset.
 *
 * @throws GatewayError `range_not_satisfiable`, `not_found` where it has been removed meanwhile
 */
export async function sendAsset(
  gateway: Gateway,
  exchange: NodeExchange,
  asset: AssetRecord,
): Promise<void> {
  const { response, request } = exchange;
  if (isKnown(exchange, asset)) {
    response.writeHead(304, assetHeaders(gateway, exchange, asset)).end();
    return;
  }
  if (request.method === 'HEAD') {
    const headers = assetHeaders(gateway, exchange, asset);
    headers.push('content-type', contentType(asset), 'content-length', String(asset.bytes));
    response.writeHead(200, headers).end();
    return;
  }
  const { status, headers, pieces } = sendingOf(exchange, asset);
  if (!(await gateway.assets.has(asset))) throw notFound(asset.id);
  if (exchange.gone) return;
  response.writeHead(status, [...assetHeaders(gateway, exchange, asset), ...headers]);
  await sendPieces(gateway, exchange, { asset, pieces });
}
