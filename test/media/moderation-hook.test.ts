/**
 * The hook of moderation: what is refused before costs nothing and reaches nobody; what is refused afterwards is withheld,
 * and charged, since it was made. And the note of who made a picture.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, openLab, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf } from '../support/running-gateway.ts';
import { decodePng } from './files.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    config: `simulators: on
moderation:
  model: openai/omni-moderation-latest
  after: true
assets:
  generatedBy: explicit nudity museum
`,
  });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const paths = () => lab.simulator.log.map(({ path }) => path);

describe('moderation', () => {
  it('refuses a prompt before anybody is asked, and charges nothing', async () => {
    lab.simulator.reset();
    const customer = await createCustomerKey(lab.gateway);
    const reply = await lab.call('/v1/images/generations', {
      body: { model: 'openai/dall-e-2', prompt: 'a massacre', size: '256x256' },
      key: customer.apiKey,
    });
    expect([reply.status, reply.error['code']]).toEqual([422, 'content_filtered']);
    expect(reply.error['message']).toContain('violence');
    expect(paths().filter((path) => path.includes('images'))).toEqual([]);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals['cost_usd'] ?? '0.000000000').toBe('0.000000000');
    expect(totals['images'] ?? 0).toBe(0);
  });

  it('refuses words that are to be spoken', async () => {
    const reply = await lab.call('/v1/audio/speech', {
      body: { model: 'sim/speech', voice: 'alloy', input: 'I will kill you.' },
    });
    expect([reply.status, reply.error['code']]).toEqual([422, 'content_filtered']);
  });

  it('withholds a picture that is refused afterwards, and books it', async () => {
    const customer = await createCustomerKey(lab.gateway);
    // The note of the configuration has words that the simulated model takes offence at.
    const reply = await lab.call('/v1/images/generations', {
      body: { model: 'sim/image', prompt: 'a lighthouse', size: '64x64' },
      key: customer.apiKey,
    });
    expect([reply.status, reply.error['code']]).toEqual([422, 'content_filtered']);
    expect(reply.text).not.toContain('b64_json');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ images: 1, cost_usd: '0.003000000' });
  });

  it.each([
    ['answered at once', {}],
    ['followed', { sim: { as_job: true } }],
  ])('withholds what a job has made, and books it: work that is %s', async (_, options) => {
    const customer = await createCustomerKey(lab.gateway);
    const key = customer.apiKey;
    const body = {
      model: 'sim/image',
      prompt: 'a lighthouse',
      size: '64x64',
      provider_options: options,
      background: true,
    };
    const reply = await lab.call('/v1/images/generations', { body, key });
    expect(reply.status, reply.text).toBe(202);
    let job: Reply['json'] = {};
    await eventually(async () => {
      job = (await lab.call(`/v1/jobs/${String(reply.json['id'])}`, { key })).json;
      return job['status'] !== 'queued' && job['status'] !== 'running';
    });
    expect(job).toMatchObject({
      status: 'failed',
      outputs: [],
      error: { code: 'content_filtered' },
    });
    expect(Number(job['cost'])).toBeGreaterThan(0);
    const { assets } = lab.gateway.gateway.gateway;
    const kept = await assets.list({ customerId: customer.customerId, limit: 10, cursor: null });
    expect(kept.data).toEqual([]);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ images: 1, cost_usd: job['cost'] });
  });

  it('withholds it from a caller who waits for a job', async () => {
    const reply = await lab.call('/v1/images/generations', {
      body: {
        model: 'sim/image',
        prompt: 'a lighthouse',
        size: '64x64',
        provider_options: { sim: { as_job: true } },
      },
    });
    expect([reply.status, reply.error['code']]).toEqual([422, 'content_filtered']);
  });

  it('that does not answer lets nothing pass', async () => {
    lab.simulator.setFault({ match: { model: 'omni-moderation-latest' }, sequence: ['500', null] });
    const reply = await lab.call('/v1/images/generations', {
      body: { model: 'sim/image', prompt: 'a lighthouse', size: '64x64' },
    });
    expect([reply.status, reply.error['code']]).toEqual([502, 'provider_error']);
  });
});

describe('the note of who made a picture', () => {
  it('stands in a picture that can still be decoded', async () => {
    const noted = await openLab({
      providers: 'none',
      config: 'assets:\n  generatedBy: Example Studio\n',
    });
    try {
      const reply = await noted.call('/v1/images/generations', {
        body: { model: 'sim/image', prompt: 'a lighthouse', size: '64x64' },
      });
      const [{ b64_json = '' } = {}] = reply.json['data'] as { b64_json?: string }[];
      const bytes = Buffer.from(b64_json, 'base64');
      expect(bytes.toString('latin1')).toContain('CreatorTool="Example Studio"');
      expect(decodePng(bytes)).toEqual({ width: 64, height: 64 });
      const followed = await noted.call('/v1/images/generations', {
        body: {
          model: 'sim/image',
          prompt: 'a lighthouse',
          size: '64x64',
          response_format: 'url',
          provider_options: { sim: { as_job: true } },
        },
      });
      const [{ url = '' } = {}] = followed.json['data'] as { url?: string }[];
      const stored = Buffer.from(await (await fetch(url)).arrayBuffer());
      expect(stored.toString('latin1')).toContain('CreatorTool="Example Studio"');
      expect(decodePng(stored)).toEqual({ width: 64, height: 64 });
    } finally {
      await noted.close();
    }
  });
});
