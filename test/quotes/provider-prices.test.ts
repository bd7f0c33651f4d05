/**
 * Quotes where a provider tells what its calls cost: its figure is shown beside the price book's, narrows what is expected, and is never
 * waited for long, nor ever what is held.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, openLab, type Lab } from '../support/lab.ts';

const CLIP = 'wavespeed/alibaba/wan-2.5/text-to-video';
const PICTURE = 'wavespeed/wavespeed-ai/qwen-image/text-to-image';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

interface Shown {
  readonly id: string;
  readonly cost: { readonly min: string; readonly expected: string; readonly max: string };
  readonly confidence: string;
  readonly provider_price: string | null;
}

async function quoted(operations: readonly object[]): Promise<{
  readonly id: string;
  readonly operations: readonly Shown[];
  readonly warnings: readonly { readonly code: string; readonly operation: string }[];
}> {
  const reply = await lab.call('/v1/quotes', { body: { operations } });
  expect(reply.status, reply.text).toBe(200);
  return reply.json as never;
}

const clip = (video: object, more: object = {}) => ({
  type: 'video.generate',
  model: CLIP,
  video,
  ...more,
});

function asked(): readonly unknown[] {
  return lab.simulator.log
    .filter(({ path }) => path.endsWith('/model/price'))
    .map(({ requestBody = '' }) => JSON.parse(requestBody) as unknown);
}

test('an exact price is the book’s; another figure of the provider is shown and warned of', async () => {
  const { id, operations, warnings } = await quoted([
    clip({ seconds: 10, resolution: '720p' }, { count: 2 }),
  ]);
  // A dollar for ten seconds by the book, twenty per cent less by the provider; twice.
  expect(operations[0]).toMatchObject({
    cost: { min: '2.000000000', expected: '2.000000000', max: '2.000000000' },
    confidence: 'exact',
    provider_price: '1.600000000',
  });
  expect(warnings.map(({ code }) => code)).toEqual(['provider_price_differs']);
  expect(asked()).toEqual([
    { model_id: 'alibaba/wan-2.5/text-to-video', inputs: { duration: 10, size: '1280*720' } },
  ]);
  const again = await lab.call(`/v1/quotes/${id}`);
  expect(again.json['operations']).toMatchObject([{ provider_price: '1.600000000' }]);
});

test('within the book’s range it is what is expected', async () => {
  const { operations } = await quoted([clip({ seconds: 10, resolution: 'auto' })]);
  expect(operations[0]).toMatchObject({
    cost: { min: '0.500000000', expected: '0.800000000', max: '1.500000000' },
    provider_price: '0.800000000',
  });
});

test('what hangs on the length of what is sent is not asked about, nor what others make', async () => {
  const { operations } = await quoted([
    { type: 'video.upscale', model: 'wavespeed/wavespeed-ai/flashvsr', input: { seconds: 5 } },
    { type: 'image.generate', model: PICTURE, image: { n: 2, size: '1024x1024' } },
    { type: 'image.generate', model: 'fal/fal-ai/flux/schnell' },
  ]);
  expect(operations.map((one) => one.provider_price)).toEqual([null, null, null]);
  expect(asked()).toEqual([]);
});

test.each(['500', '429', 'reset-in-headers', 'bad-json'])(
  'a provider that fails changes nothing: %s',
  async (fault) => {
    lab.simulator.setFault({
      match: { model: 'wavespeed-ai/qwen-image/text-to-image' },
      sequence: [fault],
    });
    const { operations, warnings } = await quoted([{ type: 'image.generate', model: PICTURE }]);
    expect(operations[0]).toMatchObject({
      cost: { expected: '0.030000000' },
      provider_price: null,
    });
    expect(warnings).toEqual([]);
    expect(asked()).toHaveLength(1);
  },
);

test('who pays another price than the book’s is not told', async () => {
  const rule = { match: 'wavespeed/*', markup_percent: '10' };
  const made = await lab.call('/admin/v1/price-rules', { key: ADMIN_KEY, body: rule });
  expect(made.status, made.text).toBe(201);
  const { operations } = await quoted([{ type: 'image.generate', model: PICTURE }]);
  expect(operations[0]).toMatchObject({ cost: { max: '0.033000000' }, provider_price: null });
  expect(asked()).toEqual([]);
});
