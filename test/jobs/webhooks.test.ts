/**
 * Messages about jobs: from providers, forged, early and repeated; and to the operator's webhooks, signed.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { freePort } from '../chaos/gateway-process.ts';
import { eventually, openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { callAdmin, createCustomerKey, type CustomerKey } from '../support/running-gateway.ts';

const SECRET = 'sim-webhook-secret';

let lab: Lab;
let receiver: Receiver;
let customer: CustomerKey;

beforeAll(async () => {
  receiver = await openReceiver();
  // Last of all, so that little else can take it before the gateway does.
  const port = await freePort();
  lab = await openLab({
    ownSim: true,
    port,
    config: `
egress: {allowPrivateHosts: ["127.0.0.1"]}
assets: {publicUrl: "http://127.0.0.1:${port}"}
providers: {sim: {settings: {webhookSecret: ${SECRET}}}}
`,
  });
  customer = await createCustomerKey(lab.gateway);
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
  await receiver.close();
});

async function makeClip(prompt: string): Promise<string> {
  const body = { model: 'sim/video', prompt, seconds: 4 };
  const reply = await lab.call('/v1/videos', { key: customer.apiKey, body });
  expect(reply.status, reply.text).toBe(200);
  return String(reply.json['id']);
}

async function jobOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  return (await lab.call(`/v1/jobs/${id}`, { key: customer.apiKey })).json;
}

async function endOf(id: string): Promise<Readonly<Record<string, unknown>>> {
  await eventually(
    async () => !['queued', 'running'].includes(String((await jobOf(id))['status'])),
  );
  return await jobOf(id);
}

async function send(
  query: string,
  message: object,
  { secret = SECRET, ageS = 0, provider = 'sim' } = {},
): Promise<Reply> {
  const body = JSON.stringify(message);
  const stamp = String(Math.floor(Date.now() / 1000) - ageS);
  const signature = createHmac('sha256', secret).update(`${stamp}.${body}`).digest('hex');
  const response = await fetch(`${lab.url}/v1/provider-webhooks/${provider}${query}`, {
    method: 'POST',
    headers: { 'x-sim-timestamp': stamp, 'x-sim-signature': signature },
    body,
  });
  return readReply(response);
}

describe('a provider’s message', () => {
  it('ends a job whose polls say nothing', async () => {
    lab.simulator.setFault({ match: { path: '/v1/jobs/*' }, sequence: ['500'], repeat: 'last' });
    const id = await makeClip('sim:takes=50');
    expect(await endOf(id)).toMatchObject({ status: 'succeeded' });
  });

  it('is not believed where it is forged, old or unreadable', async () => {
    const id = await makeClip('sim:takes=700');
    const [entry] = lab.simulator.jobs();
    const lie = { id: entry?.id, status: 'failed' };
    expect((await send(`?job=${id}`, lie, { secret: 'other' })).status).toBe(403);
    expect((await send(`?job=${id}`, lie, { ageS: 3600 })).status).toBe(403);
    expect((await send(`?job=${id}`, { status: 'failed' })).status).toBe(400);
    expect((await send(`?job=${id}`, lie, { provider: 'openai' })).status).toBe(404);
    expect((await send(`?job=${id}`, { ...lie, id: 'sim-other' })).status).toBe(200);
    expect(await endOf(id)).toMatchObject({ status: 'succeeded' });
  });

  it('changes nothing when it comes twice, or for a job that is none', async () => {
    const id = await makeClip('sim:takes=20');
    const first = await endOf(id);
    const [entry] = lab.simulator.jobs();
    expect(
      (await send(`?job=${id}`, { id: entry?.id, status: 'failed', failure: {} })).status,
    ).toBe(200);
    expect((await send('?job=job_none', { id: 'sim-none', status: 'succeeded' })).status).toBe(200);
    expect(await jobOf(id)).toEqual(first);
  });

  it('is heard where it comes before the reply to the submission', async () => {
    lab.simulator.setFault({ match: { path: '/v1/jobs' }, sequence: ['stall-headers-600'] });
    const making = makeClip('sim:takes=100000');
    let id = '';
    await eventually(async () => {
      const { json } = await lab.call('/v1/jobs?status=queued', { key: customer.apiKey });
      id = String((json['data'] as { id: string }[])[0]?.id ?? '');
      return id !== '';
    });
    expect(
      (await send(`?job=${id}`, { id: 'sim-early', status: 'failed', failure: { message: 'No.' } }))
        .status,
    ).toBe(200);
    expect(await making).toBe(id);
    expect(await endOf(id)).toMatchObject({ status: 'failed', cost: '0.000000000' });
  });
});

describe('the operator’s webhooks', () => {
  it('are told how jobs end where they ask for it, and then alone', async () => {
    const all = await callAdmin<{ id: string }>(lab.gateway, 'POST /webhooks', {
      url: `${receiver.url}/all`,
    });
    const asked = await callAdmin<{ id: string }>(lab.gateway, 'POST /webhooks', {
      url: `${receiver.url}/jobs`,
      kinds: ['job'],
    });
    const id = await makeClip('sim:takes=20');
    await endOf(id);
    await eventually(() => receiver.received.length > 0);
    const bodies = receiver.received.map(({ path, body }) => [path, JSON.parse(body) as unknown]);
    expect(bodies).toEqual([
      [
        '/jobs',
        expect.objectContaining({
          type: 'job.succeeded',
          data: expect.objectContaining({
            customer: { id: customer.customerId, externalId: customer.externalId },
            details: expect.objectContaining({ id, status: 'succeeded', cost: expect.any(String) }),
          }),
        }),
      ],
    ]);
    expect(receiver.received[0]?.headers['webhook-signature']).toMatch(/^v1,/);
    for (const { id: hook } of [all, asked])
      await callAdmin(lab.gateway, `DELETE /webhooks/${hook}`);
  });
});
