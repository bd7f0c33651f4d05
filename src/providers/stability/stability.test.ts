import { decode, encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import type { ImageEditOptions, ImageOptions } from '../../contracts/image-provider.ts';
import { isJobExchange, type JobExchange, wholeExchange } from '../../contracts/job-provider.ts';
import type { MediaInput } from '../../contracts/media.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../contracts/wire.ts';
import { PICTURE_VARIANTS, PLAIN_EDIT, PLAIN_PICTURE } from '../image-samples.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { ENDPOINTS } from './endpoints.ts';
import { stability } from './provider.ts';

function png(channels: 3 | 4, alpha: readonly number[] = []): Buffer {
  const data = new Uint8Array(2 * channels).fill(7);
  alpha.forEach((value, at) => data.set([value], at * channels + 3));
  return Buffer.from(encode({ width: 2, height: 1, channels, depth: 8, data }));
}

const PICTURE: MediaInput = { bytes: png(3), mediaType: 'image/png', fileName: 'image.png' };
const MASK: MediaInput = { bytes: png(4, [0, 255]), mediaType: 'image/png', fileName: 'mask.png' };
const MADE = png(3).toString('base64');

const OPTIONS: ImageOptions = { ...PLAIN_PICTURE, size: '1024x1024' };
const EDIT: ImageEditOptions = { ...PLAIN_EDIT, images: [PICTURE] };
const VARIANTS = [...PICTURE_VARIANTS, { style: 'anime' }];

const WHOLE = { image: MADE, finish_reason: 'SUCCESS', seed: 343_940_597 };
const BROKEN = [
  {},
  { finish_reason: 'SUCCESS', seed: 1 },
  { image: Buffer.from('<html>no picture</html>').toString('base64'), finish_reason: 'SUCCESS' },
];
const CALL = {
  reply: WHOLE,
  usage: { images: 1 },
  broken: BROKEN,
  check: ({ images }: { readonly images: readonly { readonly bytes: Buffer | null }[] }) => {
    expect(images.map(({ bytes }) => bytes?.toString('base64'))).toEqual([MADE]);
  },
};

describeMediaProvider({
  definition: stability,
  inBandError: { id: 'a1', name: 'internal_error', errors: ['An unexpected server error.'] },
  generate: {
    ...CALL,
    model: 'core',
    options: OPTIONS,
    variants: [...VARIANTS, { size: '1600x900' }],
  },
  edit: {
    ...CALL,
    model: 'inpaint',
    options: { ...EDIT, mask: MASK },
    variants: [...VARIANTS, { mask: null }, { inputFidelity: 'high' }, { strength: 0.3 }],
  },
  upscale: {
    ...CALL,
    model: 'upscale-conservative',
    options: {
      image: { type: 'bytes', ...PICTURE },
      scale: null,
      mode: null,
      prompt: 'a lighthouse',
      outputFormat: null,
      extra: {},
    },
    variants: [{ prompt: 'a harbour' }, { outputFormat: 'webp' }, { extra: { creativity: 0.3 } }],
  },
  removeBackground: {
    ...CALL,
    model: 'remove-background',
    options: { image: { type: 'bytes', ...PICTURE }, outputFormat: null, extra: {} },
    variants: [{ outputFormat: 'webp' }, { extra: { further: 'option' } }],
  },
});

function targetOf(model: string): ProviderTarget {
  return { model, baseUrl: 'https://api.stability.test', credential: 'sk-test', settings: {} };
}

async function formOf(request: WireRequest): Promise<FormData> {
  const { headers, body } = request;
  return await new Response(new Uint8Array(body ?? Buffer.alloc(0)), {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
}

async function textsOf(request: WireRequest): Promise<Readonly<Record<string, string>>> {
  const form = await formOf(request);
  return Object.fromEntries(
    [...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function edited(model: string, options: Partial<ImageEditOptions> = {}) {
  const exchange = stability.imageEdit?.edit({ ...EDIT, ...options }, targetOf(model));
  if (exchange === undefined) throw new Error('no edits');
  return exchange;
}

function reply(
  status: number,
  body: Buffer | object,
  headers: Record<string, string> = {},
): WireReply {
  return {
    status,
    headers,
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  };
}

describe('the form', () => {
  test.each([
    ['1024x1024', '1:1', []],
    ['1920x1080', '16:9', []],
    ['1792x1024', '16:9', ['size']],
    ['640x1536', '9:21', ['size']],
  ])('has the ratio of %s: %s', async (size, ratio, named) => {
    const exchange = stability.imageGeneration?.generate({ ...OPTIONS, size }, targetOf('ultra'));
    const request = exchange?.request;
    if (request === undefined) throw new Error('no request');
    expect(request.path).toBe('/v2beta/stable-image/generate/ultra');
    expect(await textsOf(request)).toEqual({ prompt: 'a lighthouse', aspect_ratio: ratio });
    expect(exchange?.warnings.map(({ option }) => option)).toEqual(named);
  });

  test('names the model of Stable Diffusion, whatever the caller adds', async () => {
    const options = { ...OPTIONS, extra: { model: 'sd3.5-large' }, guidanceScale: 30 };
    const exchange = stability.imageGeneration?.generate(options, targetOf('sd3-medium'));
    if (exchange === undefined) throw new Error('no request');
    expect(exchange.request.path).toBe('/v2beta/stable-image/generate/sd3');
    expect(await textsOf(exchange.request)).toMatchObject({
      model: 'sd3.5-medium',
      cfg_scale: '10',
    });
    expect(exchange.warnings).toMatchObject([{ option: 'guidance_scale', action: 'clamped' }]);
  });

  test('has the mask as brightness: white where it was transparent', async () => {
    const file = (await formOf(edited('inpaint', { mask: MASK }).request)).get('mask');
    if (!(file instanceof File)) throw new Error('no mask');
    const sent = decode(await file.arrayBuffer());
    expect([sent.channels, [...sent.data]]).toEqual([1, [255, 0]]);
  });

  test.each([
    [
      'outpaint',
      { expand: { left: 10, right: 0, up: 0, down: 2000 } },
      { left: '10', down: '2000' },
    ],
    ['search-and-replace', { search: 'the sky' }, { search_prompt: 'the sky' }],
    ['search-and-recolor', { search: 'the sky' }, { select_prompt: 'the sky' }],
    ['sketch', { strength: 0.3 }, { control_strength: '0.7' }],
    ['structure', { strength: 1 }, { control_strength: '0' }],
    ['style', { strength: 0.5, size: '900x1600' }, { fidelity: '0.5', aspect_ratio: '9:16' }],
    ['style-transfer', { images: [PICTURE, PICTURE], strength: 0.5 }, { change_strength: '0.5' }],
    ['ultra', { strength: 0.2 }, { strength: '0.2' }],
    ['sd3.5-large', {}, { mode: 'image-to-image', model: 'sd3.5-large', strength: '0.6' }],
  ] as const)('of %s says %j', async (model, options, members) => {
    expect(await textsOf(edited(model, options).request)).toMatchObject(members);
  });

  test('of an edit names a strength that nobody asked for', () => {
    expect(edited('ultra').warnings).toMatchObject([{ option: 'strength', action: 'mapped' }]);
  });

  test('of style-transfer has the picture and the style under their names', async () => {
    const form = await formOf(edited('style-transfer', { images: [PICTURE, PICTURE] }).request);
    expect([...form.keys()]).toEqual(['prompt', 'init_image', 'style_image']);
  });
});

describe('is refused before anything is sent, naming the field:', () => {
  test.each([
    ['more than one picture', 'core', { n: 2 }, 'n'],
    ['no words', 'inpaint', { prompt: '', mask: MASK }, 'prompt'],
    ['a search without a word for it', 'search-and-replace', {}, 'search'],
    ['a mask where none is taken', 'outpaint', { mask: MASK }, 'mask'],
    ['a mask without transparency', 'inpaint', { mask: PICTURE }, 'mask'],
    ['no growth', 'outpaint', {}, 'expand'],
    ['too much growth', 'outpaint', { expand: { left: 2001, right: 0, up: 0, down: 0 } }, 'expand'],
    ['growth elsewhere', 'erase', { expand: { left: 1, right: 0, up: 0, down: 0 } }, 'expand'],
    ['another way than the endpoint', 'erase', { mode: 'inpaint' }, 'mode'],
    ['a second picture', 'inpaint', { images: [PICTURE, PICTURE], mask: MASK }, 'image'],
    ['one picture of two', 'style-transfer', {}, 'image'],
    ['a style that there is not', 'sketch', { style: 'baroque' }, 'style'],
    ['an endpoint that there is not', 'stable-diffusion-v1-6', {}, 'model'],
    [
      'a JPEG without a mask',
      'erase',
      { images: [{ ...PICTURE, mediaType: 'image/jpeg' }] },
      'mask',
    ],
  ] as const)('%s', (_what, model, options, param) => {
    expect(() => edited(model, options as Partial<ImageEditOptions>)).toThrow(
      expect.objectContaining({ code: 'invalid_request', param }),
    );
  });

  test('a picture that lies elsewhere', () => {
    const image = { type: 'url', url: 'https://example.test/a.png', mediaType: null } as const;
    const options = { image, outputFormat: null, extra: {} };
    expect(() =>
      stability.backgroundRemoval?.removeBackground(options, targetOf('remove-background')),
    ).toThrow(expect.objectContaining({ param: 'image' }));
  });
});

test('a picture that was blurred is filtered, and billed', () => {
  const filtered = reply(200, { ...WHOLE, finish_reason: 'CONTENT_FILTERED' });
  const { imageGeneration } = stability;
  if (imageGeneration === undefined) throw new Error('the provider makes pictures');
  const exchange = wholeExchange(imageGeneration.generate(OPTIONS, targetOf('core')));
  expect(() => exchange.read(filtered)).toThrow(
    expect.objectContaining({
      failure: expect.objectContaining({ kind: 'content_filtered', usage: { images: 1 } }),
    }),
  );
});

describe('work that is followed', () => {
  const { jobs } = stability;
  const ticket = { id: 'f00', paths: { poll: '/v2beta/results/f00' } };

  function creative(): JobExchange {
    const image = { type: 'bytes', ...PICTURE } as const;
    const options = { image, scale: null, mode: null, prompt: 'x', outputFormat: null, extra: {} };
    const exchange = stability.imageUpscale?.upscale(options, targetOf('creative'));
    if (exchange === undefined || !isJobExchange(exchange)) throw new Error('no job');
    return exchange;
  }

  test('is accepted under an id, by which it is asked for', () => {
    const start = creative().readStart(reply(200, { id: 'f00' }));
    expect(start).toMatchObject({ type: 'accepted', ticket });
    expect(jobs?.poll(ticket, targetOf('creative'))).toMatchObject({
      method: 'GET',
      path: '/v2beta/results/f00',
      headers: { authorization: 'Bearer sk-test', accept: '*/*' },
    });
  });

  test('may be a new background with its light', async () => {
    const exchange = edited('replace-background-and-relight', {
      mode: 'relight',
      prompt: 'a beach at dusk',
      images: [PICTURE, PICTURE],
    });
    if (!isJobExchange(exchange)) throw new Error('no job');
    const form = await formOf(exchange.request);
    expect([...form.keys()]).toEqual([
      'background_prompt',
      'subject_image',
      'background_reference',
    ]);
    expect(exchange.readStart(reply(200, { id: 'f00' }))).toMatchObject({
      type: 'accepted',
      ticket,
    });
  });

  test.each([[{}], [{ id: '../../v1/user/balance' }], [{ id: '' }], [{ id: 7 }]])(
    'is not accepted with %j',
    (body) => {
      expect(() => creative().readStart(reply(200, body))).toThrow(/without an id/);
    },
  );

  test('is pending while the answer is 202, and ends with the picture', () => {
    expect(jobs?.readPoll(ticket, reply(202, { id: 'f00', status: 'in-progress' }))).toMatchObject({
      type: 'pending',
      stage: 'running',
    });
    const bytes = reply(200, PICTURE.bytes, {
      'content-type': 'image/png',
      'finish-reason': 'SUCCESS',
    });
    const json = reply(200, { result: MADE, finish_reason: 'SUCCESS', seed: 1 });
    for (const whole of [bytes, json]) {
      expect(jobs?.readPoll(ticket, whole)).toMatchObject({
        type: 'succeeded',
        result: { outputs: [{ mediaType: 'image/png' }], facts: { usage: { images: 1 } } },
      });
    }
  });

  test('that was blurred has failed and is billed', () => {
    const blurred = reply(200, PICTURE.bytes, {
      'content-type': 'image/png',
      'finish-reason': 'CONTENT_FILTERED',
    });
    expect(jobs?.readPoll(ticket, blurred)).toMatchObject({
      type: 'failed',
      isBilled: true,
      failure: { kind: 'content_filtered' },
    });
  });

  test('is asked for again where the answer cannot be read', () => {
    const page = reply(200, Buffer.from('<html></html>'), { 'content-type': 'text/html' });
    expect(() => jobs?.readPoll(ticket, page)).toThrow(/not JSON/);
  });
});

describe('errors', () => {
  test.each([
    [
      400,
      'bad_request',
      'strength: must be less than or equal to 1',
      'invalid_request',
      'strength',
    ],
    [401, 'unauthorized', 'invalid or missing authorization header value', 'auth', null],
    [402, 'payment_required', 'You lack sufficient credits.', 'credit', null],
    [403, 'content_moderation', 'Your request was flagged.', 'content_filtered', null],
    [404, 'generation_not_found', 'id: the generation has expired.', 'invalid_request', 'id'],
    [
      413,
      'payload_too_large',
      'body: payloads cannot be larger than 10MiB',
      'invalid_request',
      'body',
    ],
    [422, 'invalid_language', 'English is the only supported language.', 'invalid_request', null],
    [422, 'public_figure', 'Our system detected a public figure.', 'content_filtered', null],
    [500, 'internal_error', 'An unexpected server error.', 'server_error', null],
  ])('%i %s', (status, name, sentence, kind, param) => {
    const failure = stability.readError(reply(status, { id: 'a1', name, errors: [sentence] }));
    expect(failure).toMatchObject({ kind, param, message: sentence, providerCode: name });
  });

  test('a rate limit lasts a minute where no header says otherwise', () => {
    const body = { id: 'a', name: 'rate_limit_exceeded', errors: ['timed out for 60 seconds'] };
    expect(stability.readError(reply(429, body))).toMatchObject({
      kind: 'rate_limited',
      waitMs: 60_000,
    });
    expect(stability.readError(reply(429, body, { 'retry-after': '7' })).waitMs).toBe(7000);
  });

  test('pages of a proxy are faults of the server', () => {
    expect(stability.readError(reply(502, Buffer.from('<html>')))).toMatchObject({
      kind: 'server_error',
      message: 'Stability answered with status 502 and no message.',
    });
  });
});

test('every endpoint is below the ones that are documented, and named once an operation', () => {
  const names = ENDPOINTS.map(({ id, operation }) => `${operation} ${id}`);
  expect(new Set(names).size).toBe(names.length);
  for (const { path } of ENDPOINTS)
    expect(path).toMatch(/^\/(generate|edit|control|upscale)\/[a-z0-9-]+$/);
});
