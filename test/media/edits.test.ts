/**
 * Edits through the running gateway, as a form and as JSON: the mask reaches the provider as a mask, and what is no
 * picture, or a mask of another size, reaches nobody.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf } from '../support/running-gateway.ts';
import { decodePng, pngOf } from './files.ts';

let lab: Lab;
const pictures = new Map<string, Buffer>();
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\n' });
  for (const size of ['64x64', '32x64']) {
    const reply = await lab.call('/v1/images/generations', {
      body: { model: 'sim/image', prompt: 'x', size },
    });
    const [one] = reply.json['data'] as { b64_json: string }[];
    pictures.set(size, Buffer.from(one?.b64_json ?? '', 'base64'));
  }
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

const dataUrl = (bytes: Buffer, type = 'image/png') =>
  `data:${type};base64,${bytes.toString('base64')}`;
const picture = (size = '64x64') => pictures.get(size) ?? Buffer.alloc(0);

function edit(body: Readonly<Record<string, unknown>>, key?: string): Promise<Reply> {
  return lab.call('/v1/images/edits', {
    body: { model: 'openai/dall-e-2', prompt: 'add a boat', size: '256x256', ...body },
    ...(key === undefined ? {} : { key }),
  });
}

async function editForm(parts: readonly (readonly [string, Buffer | string])[]): Promise<Reply> {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)]), `${name}.png`);
  }
  const headers = { authorization: `Bearer ${lab.gateway.apiKey}` };
  return await readReply(
    await fetch(`${lab.url}/v1/images/edits`, { method: 'POST', headers, body: form }),
  );
}

const TEXTS = [
  ['model', 'openai/dall-e-2'],
  ['prompt', 'add a boat'],
  ['size', '256x256'],
] as const;

describe('an edit', () => {
  it('is booked by the pictures that came, and limited by its own meter', async () => {
    const limits = [{ meter: 'image_edits', window: 'period', amount: 2 }] as const;
    const customer = await createCustomerKey(lab.gateway, { limits });
    const asked = { model: 'sim/image-edit', image: dataUrl(picture()), n: 2 };
    const reply = await edit(asked, customer.apiKey);
    expect(reply.status).toBe(200);
    const data = reply.json['data'] as { b64_json: string }[];
    expect(data.map((one) => decodePng(Buffer.from(one.b64_json, 'base64')).width)).toEqual([
      256, 256,
    ]);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ image_edits: 2, cost_usd: '0.006000000' });
    expect((await edit(asked, customer.apiKey)).error).toMatchObject({
      code: 'limit_exceeded',
      limits: [{ meter: 'image_edits' }],
    });
  });

  it('is the same as a form and as JSON, and its mask stays a mask', async () => {
    const json = await edit({
      images: [{ image_url: dataUrl(picture()) }],
      mask: { image_url: dataUrl(picture()) },
    });
    const form = await editForm([...TEXTS, ['image', picture()], ['mask', picture()]]);
    expect(json.status).toBe(200);
    expect(json.json['data']).toEqual(form.json['data']);
    const bodies = lab.simulator.log.map(({ requestBody = '' }) => requestBody);
    expect(bodies.map((body) => body.match(/; name="(?:image|mask)"/g))).toEqual([
      ['; name="image"', '; name="mask"'],
      ['; name="image"', '; name="mask"'],
    ]);
  });

  it.each([
    ['no picture', {}, 400, 'image'],
    ['a text', { image: dataUrl(Buffer.from('<svg onload="x()"/>')) }, 415, 'image'],
    ['an address', { image: 'https://example.com/a.png' }, 400, 'image'],
    ['broken base64', { image: 'data:image/png;base64,???' }, 400, 'image'],
    ['a stream of several', { image: 'data', stream: true, n: 2 }, 400, 'n'],
    ['an unknown way of editing', { image: 'data', mode: 'improve' }, 400, 'mode'],
    ['outpaint without by how much', { image: 'data', mode: 'outpaint' }, 400, 'expand'],
    ['a search without for what', { image: 'data', mode: 'search_and_replace' }, 400, 'search'],
    ['no prompt', { image: 'data', prompt: '' }, 400, 'prompt'],
  ])('with %s is refused, and nothing is asked', async (_what, body, status, param) => {
    const reply = await edit(body);
    expect([reply.status, reply.error['param']]).toEqual([status, param]);
    expect(lab.simulator.log).toEqual([]);
  });

  it('may be of another way than by instruction, with what it needs', async () => {
    const asked = { model: 'sim/image-edit', image: dataUrl(picture()), size: undefined };
    const grown = await edit({
      ...asked,
      prompt: undefined,
      mode: 'outpaint',
      expand: { left: 10, right: 20, up: 5 },
    });
    const [one] = grown.json['data'] as { b64_json: string }[];
    expect(decodePng(Buffer.from(one?.b64_json ?? '', 'base64'))).toEqual({
      width: 94,
      height: 69,
    });
    const replaced = await edit({
      ...asked,
      mode: 'search_and_replace',
      search: 'the boat',
      strength: 0.4,
    });
    expect(replaced.status).toBe(200);
  });

  it('that the model has no way for is refused, and what it does not take is named', async () => {
    const relight = await edit({ image: dataUrl(picture()), mode: 'relight' });
    expect([relight.status, relight.error['param']]).toEqual([400, 'mode']);
    expect(lab.simulator.log).toEqual([]);
    const close = await edit({ image: dataUrl(picture()), strength: 0.2 });
    expect(close.headers.get('x-gateway-warnings')).toContain('strength_dropped');
  });

  it('of a PNG that would grow out of proportion is refused', async () => {
    const bomb = pngOf({ width: 12_000, height: 12_000 }, Buffer.alloc(200_000));
    const reply = await edit({ image: dataUrl(bomb) });
    expect([reply.status, reply.error['param']]).toEqual([400, 'image']);
    expect(lab.simulator.log).toEqual([]);
  });

  it('of a picture of 25 MB is sent whole', async () => {
    const large = pngOf({ width: 4000, height: 6250 }, Buffer.alloc(25_000_000, 7));
    const reply = await edit({ image: dataUrl(large) });
    expect(reply.status).toBe(200);
    expect(lab.simulator.log[0]?.requestBody?.length).toBeGreaterThan(25_000_000);
  });

  it('with a mask of another size is refused', async () => {
    const reply = await edit({
      image: [dataUrl(picture())],
      mask: dataUrl(picture('32x64')),
    });
    expect([reply.status, reply.error['param']]).toEqual([400, 'mask']);
    expect(reply.error['message']).toContain('64 × 64');
  });

  it('with a picture that declares more than it can hold is refused', async () => {
    const bomb = Buffer.from(picture());
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const reply = await edit({ image: dataUrl(bomb) });
    expect([reply.status, reply.error['param']]).toEqual([400, 'image']);
  });

  it('of a file with another name is refused, naming it', async () => {
    const reply = await editForm([...TEXTS, ['image', picture()], ['extra', picture()]]);
    expect([reply.status, reply.error['param']]).toEqual([400, 'extra']);
  });

  it('whose form breaks off is refused', async () => {
    const reply = await lab.call('/v1/images/edits', {
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nhalf',
    });
    expect(reply.status).toBe(400);
  });
});
