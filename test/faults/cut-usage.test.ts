/**
 * A stream that breaks off after a provider has counted the prompt and before it has counted the answer, as Gemini
 * counts (recorded): what was delivered is booked, and says that it is an estimate.
 *
 * @module
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createCustomerKey,
  requestOf,
  startTestGateway,
  verifyLedger,
  type CustomerKey,
  type TestGateway,
} from '../support/running-gateway.ts';

const MODEL = 'gemini-2.5-flash';
/** 80 bytes of text: twenty tokens by the gateway's rule. */
const TEXT = 'word '.repeat(16);

/** What the upstream sends before it waits to be broken off. */
let told = '';
let open: ServerResponse | null = null;
const upstream = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(told);
  open = response;
});
let gateway: TestGateway;
let key: CustomerKey;
beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  gateway = await startTestGateway({
    environment: { GEMINI_API_KEY: 'key', GEMINI_BASE_URL: `http://127.0.0.1:${port}` },
  });
  key = await createCustomerKey(gateway);
});
afterAll(async () => {
  await gateway.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

function chunk(text: string, usageMetadata: object): string {
  const candidates = [{ content: { role: 'model', parts: [{ text }] } }];
  return `data: ${JSON.stringify({ candidates, usageMetadata, modelVersion: MODEL })}\r\n\r\n`;
}

/** Streams an answer that breaks off once its text has arrived, and returns how it was booked. */
async function cutAfter(usageMetadata: object) {
  told = chunk(TEXT, usageMetadata);
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `gemini/${MODEL}`,
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    }),
  });
  let text = '';
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString();
    if (text.includes(TEXT)) open?.destroy();
  }
  expect(text).toContain('stream_interrupted');
  const booked = await requestOf(gateway, response.headers.get('x-request-id') ?? '');
  expect(booked.hold?.state).toBe('settled');
  expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0 });
  return booked;
}

describe('an answer that was not counted', () => {
  it('is booked by what was delivered, beside the prompt that was counted', async () => {
    const booked = await cutAfter({ promptTokenCount: 9, totalTokenCount: 9 });
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 20 },
      estimated: true,
    });
  });

  it('is booked beside thoughts that were counted and not shown', async () => {
    const counts = { promptTokenCount: 9, thoughtsTokenCount: 300, totalTokenCount: 309 };
    const booked = await cutAfter(counts);
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 20, reasoning_tokens: 300 },
      estimated: true,
    });
  });

  it('is booked as counted so far where it was', async () => {
    const counts = { promptTokenCount: 9, candidatesTokenCount: 17, totalTokenCount: 26 };
    const booked = await cutAfter(counts);
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 17 },
      estimated: false,
    });
  });
});
