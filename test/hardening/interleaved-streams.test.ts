/**
 * Many streams at once, whose bytes come in pieces cut anywhere: every client gets its own, whole and in order, whether
 * it reads at once or late, with a key that has the answer kept or without.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/running-gateway.ts';

const FRAMES = 300;
const STREAMS = 16;

/** Every frame says whose it is. */
const chunk = (id: string, delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const roleFrame = (name: string): string => chunk(name, { role: 'assistant', content: '' }, null);
const contentFrame = (name: string, at: number): string =>
  chunk(name, { content: `${name} ${at};` }, null);

function wireOf(name: string): Buffer {
  const frames = [
    roleFrame(name),
    ...Array.from({ length: FRAMES }, (_, at) => contentFrame(name, at)),
    chunk(name, {}, 'stop'),
    'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":300,"total_tokens":303}}\n\n',
    'data: [DONE]\n\n',
  ];
  const body = frames
    .map((frame) => `${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`)
    .join('');
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${body}0\r\n\r\n`,
  );
}

/** Writes all waiting answers by turns: up to where content begins, then a piece of another length each time. */
async function writeByTurns(answers: { socket: Socket; wire: Buffer }[]): Promise<void> {
  let turn = 0;
  while (answers.some(({ wire }) => wire.length > 0)) {
    for (const answer of answers) {
      turn += 1;
      const length =
        turn <= STREAMS ? answer.wire.indexOf('"content":"s') : 1 + ((turn * 7_919) % 23_000);
      answer.socket.write(answer.wire.subarray(0, length));
      answer.wire = answer.wire.subarray(length);
    }
    await new Promise((resolve) => setTimeout(resolve, turn === STREAMS ? 50 : 1));
  }
}

let provider: Server;
let gateway: TestGateway;

beforeEach(async () => {
  const answers: { socket: Socket; wire: Buffer }[] = [];
  provider = createServer((socket) => {
    let heard = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
      const name = /stream-\d+\b/.exec(heard)?.[0];
      if (name === undefined || !heard.endsWith('}')) return;
      heard = '';
      answers.push({ socket, wire: wireOf(name) });
      if (answers.length === STREAMS) void writeByTurns(answers.splice(0));
    });
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const address = provider.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  gateway = await startTestGateway({
    environment: {
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: `http://127.0.0.1:${address.port}`,
    },
  });
});
afterEach(async () => {
  await gateway.stop();
  provider.close();
});

async function ask(name: string, at: number): Promise<string> {
  const isKept = at % 3 === 0;
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.apiKey}`,
      'content-type': 'application/json',
      ...(isKept ? { 'idempotency-key': name } : {}),
    },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: name }],
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (at % 4 === 1) await new Promise((resolve) => setTimeout(resolve, 300));
  return await response.text();
}

describe('streams that come at once', () => {
  it('reach each client as they were sent, and once more where they are kept', async () => {
    const names = Array.from({ length: STREAMS }, (_, at) => `stream-${at}`);
    const texts = await Promise.all(names.map(ask));
    names.forEach((name, at) => {
      const content = Array.from({ length: FRAMES }, (_, place) => contentFrame(name, place));
      expect(texts[at]?.startsWith(roleFrame(name) + content.join(''))).toBe(true);
      expect(texts[at]?.match(/"content":"s/g)).toHaveLength(FRAMES);
      expect(texts[at]?.endsWith('data: [DONE]\n\n')).toBe(true);
    });
    const kept = names.flatMap((name, at) => (at % 3 === 0 ? [{ name, at }] : []));
    const again = await Promise.all(kept.map(({ name, at }) => ask(name, at)));
    expect(again).toEqual(kept.map(({ at }) => texts[at]));
  });
});
