/**
 * Refusals of a provider whose body breaks off or cannot be decoded: the head has said what they are.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, openLab, type Lab } from '../support/lab.ts';

let lab: Lab;
let server: Server;
/** What the provider writes, before it closes the connection. */
let reply = Buffer.alloc(0);
let day = 9;

/** A model that no other call uses: one that was limited is spared later. */
function nextModel(): string {
  day += 1;
  return `openai/gpt-4o-mini-2024-01-${day}`;
}

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(reply));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  lab = await openLab({ environment: { OPENAI_BASE_URL: `http://127.0.0.1:${port}` } });
});
afterAll(async () => {
  await lab.close();
  server.close();
});

describe.each([false, true])('streamed: %s', (stream) => {
  const said = JSON.stringify({ error: { message: 'no such voice', param: 'voice' } });
  it.each([
    ['cut short', 'content-length: 1000', Buffer.from(said)],
    ['cut gzip', 'content-encoding: gzip', gzipSync(said).subarray(0, -9)],
    ['an encoding that it has not', 'content-encoding: br', Buffer.from(said)],
    ['an encoding of its own', 'content-encoding: own', Buffer.from(said)],
  ])('%s', async (_name, header, body) => {
    for (const [status, code] of [
      [400, 'invalid_request'],
      [429, 'provider_rate_limited'],
    ] as const) {
      reply = Buffer.concat([Buffer.from(`HTTP/1.1 ${status} No\r\n${header}\r\n\r\n`), body]);
      const call = await lab.call('/v1/chat/completions', {
        body: chatBody(nextModel(), { stream }),
      });
      expect(call.error['code']).toBe(code);
    }
    expect(await lab.openHolds()).toBe(0);
  });
});
