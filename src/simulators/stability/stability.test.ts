import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createSimulator, type Simulator } from '../index.ts';
import { simulatedPng } from '../media/png.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterEach(() => simulator.reset());
afterAll(() => simulator.close());

const PICTURE = simulatedPng({ width: 40, height: 30 }, 'sent');

interface Asked {
  readonly texts?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly accept?: string;
}

async function post(endpoint: string, asked: Asked = {}): Promise<Response> {
  const form = new FormData();
  for (const [name, text] of Object.entries(asked.texts ?? {})) form.set(name, text);
  for (const name of asked.files ?? [])
    form.set(name, new Blob([new Uint8Array(PICTURE)]), 'a.png');
  return await fetch(`${simulator.url}/stability/v2beta/stable-image/${endpoint}`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-x', accept: asked.accept ?? 'application/json' },
    body: form,
  });
}

const made = z.strictObject({
  image: z.string().min(1),
  finish_reason: z.enum(['SUCCESS', 'CONTENT_FILTERED']),
  seed: z.number(),
});

function sizeOf(png: Buffer): readonly [number, number] {
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

const PROMPT = { prompt: 'a lighthouse' };

test.each([
  ['generate/core', { texts: { ...PROMPT, aspect_ratio: '16:9' } }, [1344, 768]],
  ['generate/sd3', { texts: { ...PROMPT, model: 'sd3.5-flash' } }, [1024, 1024]],
  ['edit/outpaint', { texts: { left: '10', down: '5' }, files: ['image'] }, [50, 35]],
  ['upscale/fast', { files: ['image'] }, [160, 120]],
  ['control/style-transfer', { files: ['init_image', 'style_image'] }, [40, 30]],
] as const)('%s makes a picture of its size', async (endpoint, asked, size) => {
  const reply = await post(endpoint, asked);
  expect(reply.status).toBe(200);
  expect(sizeOf(Buffer.from(made.parse(await reply.json()).image, 'base64'))).toEqual(size);
});

test('bytes come with their facts in headers', async () => {
  const reply = await post('generate/core', { texts: { ...PROMPT, seed: '7' }, accept: 'image/*' });
  expect(reply.headers.get('content-type')).toBe('image/png');
  expect([reply.headers.get('finish-reason'), reply.headers.get('seed')]).toEqual(['SUCCESS', '7']);
  expect(sizeOf(Buffer.from(await reply.arrayBuffer()))).toEqual([1024, 1024]);
});

test.each([
  ['generate/core', {}, 'prompt: is required'],
  ['edit/inpaint', { texts: PROMPT }, 'image: is required'],
  ['edit/search-and-replace', { texts: PROMPT, files: ['image'] }, 'search_prompt: is required'],
  ['edit/outpaint', { files: ['image'] }, 'body: at least one'],
  ['generate/ultra', { texts: PROMPT, files: ['image'] }, 'strength: is required'],
  ['generate/sd3', { texts: { ...PROMPT, model: 'sd2' } }, 'model: Invalid'],
  ['generate/sd3', { texts: { ...PROMPT, cfg_scale: '11' } }, 'cfg_scale: must be'],
] as const)('%s refuses what it cannot do: %j', async (endpoint, asked, sentence) => {
  const reply = await post(endpoint, asked);
  expect(reply.status).toBe(400);
  const error = z.strictObject({
    id: z.string(),
    name: z.literal('bad_request'),
    errors: z.array(z.string()).min(1),
  });
  expect(error.parse(await reply.json()).errors[0]).toContain(sentence);
});

describe('work that is promised', () => {
  const asked = { texts: PROMPT, files: ['image'] } as const;

  async function poll(id: string): Promise<Response> {
    return await fetch(`${simulator.url}/stability/v2beta/results/${id}`, {
      headers: { authorization: 'Bearer sk-x', accept: '*/*' },
    });
  }

  test('is there after some questions, and billed once', async () => {
    const started = await post('upscale/creative', asked);
    const { id } = z.strictObject({ id: z.string() }).parse(await started.json());
    const states = [await poll(id), await poll(id), await poll(id), await poll(id)];
    expect(states.map(({ status }) => status)).toEqual([202, 202, 200, 200]);
    expect(states[2]?.headers.get('content-type')).toBe('image/png');
    const billed = simulator.log.map((entry) => entry.billed?.media?.images ?? 0);
    expect(billed).toEqual([1, 0, 0, 0, 0]);
  });

  test('of somebody else is not found', async () => {
    const reply = await poll('0123');
    expect([reply.status, await reply.json()]).toEqual([
      404,
      expect.objectContaining({ name: 'generation_not_found' }),
    ]);
  });
});

test.each([
  ['401', 401, 'unauthorized'],
  ['400-content-policy', 403, 'content_moderation'],
  ['429', 429, 'rate_limit_exceeded'],
  ['500', 500, 'internal_error'],
])('fault %s is said as Stability says it', async (fault, status, name) => {
  simulator.setFault({ match: { family: 'stability' }, sequence: [fault] });
  const reply = await post('generate/core', { texts: PROMPT });
  const expected = fault === '400-content-policy' ? [400, 403] : [status];
  expect(expected).toContain(reply.status);
  expect(await reply.json()).toMatchObject({ name });
});

test('a filtered picture says so under 200', async () => {
  simulator.setFault({ match: { model: 'core' }, sequence: ['filtered'] });
  const reply = await post('generate/core', { texts: PROMPT });
  expect(made.parse(await reply.json()).finish_reason).toBe('CONTENT_FILTERED');
});
