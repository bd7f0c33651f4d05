/**
 * Voices of ElevenLabs through the running gateway: listed as the account has them, made of a recording whose owner agreed, and spoken
 * with by their customer alone.
 *
 * @module
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordingOf } from '../media/files.ts';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey, usageOf } from '../support/running-gateway.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

test('a voice is made, counted, listed and heard', async () => {
  const owner = await createCustomerKey(lab.gateway);
  const made = await lab.call('/v1/audio/voices', {
    key: owner.apiKey,
    body: {
      model: 'elevenlabs/instant-voice-clone',
      name: 'Ada',
      samples: [`data:audio/wav;base64,${recordingOf(300).toString('base64')}`],
      consent: { given: true, by: 'Ada Example' },
    },
  });
  expect(made.json).toMatchObject({ object: 'voice', provider: 'elevenlabs', name: 'Ada' });
  const { totals } = await usageOf(lab.gateway, owner.externalId);
  expect(totals).toMatchObject({ voice_clones: 1, cost_usd: '0.000000000' });
  const list = await lab.call('/v1/audio/voices', { key: owner.apiKey });
  const ids = (list.json['data'] as readonly { readonly id: string }[]).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining([made.json['id'], 'simulatedVoiceOne001']));
  const speech = {
    model: 'elevenlabs/eleven_flash_v2_5',
    input: 'Hello.',
    voice: made.json['id'],
    response_format: 'wav',
  };
  const heard = await lab.call('/v1/audio/speech', { key: owner.apiKey, body: speech });
  expect(heard.status).toBe(200);
  const foreign = await createCustomerKey(lab.gateway);
  const refused = await lab.call('/v1/audio/speech', { key: foreign.apiKey, body: speech });
  expect(refused.status).toBe(404);
});
