/**
 * What jobs withstand: lost replies, providers that fail for a while, states never seen, results that are none, and the
 * end of the process in the middle of it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator, type Simulator } from '../../src/simulators/index.ts';
import { eventually, readReply, SERVICE_KEY, type Reply } from '../support/lab.ts';
import { startTestGateway, verifyLedger, type TestGateway } from '../support/running-gateway.ts';

let simulator: Simulator;
let gateway: TestGateway;
let dataDir: string;

function start(config = ''): Promise<TestGateway> {
  return startTestGateway({
    dataDir,
    environment: { GATEWAY_API_KEY: SERVICE_KEY, SIM_BASE_URL: `${simulator.url}/sim` },
    config: `drainTimeoutMs: 300ms\njobs: {submitTimeoutMs: 2s, fetchTimeoutMs: 1s}\n${config}`,
  });
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-jobs-'));
  simulator = await createSimulator({ seed: 'jobs' });
  gateway = await start();
});
afterEach(() => simulator.reset());
afterAll(async () => {
  expect(await verifyLedger(gateway)).toMatchObject({ ok: true });
  await gateway.stop();
  await simulator.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function call(path: string, body?: object, key?: string): Promise<Reply> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return readReply(response);
}

async function makeClip(prompt: string, more: object = {}): Promise<string> {
  const reply = await call('/v1/videos', { model: 'sim/video', prompt, seconds: 4, ...more });
  expect(reply.status, reply.text).toBe(200);
  return String(reply.json['id']);
}

async function jobOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  return (await call(`/v1/jobs/${id}`)).json;
}

async function endOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  await eventually(
    async () => !['queued', 'running'].includes(String((await jobOf(id))['status'])),
  );
  return await jobOf(id);
}

function submissions(): number {
  return simulator.jobs().length;
}

describe('a submission', () => {
  it('whose reply was lost is found again, and never sent twice', async () => {
    simulator.setFault({ match: { path: '/v1/jobs' }, sequence: ['reset-in-headers'] });
    const id = await makeClip('lost on the way back');
    expect(await endOf(id)).toMatchObject({ status: 'succeeded' });
    expect(submissions()).toBe(1);
    expect(simulator.jobs()[0]).toMatchObject({ reference: id, isBilled: true });
  });

  it('that surely never arrived costs nothing, and is not sent again by itself', async () => {
    simulator.setFault({ match: { path: '/v1/jobs' }, sequence: ['reset-before-headers'] });
    const id = await makeClip('lost on the way there');
    expect(await endOf(id)).toMatchObject({
      status: 'failed',
      cost: '0.000000000',
      error: { code: 'provider_error' },
    });
    expect(submissions()).toBe(0);
  });

  it('that is refused is an error at once, and nothing is left', async () => {
    simulator.setFault({ match: { path: '/v1/jobs' }, sequence: ['400'] });
    const reply = await call('/v1/videos', { model: 'sim/video', prompt: 'no', seconds: 4 });
    expect(reply).toMatchObject({ status: 400, error: { code: 'invalid_request' } });
    expect(submissions()).toBe(0);
  });

  it('is repeated where the provider surely did nothing', async () => {
    simulator.setFault({ match: { path: '/v1/jobs' }, sequence: ['503', null] });
    const id = await makeClip('busy at first');
    expect(await endOf(id)).toMatchObject({ status: 'succeeded' });
    expect(submissions()).toBe(1);
  });
});

describe('following', () => {
  it('outlasts a provider that fails for a while', async () => {
    simulator.setFault({ match: { path: '/v1/jobs/*' }, sequence: ['500', '502', '503'] });
    expect(await endOf(await makeClip('fails for a while'))).toMatchObject({ status: 'succeeded' });
  });

  it('takes a state never seen before as work that goes on', async () => {
    const id = await makeClip('sim:state=half-baked sim:takes=150');
    expect(await endOf(id)).toMatchObject({ status: 'succeeded' });
  });

  it('gives up what the provider no longer knows, and leaves its hold to the policy', async () => {
    simulator.setFault({ match: { path: '/v1/jobs/*' }, sequence: ['404'], repeat: 'last' });
    const id = await makeClip('forgotten');
    expect(await endOf(id)).toMatchObject({ status: 'expired', cost: null });
  });
});

describe('a result', () => {
  it('is fetched where a redirect leads', async () => {
    expect(await endOf(await makeClip('sim:result=redirect'))).toMatchObject({
      status: 'succeeded',
    });
  });

  it('is asked for anew where its address has expired or a download broke off', async () => {
    simulator.setFault({
      match: { path: '/v1/files/*' },
      sequence: ['403', 'content-length-long', null],
    });
    expect(await endOf(await makeClip('second try'))).toMatchObject({ status: 'succeeded' });
  });

  it.each([
    ['never ends', 'stall-headers'],
    ['breaks off', 'reset-in-body'],
    ['is shorter than it says', 'content-length-long'],
  ])('is fetched again where a download %s', async (_, fault) => {
    simulator.setFault({ match: { path: '/v1/files/*' }, sequence: [fault, null] });
    const job = await endOf(await makeClip('second try'));
    expect(job).toMatchObject({ status: 'succeeded', outputs: [{ content_type: 'video/mp4' }] });
  });

  it.each(['html', 'gone', 'private'])(
    'that is none fails the job, and is billed as the provider bills it: %s',
    async (result) => {
      const id = await makeClip(`sim:result=${result}`);
      const job = await endOf(id);
      expect(job).toMatchObject({
        status: 'failed',
        outputs: [],
        error: { code: 'provider_error' },
      });
      expect(job['cost']).not.toBe('0.000000000');
    },
    15_000,
  );
});

describe('calls that are answered by jobs', () => {
  const own = { sim: { as_job: true } };

  it('bring pictures as if they had been made at once', async () => {
    const body = {
      model: 'sim/image',
      prompt: 'two',
      n: 2,
      size: '256x256',
      provider_options: own,
    };
    const reply = await call('/v1/images/generations', body);
    expect(reply.status, reply.text).toBe(200);
    const { data } = reply.json as unknown as { data: { b64_json: string }[] };
    expect(
      data.map(({ b64_json }) => Buffer.from(b64_json, 'base64').toString('latin1', 1, 4)),
    ).toEqual(['PNG', 'PNG']);
    expect(reply.headers.get('x-gateway-cost')).toBe('0.002000000');
    expect(submissions()).toBe(1);
  });

  it('bring speech whole', async () => {
    const response = await fetch(`${gateway.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'sim/speech',
        input: 'Hi.',
        voice: 'alloy',
        provider_options: own,
      }),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('audio/wav');
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1', 0, 4)).toBe('RIFF');
  });

  it('tell a failure as any other, and charge nothing', async () => {
    const body = { model: 'sim/image', prompt: 'sim:fail', provider_options: own };
    const reply = await call('/v1/images/generations', body);
    expect(reply).toMatchObject({ status: 502, error: { code: 'provider_error' } });
    expect(reply.headers.get('x-gateway-cost')).toBe('0.000000000');
  });

  it('go on when the client leaves, and are booked', async () => {
    const before = submissions();
    const stop = new AbortController();
    const body = { model: 'sim/image', prompt: 'sim:takes=400', provider_options: own };
    const asked = fetch(`${gateway.url}/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: stop.signal,
    });
    await eventually(() => submissions() > before);
    stop.abort();
    await expect(asked).rejects.toThrow();
    const { data } = (await call('/v1/jobs?limit=1')).json as unknown as { data: { id: string }[] };
    expect(await endOf(data[0]?.id ?? '')).toMatchObject({
      status: 'succeeded',
      cost: '0.002000000',
    });
  });
});

describe('the end of the process', () => {
  it('ends no job: the next process goes on', async () => {
    const running = await makeClip('sim:takes=1500');
    const quick = await makeClip('sim:takes=50');
    await endOf(quick);
    await gateway.stop();
    gateway = await start();
    expect(await jobOf(quick)).toMatchObject({ status: 'succeeded' });
    expect(await endOf(running)).toMatchObject({ status: 'succeeded' });
    expect(submissions()).toBe(2);
  });

  it('leaves a call under a key that waited to be answered with its job, which is not run again', async () => {
    const body = {
      model: 'sim/image',
      prompt: 'sim:takes=1500',
      provider_options: { sim: { as_job: true } },
    };
    const waiting = call('/v1/images/generations', body, 'kept-waiting');
    await eventually(() => submissions() > 0);
    const [, first] = await Promise.all([gateway.stop(), waiting]);
    expect(first).toMatchObject({ status: 503, error: { code: 'draining' } });
    gateway = await start();
    const again = await call('/v1/images/generations', body, 'kept-waiting');
    expect(again).toMatchObject({ status: 202, json: { object: 'job' } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('x-request-id')).toBe(first.headers.get('x-request-id'));
    expect(await endOf(String(again.json['id']))).toMatchObject({ status: 'succeeded' });
    const once = await call('/v1/images/generations', body, 'kept-waiting');
    expect(once.json).toMatchObject({ id: again.json['id'], status: 'succeeded' });
    expect(submissions()).toBe(1);
  });

  it('expires a job whose time is over meanwhile, once it was stopped at its provider', async () => {
    await gateway.stop();
    gateway = await start('\n');
    const id = await makeClip('sim:never');
    await gateway.stop();
    gateway = await start();
    expect(await jobOf(id)).toMatchObject({ status: expect.stringMatching(/queued|running/) });
    await call(`/v1/jobs/${id}/cancel`, {});
    expect(await endOf(id)).toMatchObject({ status: 'cancelled', cost: '0.000000000' });
  });
});
