/**
 * Clips through the running gateway with the built-in simulator, driven by OpenAI's own client: submitted, followed,
 * stored, booked by what was delivered, and nobody else's to see.
 *
 * @module
 */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, openLab, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';
import {
  createCustomerKey,
  requestOf,
  usageOf,
  type CustomerKey,
} from '../support/running-gateway.ts';

let lab: Lab;
let owner: CustomerKey;
let client: OpenAI;

beforeAll(async () => {
  lab = await openLab({ ownSim: true });
  owner = await createCustomerKey(lab.gateway, {
    limits: [{ meter: 'video_seconds', window: 'period', amount: 1000 }],
  });
  client = clientOf(owner.apiKey);
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

function clientOf(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${lab.url}/v1`, maxRetries: 0 });
}

interface ShownJob {
  readonly status: string;
  readonly cost: string | null;
  readonly error: { readonly code: string } | null;
  readonly outputs: readonly { readonly asset_id: string; readonly url: string }[];
  readonly request_id: string;
}

async function jobOf(id: string, key = owner.apiKey): Promise<ShownJob> {
  const reply = await lab.call(`/v1/jobs/${id}`, { key });
  return reply.json as unknown as ShownJob;
}

async function endOf(id: string): Promise<ShownJob> {
  await eventually(async () => !['queued', 'running'].includes((await jobOf(id)).status));
  return await jobOf(id);
}

describe('OpenAI’s client', () => {
  it('makes a clip, follows it, downloads and deletes it', async () => {
    const made = await client.videos.create({
      model: 'sim/video' as never,
      prompt: 'a lighthouse at dusk',
      seconds: '4',
      size: '1280x720',
    });
    expect(made).toMatchObject({ object: 'video', seconds: '4', size: '1280x720' });
    expect(made.id).toMatch(/^job_/);
    await endOf(made.id);
    const done = await client.videos.retrieve(made.id);
    expect(done).toMatchObject({ status: 'completed', progress: 100, error: null });
    const content = await client.videos.downloadContent(made.id);
    expect(content.headers.get('content-type')).toBe('video/mp4');
    const bytes = Buffer.from(await content.arrayBuffer());
    expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
    const listed = await client.videos.list();
    expect(listed.data.map(({ id }) => id)).toContain(made.id);
    expect(await client.videos.delete(made.id)).toMatchObject({ id: made.id, deleted: true });
    await expect(client.videos.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.videos.downloadContent(made.id)).rejects.toMatchObject({ status: 404 });
  });

  it('sends a first picture along', async () => {
    const picture = new File([new Uint8Array(pngOf(64, 64))], 'first.png', { type: 'image/png' });
    const made = await client.videos.create({
      model: 'sim/video' as never,
      prompt: 'it moves',
      input_reference: picture,
      seconds: '4',
    });
    expect(made).toMatchObject({ operation: 'image_to_video' });
    expect((await endOf(made.id)).status).toBe('succeeded');
  });
});

describe('what a clip costs', () => {
  it('is held before, and booked by what was delivered', async () => {
    const customer = await createCustomerKey(lab.gateway);
    const made = await clientOf(customer.apiKey).videos.create({
      model: 'sim/video' as never,
      prompt: 'sim:takes=400',
      seconds: '4',
      size: '1280x720',
    });
    const during = await usageOf(lab.gateway, customer.externalId);
    expect(during.held).toMatchObject({ video_clips: 1, requests: 1 });
    await eventually(async () => (await jobOf(made.id, customer.apiKey)).status === 'succeeded');
    const job = await jobOf(made.id, customer.apiKey);
    const { totals, held } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ video_clips: 1, video_seconds: 4, requests: 1 });
    expect(totals.cost_usd).toBe(job.cost);
    expect(held).toMatchObject({ cost_usd: '0.000000000' });
    expect(held).not.toHaveProperty('video_clips');
    expect(await requestOf(lab.gateway, job.request_id)).toMatchObject({
      status: 200,
      cost: job.cost,
      simulated: true,
      hold: { state: 'settled' },
    });
  });

  it('is refused before anything is asked where the plan has too little', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'video_seconds', window: 'period', amount: 3 }],
    });
    const before = lab.simulator.jobs().length;
    await expect(
      clientOf(customer.apiKey).videos.create({
        model: 'sim/video' as never,
        prompt: 'x',
        seconds: '4',
      }),
    ).rejects.toMatchObject({ status: 429, code: 'limit_exceeded' });
    expect(lab.simulator.jobs()).toHaveLength(before);
    expect((await lab.call('/v1/jobs', { key: customer.apiKey })).json['data']).toEqual([]);
  });

  it.each([
    ['sim:fail', 'failed', '0.000000000'],
    ['sim:fail-billed', 'failed', /^0\.00[1-9]/],
  ])(
    'is nothing for what fails, unless the provider bills it: %s',
    async (prompt, status, cost) => {
      const made = await client.videos.create({
        model: 'sim/video' as never,
        prompt,
        seconds: '4',
      });
      const job = await endOf(made.id);
      expect(job.status).toBe(status);
      expect(job.cost).toMatch(cost);
      expect(job.error?.code).toBe('provider_error');
    },
  );
});

describe('another customer', () => {
  it('finds neither job nor clip', async () => {
    const made = await client.videos.create({
      model: 'sim/video' as never,
      prompt: 'mine',
      seconds: '4',
    });
    await endOf(made.id);
    const other = await createCustomerKey(lab.gateway);
    const statuses = await Promise.all(
      [
        ['GET', `/v1/videos/${made.id}`],
        ['GET', `/v1/videos/${made.id}/content`],
        ['DELETE', `/v1/videos/${made.id}`],
        ['GET', `/v1/jobs/${made.id}`],
        ['GET', `/v1/jobs/${made.id}/events`],
        ['POST', `/v1/jobs/${made.id}/cancel`],
      ].map(async ([method = '', path = '']) => {
        const reply = await lab.call(path, { method, key: other.apiKey });
        return [path, reply.status];
      }),
    );
    expect(statuses.map(([, status]) => status)).toEqual([404, 404, 404, 404, 404, 404]);
    expect((await lab.call('/v1/videos', { key: other.apiKey })).json['data']).toEqual([]);
    expect((await jobOf(made.id)).status).toBe('succeeded');
  });
});

describe('a job', () => {
  it('tells its course as events, and goes on after the last one seen', async () => {
    const made = await client.videos.create({
      model: 'sim/video' as never,
      prompt: 'sim:takes=400',
      seconds: '4',
    });
    const events = async (last?: string): Promise<string> => {
      const headers = {
        authorization: `Bearer ${owner.apiKey}`,
        ...(last === undefined ? {} : { 'last-event-id': last }),
      };
      const response = await fetch(`${lab.url}/v1/jobs/${made.id}/events`, { headers });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      return await response.text();
    };
    const all = await events();
    expect(all).toContain('event: job.updated');
    expect(all).toMatch(/event: job\.succeeded\ndata: .*"progress":100/);
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const last = ids.at(-1) ?? 0;
    expect(await events(String(last - 1))).toMatch(/^id: \d+\nevent: job\.succeeded/);
    expect(await events(String(last))).toBe('');
  });

  it('is cancelled, upstream too, and costs nothing', async () => {
    const made = await client.videos.create({
      model: 'sim/video' as never,
      prompt: 'sim:takes=60000',
      seconds: '4',
    });
    const reply = await lab.call(`/v1/jobs/${made.id}/cancel`, {
      method: 'POST',
      key: owner.apiKey,
    });
    expect(reply.status).toBe(200);
    const job = await endOf(made.id);
    expect(job).toMatchObject({ status: 'cancelled', cost: '0.000000000' });
    expect(lab.simulator.jobs().at(-1)).toMatchObject({ state: 'cancelled', isBilled: false });
    const again = await lab.call(`/v1/jobs/${made.id}/cancel`, {
      method: 'POST',
      key: owner.apiKey,
    });
    expect(again).toMatchObject({ status: 409, error: { code: 'conflict' } });
  });
});
