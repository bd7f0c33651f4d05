/**
 * The yardstick: the least that a Node proxy on `node:http` and undici can do. It forwards bytes both
 * ways with backpressure and parses, checks and counts nothing.
 *
 * Started as `node bench/relay.ts <upstream origin>`; prints where it listens.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

class RelayHandler implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #controller: Dispatcher.DispatchController | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('close', () => {
      if (!response.writableFinished) this.#controller?.abort(new Error('client went away'));
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number): void {
    const raw = controller.rawHeaders;
    const headers: string[] = [];
    if (Array.isArray(raw)) {
      for (let index = 0; index + 1 < raw.length; index += 2) {
        const name = String(raw[index]);
        if (!isHopByHop(name)) headers.push(name, String(raw[index + 1]));
      }
    }
    this.#response.writeHead(statusCode, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end();
  }
}

/** Fields that belong to one connection (RFC 9110 §7.6.1), and `host`, which undici sets. */
function isHopByHop(name: string): boolean {
  switch (name.toLowerCase()) {
    case 'connection':
    case 'keep-alive':
    case 'transfer-encoding':
    case 'host':
      return true;
    default:
      return false;
  }
}

function forwardedHeaders(request: IncomingMessage): string[] {
  const headers: string[] = [];
  const raw = request.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!isHopByHop(name)) headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}

const upstream = process.argv[2];
if (upstream === undefined) throw new Error('usage: node bench/relay.ts <upstream origin>');
const pool = new Pool(upstream, { connections: 128, pipelining: 1 });

const server = createServer((request, response) => {
  pool.dispatch(
    { path: request.url ?? '/', method: 'POST', headers: forwardedHeaders(request), body: request },
    new RelayHandler(response),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address !== 'object') return;
  const url = `http://127.0.0.1:${address.port}`;
  console.log(JSON.stringify({ event: 'listening', url, pid: process.pid }));
});
process.on('SIGTERM', () => process.exit(0));
