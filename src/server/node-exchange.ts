/**
 * An exchange over `node:http`: also what is sent and received piece by piece.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../contracts/gateway-error.ts';
import {
  bodyIncomplete,
  bodyTooLarge,
  Exchange,
  type ExchangeIdentity,
  type ReplyHeaders,
} from '../gateway/exchange.ts';
import { HeadLines } from '../gateway/head-lines.ts';
import { releaseBytes } from '../http/release-bytes.ts';
import { readOver } from './farewell.ts';
import { tellToGoOn } from './tell-to-go-on.ts';

function listOf(headers: ReplyHeaders | HeadLines): ReplyHeaders {
  return headers instanceof HeadLines ? headers.list() : headers;
}

export class NodeExchange extends Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, identity: ExchangeIdentity) {
    super(identity);
    this.request = request;
    this.response = response;
    response.on('close', () => {
      if (!response.writableFinished) this.noteGone();
    });
    // Without a listener an error of a vanished client would end the process; 'close' follows and is acted upon.
    response.on('error', () => {});
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  get url(): string {
    return this.request.url ?? '/';
  }

  get address(): string {
    return this.request.socket.remoteAddress ?? '';
  }

  get headSent(): boolean {
    return this.response.headersSent;
  }

  header(name: string): string | null {
    const value = this.request.headers[name];
    if (value === undefined) return null;
    return typeof value === 'string' ? value : value.join(', ');
  }

  /**
   * The body as it comes, for whoever counts its bytes; {@link readBody} reads it whole.
   *
   * @throws GatewayError `payload_too_large` where more than `maxBytes` are declared, `invalid_request` for transfer
   *   codings other than chunks
   */
  beginBody(maxBytes: number): IncomingMessage {
    const { headers } = this.request;
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
    const coding = headers['transfer-encoding'];
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      throw new GatewayError('invalid_request', {
        message: 'The only transfer coding that is understood is "chunked".',
        param: 'transfer-encoding',
      });
    }
    tellToGoOn(this.response);
    return this.request;
  }

  readBody(maxBytes: number): Promise<Buffer> {
    const request = this.beginBody(maxBytes);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          request.removeAllListeners('data');
          request.pause();
          reject(bodyTooLarge(maxBytes));
          return;
        }
        chunks.push(chunk);
      });
      request.on('end', () => {
        const [only] = chunks;
        if (chunks.length === 1 && only !== undefined) {
          resolve(only);
          return;
        }
        const whole = Buffer.concat(chunks, bytes);
        chunks.forEach(releaseBytes);
        resolve(whole);
      });
      request.on('error', () => reject(bodyIncomplete()));
    });
  }

  addReplyHeader(name: string, value: string): void {
    this.response.setHeader(name, value);
  }

  send(status: number, headers: ReplyHeaders | HeadLines, body: Buffer | string): void {
    if (this.gone || this.response.headersSent) return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const list = listOf(headers);
    list.push('content-length', String(bytes.length));
    if (!this.#hasCome) {
      list.push('connection', 'close');
      readOver(this.request);
    }
    this.response.writeHead(status, list);
    this.response.end(bytes);
  }

  /** Whether nothing of the request is still to come. Node says so of one without a body only after its handler. */
  get #hasCome(): boolean {
    const { complete, headers } = this.request;
    if (complete || headers['transfer-encoding'] !== undefined) return complete;
    return Number(headers['content-length'] ?? 0) === 0;
  }

  startStream(headers: ReplyHeaders | HeadLines): void {
    if (this.gone || this.response.headersSent) return;
    this.response.writeHead(200, listOf(headers));
  }

  write(bytes: Buffer): boolean {
    return this.gone ? true : this.response.write(Buffer.from(bytes));
  }

  onDrain(listener: () => void): void {
    this.response.once('drain', listener);
  }

  finish(bytes: Buffer | null): void {
    if (this.gone) return;
    if (bytes === null) this.response.end();
    else this.response.end(bytes);
  }

  cut(): void {
    this.response.destroy();
  }
}
