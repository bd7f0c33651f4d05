/**
 * Which requests the front serves itself, and that what it hands over arrives whole and in order.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Exchange } from '../../gateway/exchange.ts';
import { HeadLines } from '../../gateway/head-lines.ts';
import { createHttpServer } from '../http-server.ts';
import type { PlainRoute } from '../routes.ts';
import { PlainFront } from './plain-front.ts';

const LIMITS = { maxHeadBytes: 2_048, headersMs: 200, bodyMs: 400, checkIntervalMs: 20 };
/** Where the front finds it; what it says of itself is for the data plane. */
const ROUTE: PlainRoute = {
  method: 'POST',
  path: '/plain',
  isWork: false,
  isPlain: true,
  handle: () => undefined,
};
const POST = 'POST /plain HTTP/1.1\r\nhost: a\r\n';

let front: PlainFront;
let client: Socket;
let heard = '';
let port = 0;
/** What the front served: bodies, or why there was none. */
let served: string[] = [];
/** Whether replies are sent before anything is awaited. */
let handleAtOnce = false;
let respond: (exchange: Exchange, body: Buffer) => void;
const server = { close: (): void => undefined };

async function handle(exchange: Exchange): Promise<void> {
  if (handleAtOnce) {
    exchange.send(503, ['x-by', 'at once'], '');
    return;
  }
  try {
    const body = await exchange.readBody(1_000_000);
    served.push(body.length > 1_000 ? `${body.length} bytes` : body.toString());
    respond(exchange, body);
  } catch (error) {
    served.push(String(Reflect.get(Object(error), 'code')));
    exchange.send(413, [], '');
  }
}

async function open(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Waits until `text` has come `times` times. */
async function hears(text: string, times = 1): Promise<void> {
  while (heard.split(text).length <= times) await once(client, 'data');
}

const post = (body: string, more = ''): string =>
  `${POST}content-length: ${body.length}\r\n${more}\r\n${body}`;

beforeEach(async () => {
  heard = '';
  served = [];
  handleAtOnce = false;
  respond = (exchange, body) => exchange.send(200, ['x-by', 'plain'], body);
  const http = createHttpServer(LIMITS, { next: (prefix) => `${prefix}_1` });
  http.on('request', (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => response.writeHead(200, ['x-by', 'node']).end(body));
  });
  let ids = 0;
  front = new PlainFront(http, {
    limits: LIMITS,
    routes: new Map([[ROUTE.path, ROUTE]]),
    identify: () => ({ requestId: `req_${++ids}`, startedAtMs: 0, startedAtMonotonicMs: 0 }),
    handle,
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  port = (http.address() as AddressInfo).port;
  server.close = () => {
    http.close();
    http.closeAllConnections();
  };
  client = await open();
});
afterEach(() => {
  client.destroy();
  server.close();
  front.close();
});

describe('what is served here', () => {
  it('plain posts, one after the other on one connection', async () => {
    for (const body of ['first', '', 'third']) {
      client.write(post(body));
      await hears('x-by: plain', served.length + 1);
    }
    expect(served).toEqual(['first', '', 'third']);
    expect(heard).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n/);
  });

  it('a body that comes in pieces, and one of many reads', async () => {
    const all = post('in pieces');
    client.write(all.slice(0, -9));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.write('in ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.write('pieces');
    await hears('x-by: plain');
    client.write(post('a'.repeat(900_000)));
    await hears('x-by: plain', 2);
    expect(served).toEqual(['in pieces', '900000 bytes']);
  });

  it('a reply as letters is the same bytes as the reply', async () => {
    respond = (exchange) => exchange.send(200, ['x-by', 'plain'], Buffer.from('{"a":1}'));
    client.write(post('bytes'));
    await hears('{"a":1}');
    const asBytes = heard.replaceAll(/^Date: .*$/gm, '');
    heard = '';
    respond = (exchange) => exchange.sendLetters(200, HeadLines.of(['x-by', 'plain']), '{"a":1}');
    client.write(post('letters'));
    await hears('{"a":1}');
    expect(heard.replaceAll(/^Date: .*$/gm, '')).toBe(asBytes);
    // The connection goes on.
    client.write(post('more'));
    await hears('{"a":1}', 2);
  });

  it('a text that is no ASCII is counted and sent in UTF-8', async () => {
    respond = (exchange) => exchange.send(200, [], 'é鍵');
    client.write(post('any'));
    await hears(Buffer.from('é鍵').toString('latin1'));
    expect(heard).toContain('content-length: 5\r\n');
  });

  it('requests that come together are answered in order', async () => {
    client.write(post('first') + post('second') + post('third'));
    await hears('third');
    expect(served).toEqual(['first', 'second', 'third']);
    expect(heard.match(/first|second|third/g)).toEqual(['first', 'second', 'third']);
  });

  it('goes on after one that had waited and is answered at once', async () => {
    respond = (exchange, body) => {
      setImmediate(() => {
        handleAtOnce = true;
        exchange.send(200, ['x-by', 'plain'], body);
      });
    };
    client.write(post('first') + post('second'));
    await hears('x-by: at once');
    client.write(post('third'));
    await hears('x-by: at once', 2);
  });

  it('a stream, chunk by chunk, with what is large', async () => {
    respond = (exchange) => {
      exchange.startStream(['content-type', 'text/event-stream']);
      exchange.write(Buffer.from('data: 1\n\n'));
      exchange.write(Buffer.alloc(0));
      exchange.write(Buffer.alloc(20_000, 'x'));
      exchange.finish(Buffer.from('data: 2\n\n'));
    };
    client.write(post('stream'));
    await hears('\r\n0\r\n\r\n');
    const [head = '', body] = heard.split(/(?<=\r\n\r\n)(.*)/s);
    expect(head).toMatch(/Transfer-Encoding: chunked\r\n\r\n$/);
    expect(body).toBe(
      `9\r\ndata: 1\n\n\r\n4e20\r\n${'x'.repeat(20_000)}\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n`,
    );
  });

  it('a body beyond the limit is refused before it comes, and the connection ends', async () => {
    client.write(`${POST}content-length: 1000001\r\n\r\n`);
    await once(client, 'end');
    expect(heard).toMatch(/^HTTP\/1\.1 413 .*\r\nConnection: close\r\n/s);
    expect(served).toEqual(['payload_too_large']);
  });

  it('no header that would not stay one is written', async () => {
    respond = (exchange) => {
      expect(() => exchange.send(200, ['x-a', '1\r\nx-injected: 2'], '')).toThrow('x-a');
      exchange.send(200, ['x-by', 'plain'], 'ok');
    };
    client.write(post('header'));
    await hears('ok');
    expect(heard).not.toContain('x-injected');
  });

  it('who does not read is not read', async () => {
    respond = (exchange) => exchange.send(200, [], Buffer.alloc(600_000, 'x'));
    client.pause();
    const many = 200;
    client.write(post('more').repeat(many));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const servedUnread = served.length;
    client.resume();
    while (served.length < many) await once(client, 'data');
    // Kernel buffers of both sides take a few megabytes before anybody waits.
    expect(servedUnread).toBeLessThan(many / 2);
  });
});

describe('what is handed over', () => {
  it.each([
    ['another path', 'POST /other HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody'],
    ['a query', 'POST /plain?a=b HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody'],
    ['another method', 'PUT /plain HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody'],
    ['chunks', `${POST}transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`],
    ['a connection that ends', post('body', 'connection: close\r\n')],
    ['a long head', post('body', `x-a: ${'a'.repeat(2_000)}\r\n`)],
  ])('%s', async (_name, bytes) => {
    client.write(bytes);
    await hears('body');
    expect(heard).toContain('x-by: node');
    expect(served).toEqual([]);
  });

  it('a head that comes in pieces, byte for byte', async () => {
    for (const character of post('body')) {
      client.write(character);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await hears('body');
    expect(heard).toContain('x-by: node');
  });

  it('the connection with all that was sent, and for good', async () => {
    client.write(post('first') + post('second', 'x-a: 1\r\nX-A: 2\r\n') + post('third'));
    await hears('third');
    client.write(post('fourth'));
    await hears('fourth');
    expect(heard.match(/x-by: \w+|first|second|third|fourth/g)).toEqual([
      'x-by: plain',
      'first',
      ...['second', 'third', 'fourth'].flatMap((body) => ['x-by: node', body]),
    ]);
    expect(served).toEqual(['first']);
  });

  it('a large body behind a head that is not plain', async () => {
    const body = `${'a'.repeat(700_000)}end`;
    client.write(post('first') + post(body, 'te: trailers\r\n'));
    await hears('end');
    expect(heard.endsWith(body) || heard.includes(`${body}\r\n0`)).toBe(true);
  });
});

describe('clients that are slow, or leave', () => {
  it('silence: 408', async () => {
    await once(client, 'end');
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('a body that does not come: 408, and whoever waits for it is told', async () => {
    client.write(`${POST}content-length: 4\r\n\r\nbo`);
    await once(client, 'end');
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(served).toEqual(['request_timeout']);
  });

  it('a half that is closed inside a body: 400', async () => {
    client.end(`${POST}content-length: 4\r\n\r\nbo`);
    await once(client, 'end');
    expect(heard).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('a half that is closed before the reply: the reply, then the end', async () => {
    respond = (exchange, body) => setTimeout(() => exchange.send(200, [], body), 80);
    client.end(post('patient'));
    await once(client, 'end');
    expect(heard).toMatch(/^(?:HTTP\/1\.1 102 Processing\r\n\r\n)+HTTP\/1\.1 200 .*patient$/s);
  });

  it('one that leaves before its reply is noticed, and what is sent to it goes nowhere', async () => {
    const gone = Promise.withResolvers<boolean>();
    respond = (exchange) => {
      exchange.onGone(() => {
        exchange.send(200, [], 'late');
        gone.resolve(exchange.gone);
      });
      client.resetAndDestroy();
    };
    client.write(post('leave'));
    expect(await gone.promise).toBe(true);
  });

  it('what is no request behind one that is served ends both', async () => {
    respond = () => undefined;
    client.write(`${post('first')}no request\r\n\r\n`);
    await once(client, 'end');
    expect(heard).toMatch(/^HTTP\/1\.1 400 /);
  });
});
