import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../index.ts';
import { tonePcm, wavOf } from '../media/sound.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterEach(() => simulator.reset());
afterAll(() => simulator.close());

const RECORDING = wavOf(tonePcm(2500, 'x'));

function post(path: string, type: string, body: Buffer | string): Promise<Response> {
  return fetch(`${simulator.url}/deepgram/v1${path}`, {
    method: 'POST',
    headers: { authorization: 'Token key', 'content-type': type },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
}

test('a recording is heard as long as it is', async () => {
  const reply = await post(
    '/listen?model=nova-3-medical&diarize=true&utterances=true',
    'audio/wav',
    RECORDING,
  );
  expect(await reply.json()).toMatchObject({
    metadata: {
      duration: 2.5,
      channels: 1,
      model_info: { 'simulated-model': { name: 'medical-nova-3', arch: 'nova-3' } },
    },
    results: { utterances: [{ speaker: 0 }, { speaker: 1, end: 2.5 }] },
  });
  expect(simulator.log[0]?.billed?.media).toEqual({ audioSeconds: 2.5 });
});

test.each([
  ['/listen?model=nova-3', 'application/json', '{"url":"x"}', 400],
  ['/listen?model=nova-3', 'audio/wav', '', 400],
  ['/speak?model=aura-2-thalia-en', 'application/json', '{"text":""}', 400],
  ['/speak?model=aura-3', 'application/json', '{"text":"x"}', 400],
  ['/speak?model=aura-2-thalia-en&encoding=opus', 'application/json', '{"text":"x"}', 400],
  ['/speak', 'application/json', JSON.stringify({ text: 'x'.repeat(2001) }), 413],
])('%s of %s %s is refused', async (path, type, body, status) => {
  const reply = await post(path, type, body);
  expect([reply.status, await reply.json()]).toMatchObject([status, { err_code: 'Bad Request' }]);
});

test.each([
  ['auth', 401, 'INVALID_AUTH'],
  ['credit', 402, 'ASR_PAYMENT_REQUIRED'],
  ['rate_limit', 429, 'TOO_MANY_REQUESTS'],
] as const)('%s is %i with a code of its own', async (error, status, code) => {
  simulator.setFault({ match: { family: 'deepgram' }, sequence: [{ type: 'error', error }] });
  const reply = await post('/listen?model=nova-3', 'audio/wav', RECORDING);
  expect([reply.status, await reply.json()]).toMatchObject([status, { err_code: code }]);
});
