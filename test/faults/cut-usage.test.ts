/**
 * A stream that breaks off after a provider has counted the prompt and before it has counted the answer, as Gemini
 * counts (recorded): what was delivered is booked, and says that it is an estimate.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplayUpstream, type ReplayUpstream } from '../support/replay-upstream.ts';
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

let upstream: ReplayUpstream;
let gateway: TestGateway;
let key: CustomerKey;
beforeAll(async () => {
  upstream = await startReplayUpstream();
  gateway = await startTestGateway({
    environment: { GEMINI_API_KEY: 'key', GEMINI_BASE_URL: `${upstream.url}/gemini` },
  });
  key = await createCustomerKey(gateway);
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

function chunk(text: string, usageMetadata: object, more: object = {}): string {
  const candidate = { content: { role: 'model', parts: [{ text }] }, ...more };
  return `data: ${JSON.stringify({ candidates: [candidate], usageMetadata, modelVersion: MODEL })}\r\n\r\n`;
}

/** Streams an answer that breaks off before its last chunk, and returns how it was booked. */
async function cutAfter(chunks: readonly string[]) {
  const last = chunk(
    '',
    { promptTokenCount: 9, candidatesTokenCount: 99 },
    { finishReason: 'STOP' },
  );
  const told = chunks.join('');
  upstream.serve(
    {},
    {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: Buffer.from(told + last),
      delivery: { mode: 'paced', pauseMs: 30 },
      // Inside the last chunk: what came before has gone out by then.
      resetAfterBytes: Buffer.byteLength(told) + 5,
    },
  );
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `gemini/${MODEL}`,
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    }),
  });
  expect(await response.text()).toContain('stream_interrupted');
  const booked = await requestOf(gateway, response.headers.get('x-request-id') ?? '');
  expect(booked.hold?.state).toBe('settled');
  expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0 });
  return booked;
}

describe('an answer that was not counted', () => {
  it('is booked by what was delivered, beside the prompt that was counted', async () => {
    const booked = await cutAfter([chunk(TEXT, { promptTokenCount: 9, totalTokenCount: 9 })]);
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 20 },
      estimated: true,
    });
  });

  it('is booked beside thoughts that were counted and not shown', async () => {
    const counts = { promptTokenCount: 9, thoughtsTokenCount: 300, totalTokenCount: 309 };
    const booked = await cutAfter([chunk(TEXT, counts)]);
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 20, reasoning_tokens: 300 },
      estimated: true,
    });
  });

  it('is booked as counted so far where it was', async () => {
    const counts = { promptTokenCount: 9, candidatesTokenCount: 17, totalTokenCount: 26 };
    const booked = await cutAfter([chunk(TEXT, counts)]);
    expect(booked).toMatchObject({
      usage: { input_text_tokens: 9, output_text_tokens: 17 },
      estimated: false,
    });
  });
});
