/**
 * A recording of four hours: its length is counted, not guessed, and what it may cost is held before anything is asked.
 *
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLab, readReply, type Lab } from '../support/lab.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
});
afterAll(() => lab.close());

/** Frames of MPEG-2.5 layer III at 8 kbit/s and 8 kHz: 576 samples, 72 ms, 72 bytes each (ISO 13818-3). */
function silence(hours: number): Buffer {
  const frame = Buffer.alloc(72);
  frame.set([0xff, 0xe3, 0x18, 0xc4]);
  const frames = (hours * 3_600_000) / 72;
  return Buffer.alloc(frames * frame.length, frame);
}

it('of four hours is counted, and beyond the plan refused before anything is asked', async () => {
  const limits = [{ meter: 'transcription_seconds', window: 'period', amount: 14_399 }] as const;
  const customer = await createCustomerKey(lab.gateway, { limits });
  const form = new FormData();
  form.set('model', 'openai/whisper-1');
  form.set('file', new Blob([new Uint8Array(silence(4))]), 'four-hours.mp3');
  const reply = await readReply(
    await fetch(`${lab.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${customer.apiKey}` },
      body: form,
    }),
  );
  expect(reply.error).toMatchObject({
    code: 'limit_exceeded',
    limits: [{ meter: 'transcription_seconds', requested: '14400', limit: '14399' }],
  });
  expect(lab.simulator.log).toEqual([]);
});
