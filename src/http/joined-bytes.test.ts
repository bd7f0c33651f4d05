import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeJoined } from './joined-bytes.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  ({ port } = address);
});
afterEach(() => server.close());

async function openPair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const accepted = once(server, 'connection');
  const far = connect(port, '127.0.0.1').pause();
  const [near] = (await accepted) as [Socket];
  return { near, far };
}

async function textOf(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

describe('writeJoined', () => {
  it.each([1, 50_000, 140_000])(
    'keeps what is written to several sockets apart, read at once or later: %d bytes',
    async (size) => {
      const pairs = [await openPair(), await openPair(), await openPair()] as const;
      const eager = textOf(pairs[0].far.resume());
      const letters = 'abcdefghijklmnopqrstuvwxyz'.repeat(4).split('');
      for (const letter of letters) {
        pairs.forEach(({ near }, at) => {
          const bytes = Buffer.alloc(size, letter);
          writeJoined(near, bytes, { before: `<${at}>`, behind: '\n' });
          bytes.fill('!');
        });
        // The first is read meanwhile, so that it takes more at once when the others do not any more.
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(pairs[1].near.writableLength > 0).toBe(size > 1);
      for (const { near } of pairs) near.end();
      const texts = await Promise.all([eager, ...pairs.slice(1).map(({ far }) => textOf(far))]);
      for (const [at, text] of texts.entries()) {
        const wanted = letters.map((letter) => `<${at}>${letter.repeat(size)}\n`).join('');
        expect(text === wanted).toBe(true);
      }
    },
  );

  it('says as the socket does whether to go on', async () => {
    const { near, far } = await openPair();
    const bytes = Buffer.alloc(64 * 1024, 'x');
    const around = { before: '', behind: '' };
    expect(writeJoined(near, Buffer.from('x'), around)).toBe(true);
    while (near.writableLength === 0) writeJoined(near, bytes, around);
    while (!near.writableNeedDrain) writeJoined(near, bytes, around);
    expect(writeJoined(near, bytes, around)).toBe(false);
    far.destroy();
    near.destroy();
  });
});
