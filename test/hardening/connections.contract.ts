/**
 * HTTP/1.1 over real sockets (reliability §4.4): framing that two readers could read differently is refused, slow
 * and half-closed clients are dealt with, and what one connection does is no other's concern. Holds for whatever reads
 * the connection.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, eventually, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { rawCall, RawConnection } from './raw-connection.ts';

const PATH = '/v1/chat/completions';
const KEY = `authorization: Bearer ${SERVICE_KEY}\r\n`;
const HEAD = `host: gateway\r\n${KEY}content-type: application/json\r\n`;
const BODY = JSON.stringify(chatBody('openai/gpt-4o-mini'));
const LENGTH = `content-length: ${BODY.length}\r\n`;
const POST = `POST ${PATH} HTTP/1.1\r\n${HEAD}`;
/** A request that would be the smuggled one. */
const SMUGGLED = `GET /v1/me HTTP/1.1\r\n${HEAD}\r\n`;

/** @param front what reads plain posts */
export function describeConnections(front: 'plain' | 'node'): void {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({ front });
  });
  afterEach(async () => {
    lab.simulator.reset();
    expect(await lab.openHolds()).toBe(0);
  });
  afterAll(() => lab.close());

  describe('F47: smuggling', () => {
    const chunked = '0\r\n\r\n';
    it.each([
      ['a length and chunks', `${POST}${LENGTH}transfer-encoding: chunked\r\n\r\n${chunked}`],
      ['chunks and a length', `${POST}transfer-encoding: chunked\r\n${LENGTH}\r\n${chunked}`],
      ['two lengths', `${POST}${LENGTH}content-length: 0\r\n\r\n${BODY}`],
      ['the same length twice', `${POST}${LENGTH}${LENGTH}\r\n${BODY}`],
      ['a list of lengths', `${POST}content-length: ${BODY.length}, ${BODY.length}\r\n\r\n${BODY}`],
      ['a signed length', `${POST}content-length: +${BODY.length}\r\n\r\n${BODY}`],
      ['a negative length', `${POST}content-length: -1\r\n\r\n${BODY}`],
      ['a length in hexadecimal', `${POST}content-length: 0x10\r\n\r\n${BODY}`],
      ['a length beyond all numbers', `${POST}content-length: ${'9'.repeat(40)}\r\n\r\n${BODY}`],
      ['a space before the colon', `${POST}content-length : 5\r\n\r\n${BODY}`],
      [
        'chunks with a space before the colon',
        `${POST}transfer-encoding : chunked\r\n\r\n${chunked}`,
      ],
      [
        'a coding that only looks like chunks',
        `${POST}transfer-encoding: xchunked\r\n\r\n${chunked}`,
      ],
      [
        'a vertical tab before the coding',
        `${POST}transfer-encoding: \x0bchunked\r\n\r\n${chunked}`,
      ],
      ['chunks that are not last', `${POST}transfer-encoding: chunked, identity\r\n\r\n${chunked}`],
      [
        'two codings',
        `${POST}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunked}`,
      ],
      ['a folded header', `${POST}x-a: 1\r\n transfer-encoding: chunked\r\n${LENGTH}\r\n${BODY}`],
      ['lines that end in LF', `${POST}${LENGTH}\r\n${BODY}`.replaceAll('\r', '')],
      ['one line that ends in LF', `${POST}x-a: 1\nx-b: 2\r\n${LENGTH}\r\n${BODY}`],
      ['a CR inside a line', `${POST}x-a: 1\rx-b: 2\r\n${LENGTH}\r\n${BODY}`],
      ['a NUL in a header', `${POST}x-a: 1\0\r\n${LENGTH}\r\n${BODY}`],
      ['a header without a name', `${POST}: 1\r\n${LENGTH}\r\n${BODY}`],
      [
        'a chunk size beyond all numbers',
        `${POST}transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n`,
      ],
      ['a chunk size with a sign', `${POST}transfer-encoding: chunked\r\n\r\n-1\r\n\r\n`],
      ['chunks that end in LF', `${POST}transfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n`],
      ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a version that is none', 'GET / HTTP/9.9\r\n\r\n'],
    ])('%s: 400 and close, and what follows is not read', async (_name, bytes) => {
      const reply = await rawCall(lab.port, bytes + SMUGGLED);
      expect(reply).toMatchObject({ status: 400, closed: true });
      expect(reply.headers['connection']).toBe('close');
      expect(reply.headers['x-request-id']).toMatch(/^req_/);
      expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'invalid_request' } });
      expect(lab.simulator.log).toHaveLength(0);
    });

    it('a coding that is not understood: 400', async () => {
      const reply = await rawCall(
        lab.port,
        `${POST}transfer-encoding: gzip, chunked\r\n\r\n${chunked}`,
      );
      expect(reply.status).toBe(400);
      expect(JSON.parse(reply.body)).toMatchObject({ error: { param: 'transfer-encoding' } });
    });

    it('no host: 400 and close', async () => {
      const reply = await rawCall(lab.port, `POST ${PATH} HTTP/1.1\r\n${KEY}${LENGTH}\r\n${BODY}`);
      expect(reply).toMatchObject({ status: 400, closed: true });
    });

    it('headers beyond the limit: 431 and close', async () => {
      const many = Array.from({ length: 3_000 }, (_, index) => `a${index}: 1\r\n`).join('');
      for (const more of [`x-a: ${'a'.repeat(20_000)}\r\n`, many]) {
        const reply = await rawCall(lab.port, `GET /v1/me HTTP/1.1\r\n${HEAD}${more}\r\n`);
        expect(reply).toMatchObject({ status: 431, closed: true });
      }
    });
  });

  describe('F46: what HTTP/1.1 allows', () => {
    it('pipelining: replies come whole and in order', async () => {
      const connection = await RawConnection.open(lab.port);
      const one = (content: string): string => {
        const body = JSON.stringify({
          model: 'openai/gpt-4o-mini',
          messages: [{ role: 'user', content }],
        });
        return `${POST}content-length: ${body.length}\r\n\r\n${body}`;
      };
      connection.write(one('first') + one('second') + SMUGGLED + one('third'));
      expect((await connection.reply()).body).toContain('first');
      expect((await connection.reply()).body).toContain('second');
      expect((await connection.reply()).body).toContain('"customer"');
      expect((await connection.reply()).body).toContain('third');
      connection.destroy();
    });

    it('F47: junk behind a request whose stream is under way puts no second reply into it', async () => {
      lab.simulator.setFault({ sequence: ['stall-after-3-300'] });
      const connection = await RawConnection.open(lab.port);
      const body = JSON.stringify(chatBody('openai/gpt-4o-mini', { stream: true }));
      connection.write(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
      await connection.heard('data: ');
      connection.write('JUNK\r\n\r\n');
      await connection.closed();
      expect(connection.received.split('HTTP/1.1 ')).toHaveLength(2);
      expect(connection.received).not.toContain('[DONE]');
      connection.destroy();
    });

    it('Expect: 100-continue is told to go on, and then served', async () => {
      const connection = await RawConnection.open(lab.port);
      connection.write(`${POST}${LENGTH}expect: 100-continue\r\n\r\n`);
      expect((await connection.reply()).status).toBe(100);
      connection.write(BODY);
      expect((await connection.reply()).status).toBe(200);
      connection.destroy();
    });

    it('Expect: 100-continue behind a reply that is due puts nothing into either', async () => {
      const connection = await RawConnection.open(lab.port);
      // Chunks: read by node:http, whatever reads plain posts.
      const first = `${POST}transfer-encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
      connection.write(`${first}${POST}${LENGTH}expect: 100-continue\r\n\r\n${BODY}`);
      for (let at = 0; at < 2; at += 1) {
        const { status, body } = await connection.reply();
        expect(status).toBe(200);
        expect(JSON.parse(body)).toHaveProperty('choices');
      }
      expect(connection.received).toBe('');
      connection.destroy();
    });

    it('Expect: 100-continue with a wrong key is refused without the upload', async () => {
      const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\n${LENGTH}expect: 100-continue\r\n\r\n`;
      expect(await rawCall(lab.port, head)).toMatchObject({ status: 401, closed: true });
      const admin = `POST /admin/v1/plans HTTP/1.1\r\nhost: x\r\n${LENGTH}expect: 100-continue\r\n\r\n`;
      expect(await rawCall(lab.port, admin)).toMatchObject({ status: 401, closed: true });
    });

    it('the control plane goes on for Expect: 100-continue', async () => {
      const connection = await RawConnection.open(lab.port);
      const key = `authorization: Bearer ${lab.gateway.adminKey}\r\ncontent-type: application/json\r\n`;
      connection.write(
        `POST /admin/v1/ledger/verify HTTP/1.1\r\nhost: x\r\n${key}content-length: 2\r\nexpect: 100-continue\r\n\r\n`,
      );
      expect((await connection.reply()).status).toBe(100);
      connection.write('{}');
      expect((await connection.reply()).status).toBe(200);
      connection.destroy();
    });

    it('chunk extensions and trailers are read over', async () => {
      const chunks = `${BODY.length.toString(16)};a=b\r\n${BODY}\r\n0\r\nx-trailer: 1\r\n\r\n`;
      const reply = await rawCall(lab.port, `${POST}transfer-encoding: chunked\r\n\r\n${chunks}`);
      expect(reply.status).toBe(200);
    });

    it('a request without a body keeps its connection, whatever it is answered', async () => {
      const connection = await RawConnection.open(lab.port);
      for (const path of ['GET /health/live', 'GET /none', 'DELETE /v1/models', 'GET /v1/me']) {
        connection.write(`${path} HTTP/1.1\r\nhost: gateway\r\n\r\n`);
        const { headers } = await connection.reply();
        expect(headers['connection']).toBe('keep-alive');
      }
      connection.destroy();
    });

    it('HEAD has the head of GET and no body', async () => {
      for (const path of ['/health/live', '/health/ready', '/v1/models', '/metrics']) {
        const connection = await RawConnection.open(lab.port);
        connection.write(`HEAD ${path} HTTP/1.1\r\n${HEAD}\r\nGET /none HTTP/1.1\r\n${HEAD}\r\n`);
        await connection.heard('\r\n\r\nHTTP/1.1 404 ');
        const [head = '', ...rest] = connection.received.split(/(?<=\r\n\r\n)/);
        expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(rest[0]).toMatch(/^HTTP\/1\.1 404 /);
        connection.destroy();
      }
    });

    it('F46: who is refused while still sending gets to read why', async () => {
      const connection = await RawConnection.open(lab.port);
      const length = 8 * 1024 * 1024;
      connection.write(`${POST.replace(SERVICE_KEY, 'wrong')}content-length: ${length}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024, ' ');
      for (let sent = 0; sent < length; sent += piece.length) {
        if (!(await connection.writeAll(piece))) break;
      }
      const reply = await connection.reply();
      expect(reply).toMatchObject({ status: 401, headers: { connection: 'close' } });
      expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'invalid_api_key' } });
      await connection.closed();
      connection.destroy();
    });

    it('an upgrade that is not offered is an ordinary request', async () => {
      const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n';
      const reply = await rawCall(lab.port, `GET /v1/me HTTP/1.1\r\n${HEAD}${upgrade}\r\n`);
      expect(reply.status).toBe(200);
    });

    it('no tunnel and no proxy: CONNECT gets none, an absolute form is no route', async () => {
      const connection = await RawConnection.open(lab.port);
      connection.write(`CONNECT 127.0.0.1:${lab.port} HTTP/1.1\r\n${HEAD}\r\n`);
      await connection.closed();
      expect(connection.received).not.toMatch(/^HTTP\/1\.1 2/);
      connection.destroy();
      const absolute = await rawCall(
        lab.port,
        `GET http://127.0.0.1:${lab.simulator.port}/v1/models HTTP/1.1\r\n${HEAD}\r\n`,
      );
      expect(absolute.status).toBe(404);
      expect(lab.simulator.log).toHaveLength(0);
    });

    it('HTTP/1.0 gets its reply and a closed connection', async () => {
      const bytes = `POST ${PATH} HTTP/1.0\r\n${HEAD}${LENGTH}\r\n${BODY}`;
      expect(await rawCall(lab.port, bytes)).toMatchObject({ status: 200, closed: true });
    });
  });

  describe('F42: a client that has closed its half', () => {
    it.each([false, true])('still gets its whole reply (stream: %s)', async (stream) => {
      lab.simulator.setFault({ sequence: [stream ? 'stall-after-3-100' : 'stall-headers-100'] });
      const connection = await RawConnection.open(lab.port);
      const body = JSON.stringify(chatBody('openai/gpt-4o-mini', { stream }));
      connection.write(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
      if (stream) await connection.heard('data: ');
      connection.halfClose();
      let reply = await connection.reply();
      while (reply.status === 102) reply = await connection.reply();
      expect(reply.status).toBe(200);
      expect(reply.body).toContain(stream ? 'data: [DONE]' : '"finish_reason":"stop"');
      await connection.closed();
      connection.destroy();
    });

    it.each([
      ['before a whole reply', false, 'stall-headers'],
      ['before a stream', true, 'stall-headers'],
      ['in mid-stream', true, 'stall-after-3'],
    ])(
      'F39, F40, F41: one that is gone %s is noticed all the same',
      async (_when, stream, fault) => {
        lab.simulator.setFault({ sequence: [fault] });
        const connection = await RawConnection.open(lab.port);
        const body = JSON.stringify(chatBody('openai/gpt-4o-mini', { stream }));
        connection.write(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
        await eventually(() => lab.simulator.log.length === 1);
        // What has been read leaves the connection with an ordinary end, as of a half.
        if (fault === 'stall-after-3') await connection.heard('data: ');
        connection.destroy();
        await lab.simulator.idle();
        expect(lab.simulator.log[0]).toMatchObject({ clientClosedEarly: true });
      },
    );

    it('F42: all that it had asked for is answered, whatever reads the rest', async () => {
      const connection = await RawConnection.open(lab.port);
      const get = `GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n`;
      const post = `${POST}${LENGTH}\r\n${BODY}`;
      connection.write(post + post + get + post);
      connection.halfClose();
      const statuses: number[] = [];
      while (statuses.length < 4) {
        const { status } = await connection.reply();
        if (status !== 102) statuses.push(status);
      }
      await connection.closed();
      connection.destroy();
      expect([statuses, connection.received]).toEqual([[200, 200, 200, 200], '']);
    });

    it('a half that is closed inside a body is an incomplete request', async () => {
      const connection = await RawConnection.open(lab.port);
      connection.write(`${POST}${LENGTH}\r\n{`);
      connection.halfClose();
      expect((await connection.reply()).status).toBe(400);
      connection.destroy();
    });
  });

  describe('F44: slow clients', () => {
    let impatient: Lab;
    beforeAll(async () => {
      impatient = await openLab({
        front,
        config: 'timeouts:\n  requestHeadersMs: 400ms\n  requestBodyMs: 800ms\n',
      });
    });
    afterEach(async () => {
      expect(await impatient.openHolds()).toBe(0);
    });
    afterAll(() => impatient.close());

    async function healthy(): Promise<void> {
      expect((await impatient.call(PATH, { body: BODY })).status).toBe(200);
    }

    it('headers drop by drop: 408 after the limit, while others are served', async () => {
      const slow = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const connection = await RawConnection.open(impatient.port);
          connection.write(`POST ${PATH} HTTP/1.1\r\n`);
          return connection;
        }),
      );
      const drip = setInterval(() => {
        for (const connection of slow) if (!connection.ended) connection.write('x-a: 1\r\n');
      }, 100);
      try {
        await healthy();
        for (const connection of slow) {
          const reply = await connection.reply();
          expect(reply.status).toBe(408);
          expect(reply.headers['x-should-retry']).toBe('true');
          expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'request_timeout' } });
          await connection.closed();
          connection.destroy();
        }
      } finally {
        clearInterval(drip);
      }
      await healthy();
    });

    it('a body that does not come: 408 after its limit', async () => {
      const connection = await RawConnection.open(impatient.port);
      connection.write(`${POST}${LENGTH}\r\n{`);
      await healthy();
      expect((await connection.reply()).status).toBe(408);
      await connection.closed();
      connection.destroy();
    });

    it('a connection that says nothing is let go', async () => {
      const connection = await RawConnection.open(impatient.port);
      await connection.closed();
      connection.destroy();
    });

    it('clients that leave inside a request leave nothing behind', async () => {
      for (const bytes of [
        '',
        'POST ',
        `${POST}${LENGTH}\r\n`,
        `${POST}${LENGTH}\r\n${BODY.slice(9)}`,
      ]) {
        const connection = await RawConnection.open(impatient.port);
        connection.write(bytes);
        await healthy();
        connection.destroy();
      }
      await healthy();
    });
  });
}
