import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createSecureServer,
  getCACertificates,
  setDefaultCACertificates,
} from 'node:tls';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { WireRequest } from '../contracts/wire.ts';
import { TransportFailure } from './transport-failure.ts';
import { type ReplySink, Upstream, type UpstreamCall } from './upstream.ts';

const REQUEST: WireRequest = {
  method: 'POST',
  path: '/v1/chat',
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk' },
  body: Buffer.from('{"a":1}'),
};
const REPLY = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Of a server at 127.0.0.1 whom nobody else vouches for; valid for a hundred years. */
const IDENTITY = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwNG9GZQspUrQzfRZ
xYw5nzxzOp0CW2hYPnMvAGbI252hRANCAAT2m/BZUSCHVofPcBrSv1aOCc6pUYa4
W0HpmFIXG/zarp1I7mbm4UDZFVz8rKklW8AKFqmrq0dco6EFkHXtSu+b
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIULXRbQ7yOE6R1nuJyR3WfpYxz5lgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyNzExNDk1MVoYDzIxMjYxMTAz
MTE0OTUxWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT2m/BZUSCHVofPcBrSv1aOCc6pUYa4W0HpmFIXG/zarp1I7mbm4UDZ
FVz8rKklW8AKFqmrq0dco6EFkHXtSu+bo2QwYjAdBgNVHQ4EFgQUmv5YKetFrSMB
XG+avE+4kMv7b0YwHwYDVR0jBBgwFoAUmv5YKetFrSMBXG+avE+4kMv7b0YwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IHZjfl7PG1PkCufGbTE71nQ1x1Vcpu4DFz/a9sQoC8m2AiEA7Zw0aJDE0TJiYR7T
Wd138YNuj2P9CbhTYqnzQxIWaOI=
-----END CERTIFICATE-----
`,
};

/** What a call has brought so far. */
class Seen implements ReplySink {
  readonly log: string[] = [];
  bytes = 0;
  readonly #ended = Promise.withResolvers<string>();
  readonly ended = this.#ended.promise;

  onHead(status: number): void {
    this.log.push(String(status));
  }

  onData(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes < 1_000) this.log.push(chunk.toString());
  }

  onEnd(): void {
    this.#ended.resolve('end');
  }

  onFailure(failure: TransportFailure): void {
    this.#ended.resolve(failure.message);
  }
}

type Handler = (socket: Socket, request: string, connection: number) => void;

class Lab {
  readonly upstream: Upstream;
  readonly server: Server;
  readonly sockets: Socket[] = [];
  connections = 0;
  origin = '';

  constructor(handler: Handler, options: { readonly max?: number; readonly server?: Server } = {}) {
    this.upstream = new Upstream({
      connectTimeoutMs: 2_000,
      maxConnectionsPerOrigin: options.max ?? 8,
    });
    this.server = options.server ?? createServer();
    const event = options.server === undefined ? 'connection' : 'secureConnection';
    this.server.on(event, (socket: Socket) => {
      this.connections += 1;
      const connection = this.connections;
      this.sockets.push(socket);
      socket.on('error', () => socket.destroy());
      let text = '';
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
        // Every request here ends with its body.
        if (!text.endsWith('{"a":1}')) return;
        const request = text;
        text = '';
        handler(socket, request, connection);
      });
    });
  }

  async open(scheme = 'http'): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.origin = `${scheme}://127.0.0.1:${address.port}`;
  }

  call(request: WireRequest = REQUEST, base = ''): { sink: Seen; call: UpstreamCall } {
    const sink = new Seen();
    return { sink, call: this.upstream.call(this.origin + base, request, sink) };
  }

  async close(): Promise<void> {
    this.upstream.close();
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

let lab: Lab;
const openLab = async (handler: Handler, options?: { readonly max?: number }): Promise<Lab> => {
  lab = new Lab(handler, options);
  await lab.open();
  return lab;
};
afterEach(async () => {
  await lab.close();
});

const letterOf = (place: number): string => String.fromCharCode(0x40 + place);

/** The body of a call that is paused for a moment after every piece, where it `halts`. */
async function haltingBody(halts: boolean): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const pieces: Buffer[] = [];
  const call = lab.upstream.call(lab.origin, REQUEST, {
    onHead: () => undefined,
    onData(piece) {
      pieces.push(Buffer.from(piece));
      if (!halts) return;
      call.pause();
      setImmediate(() => call.resume());
    },
    onEnd: () => resolve(Buffer.concat(pieces).toString('latin1')),
    onFailure: reject,
  });
  return await promise;
}

const cancelled = new TransportFailure({ kind: 'cancelled', code: 'TEST', replyStarted: false });

describe('Upstream', () => {
  it('writes what was asked for and uses the connection again', async () => {
    const requests: string[] = [];
    await openLab((socket, request) => {
      requests.push(request);
      socket.write(REPLY);
    });
    for (let n = 0; n < 3; n += 1) {
      const { sink } = lab.call(REQUEST, '/base/');
      expect(await sink.ended).toBe('end');
      expect(sink.log).toEqual(['200', 'ok']);
    }
    expect(lab.connections).toBe(1);
    expect(requests[2]).toBe(
      `POST /base/v1/chat HTTP/1.1\r\nhost: ${new URL(lab.origin).host}\r\nconnection: keep-alive\r\n` +
        'content-type: application/json\r\nauthorization: Bearer sk\r\ncontent-length: 7\r\n\r\n{"a":1}',
    );
  });

  it('knows whether a request was sent to its end when its reply came', async () => {
    await openLab((socket) => socket.write(REPLY));
    const whole = lab.call();
    expect(whole.call.isSentWhole).toBe(false);
    await whole.sink.ended;
    expect(whole.call.isSentWhole).toBe(true);
    await lab.close();
    await openLab(() => undefined);
    lab.server.on('connection', (socket) => socket.once('data', () => socket.pause().write(REPLY)));
    const early = lab.call({ ...REQUEST, body: Buffer.alloc(64 * 1024 * 1024) });
    expect(await early.sink.ended).toBe('end');
    expect(early.call.isSentWhole).toBe(false);
  });

  it('writes a body in pieces with the length of all', async () => {
    const requests: string[] = [];
    await openLab((socket, request) => {
      requests.push(request);
      socket.write(REPLY);
    });
    const bodyPieces = ['[é,', '', '{"a":1}'].map((text) => Buffer.from(text));
    expect(await lab.call({ ...REQUEST, body: null, bodyPieces }).sink.ended).toBe('end');
    expect(requests[0]?.split('content-length: ')[1]).toBe('11\r\n\r\n[Ã©,{"a":1}');
  });

  it('writes a body that is a text byte by byte', async () => {
    const requests: string[] = [];
    await openLab((socket, request) => {
      requests.push(request);
      socket.write(REPLY);
    });
    const bodyText = Buffer.from('["é",{"a":1}').toString('latin1');
    expect(await lab.call({ ...REQUEST, body: null, bodyText }).sink.ended).toBe('end');
    expect(requests[0]?.split('content-length: ')[1]).toBe('13\r\n\r\n["Ã©",{"a":1}');
  });

  it.each([
    ['says that it closes', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['brings bytes behind its reply', `${REPLY}HTTP/1.1 200 OK\r\n`],
  ])('takes another connection after one that %s', async (_name, reply) => {
    await openLab((socket) => socket.write(reply));
    expect(await lab.call().sink.ended).toBe('end');
    expect(await lab.call().sink.ended).toBe('end');
    expect(lab.connections).toBe(2);
  });

  it('gives up a connection that speaks while nobody has asked', async () => {
    await openLab((socket) => socket.write(REPLY));
    expect(await lab.call().sink.ended).toBe('end');
    const [socket] = lab.sockets;
    socket?.write(REPLY);
    if (socket !== undefined) await once(socket, 'close');
    const { sink } = lab.call();
    expect(await sink.ended).toBe('end');
    expect([lab.connections, sink.log]).toEqual([2, ['200', 'ok']]);
  });

  it('reads a reply up to the end of its connection', async () => {
    await openLab((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'));
    const { sink } = lab.call();
    expect([await sink.ended, sink.log]).toEqual(['end', ['200', 'to the end']]);
  });

  it.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'reset: ECONNRESET'],
    ['closes', (socket: Socket) => socket.end(), 'reset: REPLY_CUT_SHORT'],
    [
      'cuts the reply short',
      (socket: Socket) => socket.end(REPLY.slice(0, -1)),
      'reset: REPLY_CUT_SHORT',
    ],
    [
      'makes no sense',
      (socket: Socket) => void socket.write('nonsense\r\n\r\n'),
      'reset: INVALID_REPLY',
    ],
  ])('fails a call whose connection %s', async (_name, answer, expected) => {
    await openLab((socket) => answer(socket));
    expect(await lab.call().sink.ended).toBe(expected);
  });

  it('says that nothing was sent where there is no connection', async () => {
    await openLab(() => undefined);
    lab.server.close();
    const { sink, call } = lab.call();
    expect(await sink.ended).toBe('not_sent: ECONNREFUSED');
    expect(call.sent).toBe(false);
    await lab.open();
  });

  it('tells every call, beyond the most connections too, and none for one that was cancelled', async () => {
    await openLab(() => undefined, { max: 1 });
    lab.server.close();
    const calls = Array.from({ length: 5 }, () => lab.call());
    calls[1]?.call.cancel(cancelled);
    expect(await Promise.all(calls.map(({ sink }) => sink.ended))).toEqual([
      'not_sent: ECONNREFUSED',
      'cancelled: TEST',
      'not_sent: ECONNREFUSED',
      'not_sent: ECONNREFUSED',
      'not_sent: ECONNREFUSED',
    ]);
    await lab.open();
  });

  it('fails what runs and what waits when it is closed', async () => {
    await openLab(() => undefined, { max: 1 });
    const calls = [lab.call(), lab.call(), lab.call()];
    await expect.poll(() => calls[0]?.call.sent).toBe(true);
    lab.upstream.close();
    expect(await Promise.all(calls.map(({ sink }) => sink.ended))).toEqual([
      'reset: CLOSED_BY_PEER',
      'not_sent: CLOSED_BY_PEER',
      'not_sent: CLOSED_BY_PEER',
    ]);
  });

  it('goes on with whoever waits when the connection before is lost', async () => {
    await openLab(
      (socket, _request, connection) => {
        if (connection === 1) socket.resetAndDestroy();
        else socket.write(REPLY);
      },
      { max: 1 },
    );
    const [first, second, third] = [lab.call(), lab.call(), lab.call()];
    second.call.cancel(cancelled);
    expect(await first.sink.ended).toBe('reset: ECONNRESET');
    expect(await third.sink.ended).toBe('end');
  });

  it('refuses headers and paths that would be read as something else', async () => {
    await openLab((socket) => socket.write(REPLY));
    for (const request of [
      { ...REQUEST, headers: { a: 'b\r\nc: d' } },
      { ...REQUEST, headers: { 'a b': 'c' } },
      { ...REQUEST, path: '/a b' },
      { ...REQUEST, path: '/a\r\nb' },
    ]) {
      expect(await lab.call(request).sink.ended).toBe('not_sent: INVALID_REQUEST');
    }
    expect(lab.connections).toBe(0);
  });

  it('holds calls back beyond the most connections, and sends none that was cancelled meanwhile', async () => {
    const seen: number[] = [];
    const waiting: Socket[] = [];
    await openLab(
      (socket, _request, connection) => {
        seen.push(connection);
        waiting.push(socket);
      },
      { max: 1 },
    );
    const [first, second, third] = [lab.call(), lab.call(), lab.call()];
    second.call.cancel(cancelled);
    expect(await second.sink.ended).toBe('cancelled: TEST');
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.write(REPLY);
    expect(await first.sink.ended).toBe('end');
    await expect.poll(() => waiting.length).toBe(2);
    waiting[1]?.write(REPLY);
    expect(await third.sink.ended).toBe('end');
    expect([seen, second.call.sent]).toEqual([[1, 1], false]);
  });

  it('closes the connection of a call that is cancelled', async () => {
    const closed = Promise.withResolvers<void>();
    await openLab((socket) => {
      socket.on('close', () => closed.resolve());
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
    });
    const { sink, call } = lab.call();
    await expect.poll(() => sink.log).toEqual(['200', 'ok']);
    call.cancel(cancelled);
    call.cancel(cancelled);
    expect(await sink.ended).toBe('cancelled: TEST');
    await closed.promise;
    expect(lab.call().call.sent).toBe(false);
  });

  it('makes the other side wait while the call is paused', async () => {
    const size = 32 * 1024 * 1024;
    let written = false;
    await openLab((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size), () => (written = true));
    });
    const { sink, call } = lab.call();
    call.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([sink.bytes, written]).toEqual([0, false]);
    call.resume();
    expect(await sink.ended).toBe('end');
    expect(sink.bytes).toBe(size);
    expect(await lab.call().sink.ended).toBe('end');
    expect(lab.connections).toBe(1);
  });

  it.each(['http', 'https'])(
    'keeps replies apart that come at once, paused or not: %s',
    async (scheme) => {
      const size = 300 * 1024;
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`;
      let asked = 0;
      lab = new Lab(
        (socket) => socket.write(head + letterOf((asked += 1)).repeat(size)),
        scheme === 'https' ? { server: createSecureServer(IDENTITY) } : {},
      );
      await lab.open(scheme);
      const usual = getCACertificates('default');
      setDefaultCACertificates([IDENTITY.cert]);
      try {
        const bodies = await Promise.all(
          Array.from({ length: 6 }, (_, at) => haltingBody(at % 2 === 1)),
        );
        const letters = bodies.map((body) => body.slice(0, 1));
        expect(letters.toSorted()).toEqual([1, 2, 3, 4, 5, 6].map(letterOf));
        expect(bodies).toEqual(letters.map((letter) => letter.repeat(size)));
      } finally {
        setDefaultCACertificates(usual);
      }
    },
  );

  it('speaks TLS with who proves to be the one, and with nobody else', async () => {
    lab = new Lab((socket) => socket.write(REPLY), { server: createSecureServer(IDENTITY) });
    await lab.open('https');
    expect(await lab.call().sink.ended).toMatch(/^not_sent: .*SELF_SIGNED/);
    const usual = getCACertificates('default');
    setDefaultCACertificates([IDENTITY.cert]);
    try {
      expect(await lab.call().sink.ended).toBe('end');
      expect(await lab.call().sink.ended).toBe('end');
    } finally {
      setDefaultCACertificates(usual);
    }
    expect(lab.connections).toBe(1);
  });
});

describe('encoded bodies', () => {
  const text = 'wörter '.repeat(50);
  const reply = (encoding: string, body: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]);

  it.each([
    ['GZIP', gzipSync(text)],
    ['gzip', Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))])],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['Identity', Buffer.from(text)],
  ])('are read: %s', async (encoding, body) => {
    await openLab((socket) => socket.write(reply(encoding, body)));
    const { sink } = lab.call();
    expect(await sink.ended).toBe('end');
    expect(sink.log).toEqual(['200', text]);
  });

  it('are decoded no further than they are taken', async () => {
    const bytes = 40 * 1024 * 1024;
    await openLab((socket) => socket.write(reply('gzip', gzipSync(Buffer.alloc(bytes, 'x')))));
    const sink = new Seen();
    const begun = Promise.withResolvers<null>();
    sink.onData = (chunk) => {
      if (sink.bytes === 0) {
        call.pause();
        begun.resolve(null);
      }
      sink.bytes += chunk.length;
    };
    const call = lab.upstream.call(lab.origin, REQUEST, sink);
    await begun.promise;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sink.bytes).toBeLessThan(bytes / 10);
    call.resume();
    expect([await sink.ended, sink.bytes]).toEqual(['end', bytes]);
    const next = lab.call();
    await expect.poll(() => next.sink.bytes).toBeGreaterThan(0);
    expect(lab.connections).toBe(1);
  });

  it('are empty where nothing comes', async () => {
    await openLab((socket) => socket.write(reply('gzip', Buffer.alloc(0))));
    const { sink } = lab.call();
    expect([await sink.ended, sink.log]).toEqual(['end', ['200']]);
  });

  it.each(['onData', 'onEnd'] as const)(
    'end the call, and nothing else, where what reads them throws (%s)',
    async (method) => {
      await openLab((socket) => socket.write(reply('gzip', gzipSync(text))));
      const sink = new Seen();
      sink[method] = () => {
        throw new TypeError('not to be read');
      };
      lab.upstream.call(lab.origin, REQUEST, sink);
      expect(await sink.ended).toBe('undecodable: TypeError');
    },
  );

  it('tells whoever waits for a plain body, too, when its end cannot be taken', async () => {
    await openLab((socket) => socket.write(REPLY));
    const sink = new Seen();
    sink.onEnd = () => {
      throw new TypeError('not to be read');
    };
    lab.upstream.call(lab.origin, REQUEST, sink);
    expect(await sink.ended).toBe('undecodable: TypeError');
  });
});
