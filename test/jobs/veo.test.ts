/**
 * Veo through the running gateway, driven by the official client: submitted, followed, downloaded through the redirect, booked by
 * seconds and resolution; what was withheld or failed costs nothing.
 *
 * @module
 */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';

let lab: Lab;
let client: OpenAI;
beforeAll(async () => {
  lab = await openLab();
  client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey: SERVICE_KEY, maxRetries: 0 });
});
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const LITE = 'gemini/veo-3.1-lite-generate-preview';

interface ShownJob {
  readonly status: string;
  readonly cost: string | null;
  readonly error: { readonly code: string } | null;
}

async function endOf(id: string): Promise<ShownJob> {
  let job: ShownJob | null = null;
  await eventually(async () => {
    job = (await lab.call(`/v1/jobs/${id}`)).json as unknown as ShownJob;
    return !['queued', 'running'].includes(job.status);
  });
  if (job === null) throw new Error('the job is there');
  return job;
}

describe('Veo', () => {
  it.concurrent('makes a clip from words', async () => {
    const made = await client.videos.create({
      model: LITE as never,
      prompt: 'a calm ocean wave at sunset',
      seconds: '4',
      size: '1280x720',
    });
    const { status, cost } = await endOf(made.id);
    // Four seconds at $0.05.
    expect([status, cost]).toEqual(['succeeded', '0.200000000']);
    const content = await client.videos.downloadContent(made.id);
    const bytes = Buffer.from(await content.arrayBuffer());
    expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
    const asked = lab.simulator.log.filter(({ path }) => path.includes(':download'));
    expect(asked.map(({ status: code, keyLast4 }) => [code, keyLast4 !== null])).toContainEqual([
      302,
      true,
    ]);
    // The key stays with the provider's own method.
    const moved = asked.filter(({ path }) => path.includes('/download/'));
    expect(moved.map(({ keyLast4 }) => keyLast4)).toEqual(moved.map(() => null));
  });

  it.concurrent('makes a clip from a picture', async () => {
    const picture = new File([new Uint8Array(pngOf(64, 64))], 'first.png', { type: 'image/png' });
    const made = await client.videos.create({
      model: LITE as never,
      prompt: 'it moves',
      input_reference: picture,
      seconds: '4',
    });
    expect((await endOf(made.id)).status).toBe('succeeded');
  });

  it.concurrent.each([
    ['sim:fail', 'provider_error'],
    ['sim:result=withheld', 'content_filtered'],
  ])('is not paid for what it does not make: %s', async (prompt, code) => {
    const made = await client.videos.create({ model: LITE as never, prompt, seconds: '4' });
    const { status, cost, error } = await endOf(made.id);
    expect([status, Number(cost), error?.code]).toEqual(['failed', 0, code]);
  });

  it.concurrent.each([
    [{ seconds: '5' }, 'seconds'],
    [{ size: '640x480' }, 'size'],
    [{ resolution: '4k' }, 'resolution'],
  ])('is not asked for what it has not: %j', async (more, word) => {
    const prompt = `never ${JSON.stringify(more)}`;
    const reply = await lab.call('/v1/videos', { body: { model: LITE, prompt, ...more } });
    const { error } = reply;
    expect(reply.status).toBe(400);
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(?:invalid_request|unpriced_model)$/),
    });
    expect(JSON.stringify(error)).toContain(word);
    expect(lab.simulator.log.some((call) => call.requestBody?.includes('never') === true)).toBe(
      false,
    );
  });
});
