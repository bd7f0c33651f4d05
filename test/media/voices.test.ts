/**
 * Voices through the running gateway: none without a recorded consent, made and booked, spoken with by their customer
 * alone, whichever name is used.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf, type CustomerKey } from '../support/running-gateway.ts';
import { recordingOf } from './files.ts';

let lab: Lab;
let owner: CustomerKey;
let other: CustomerKey;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
  owner = await createCustomerKey(lab.gateway);
  other = await createCustomerKey(lab.gateway);
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const RECORDING = recordingOf(300);
const SAMPLE = `data:audio/wav;base64,${RECORDING.toString('base64')}`;
const CONSENT = { given: true, by: 'Ada Example', statement: 'My voice may be used.' };

function clone(body: Readonly<Record<string, unknown>>, { apiKey } = owner): Promise<Reply> {
  return lab.call('/v1/audio/voices', {
    body: { model: 'sim/voice-clone', name: 'Ada', samples: [SAMPLE], consent: CONSENT, ...body },
    key: apiKey,
  });
}

function speak(voice: unknown, { apiKey }: CustomerKey): Promise<Reply> {
  return lab.call('/v1/audio/speech', {
    body: { model: 'sim/speech', input: 'Hello.', voice, response_format: 'wav' },
    key: apiKey,
  });
}

interface Shown {
  readonly id: string;
  readonly owned_by: string;
}

async function listed({ apiKey }: CustomerKey): Promise<readonly Shown[]> {
  const { json } = await lab.call('/v1/audio/voices', { key: apiKey });
  return json['data'] as Shown[];
}

describe('a voice', () => {
  it('is made with a consent that is kept, booked, and listed to its customer alone', async () => {
    const limits = [{ meter: 'voice_clones', window: 'period', amount: 1 }] as const;
    const customer = await createCustomerKey(lab.gateway, { limits });
    const reply = await clone({}, customer);
    expect(reply.json).toMatchObject({
      object: 'voice',
      owned_by: 'customer',
      provider: 'sim',
      name: 'Ada',
      consent: { by: 'Ada Example' },
      usage: { cost: '0.005000000' },
    });
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ voice_clones: 1, cost_usd: '0.005000000' });
    const { voices } = lab.gateway.gateway.gateway.store;
    expect(await voices.voice(reply.json['id'] as string)).toMatchObject({
      customerId: customer.customerId,
      requestId: reply.headers.get('x-request-id'),
      consent: {
        by: CONSENT.by,
        statement: CONSENT.statement,
        keyId: customer.keyId,
        samples: [expect.stringMatching(/^[0-9a-f]{64}$/)],
      },
      made: { provider: 'sim', model: 'voice-clone' },
    });
    expect((await listed(customer))[0]).toMatchObject({ id: reply.json['id'] });
    const foreign = await listed(other);
    expect(foreign.filter(({ owned_by }) => owned_by === 'customer')).toEqual([]);
    expect(foreign.map(({ id }) => id)).toContain('slt');
    expect((await clone({ name: 'Two' }, customer)).error).toMatchObject({
      code: 'limit_exceeded',
    });
  });

  it('of a form is the same', async () => {
    const form = new FormData();
    form.append('model', 'sim/voice-clone');
    form.append('name', 'Form');
    form.append('consent', JSON.stringify(CONSENT));
    form.append('samples[]', new Blob([new Uint8Array(RECORDING)]), '../ada.wav');
    const headers = { authorization: `Bearer ${owner.apiKey}` };
    const reply = await readReply(
      await fetch(`${lab.url}/v1/audio/voices`, { method: 'POST', headers, body: form }),
    );
    expect([reply.status, reply.json['name']]).toEqual([200, 'Form']);
  });

  it.each([
    ['a consent', { consent: undefined }, 'consent'],
    ['a consent that is given', { consent: { ...CONSENT, given: false } }, 'consent.given'],
    ['who agreed', { consent: { given: true } }, 'consent.by'],
    ['recordings', { samples: [] }, 'samples'],
  ])('is not made without %s', async (_what, body, param) => {
    const reply = await clone(body);
    expect([reply.status, reply.error['param']]).toEqual([400, param]);
  });

  it('is not made of a picture', async () => {
    const PNG =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk';
    const reply = await clone({ samples: PNG });
    expect([reply.status, reply.error['param']]).toEqual([415, 'samples']);
  });

  it('answers its customer, and is not found by others under any name', async () => {
    const made = await clone({ name: 'Mine' });
    const id = made.json['id'] as string;
    const { voices } = lab.gateway.gateway.gateway.store;
    const known = (await voices.voice(id))?.made?.voiceId ?? '';
    for (const name of [id, { id }, known]) {
      expect((await speak(name, owner)).status).toBe(200);
      const foreign = await speak(name, other);
      expect([foreign.status, foreign.error['param']]).toEqual([404, 'voice']);
    }
    const removal = (key: CustomerKey) =>
      lab.call(`/v1/audio/voices/${id}`, { method: 'DELETE', key: key.apiKey });
    expect((await removal(other)).status).toBe(404);
    expect((await removal(owner)).json).toEqual({ id, object: 'voice', deleted: true });
    expect((await removal(owner)).status).toBe(404);
    for (const name of [id, known]) expect((await speak(name, owner)).status).toBe(404);
    expect((await voices.voice(id))?.consent.by).toBe('Ada Example');
  });

  it('of nobody’s is left to the provider', async () => {
    expect((await speak('alloy', other)).status).toBe(200);
    expect((await speak('voice_of_the_provider', other)).status).toBe(200);
  });
});
