/**
 * Face swaps, larger pictures and pictures without background, through the running gateway: whole pictures of the right
 * size, booked by their own meters; inputs as data URLs, https URLs, assets and parts of forms; and what is no picture
 * reaches nobody.
 *
 * @module
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { simulatedPng } from '../../src/simulators/media/png.ts';
import { openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf } from '../support/running-gateway.ts';
import { decodePng } from './files.ts';

const PICTURE = simulatedPng({ width: 60, height: 40 }, 'picture');
const FACE = simulatedPng({ width: 30, height: 30 }, 'face');

let lab: Lab;
let storage: Server;
let storageUrl: string;
beforeAll(async () => {
  storage = createServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: 'https://127.0.0.2/x' }).end();
    else if (request.url === '/page')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    else response.writeHead(200, { 'content-type': 'image/png' }).end(PICTURE);
  });
  await new Promise<void>((resolve) => {
    storage.listen(0, '127.0.0.1', resolve);
  });
  storageUrl = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
  lab = await openLab({
    config: 'simulators: on\nassets:\n  allowPrivateHosts: ["127.0.0.1"]\n',
  });
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
  await new Promise((resolve) => {
    storage.close(resolve);
  });
});

const dataUrl = (bytes: Buffer, type = 'image/png') =>
  `data:${type};base64,${bytes.toString('base64')}`;

interface Made {
  readonly data: readonly { readonly b64_json: string }[];
  readonly size: string;
  readonly usage: { readonly cost: string };
}

const sizeOf = (reply: Reply) => {
  const [one] = (reply.json as unknown as Made).data;
  const { width, height } = decodePng(Buffer.from(one?.b64_json ?? '', 'base64'));
  return `${width}x${height}`;
};

describe.each([
  {
    path: '/v1/images/face-swaps',
    body: { model: 'sim/face-swap', image: dataUrl(PICTURE), face_image: dataUrl(FACE) },
    size: '60x40',
    meter: 'face_swaps',
    cost: '0.002000000',
  },
  {
    path: '/v1/images/upscales',
    body: { model: 'sim/upscale', image: dataUrl(PICTURE), scale: 3, mode: 'conservative' },
    size: '180x120',
    meter: 'upscales',
    cost: '0.004000000',
  },
  {
    path: '/v1/images/background-removals',
    body: { model: 'sim/remove-background', image: dataUrl(PICTURE) },
    size: '60x40',
    meter: 'background_removals',
    cost: '0.000500000',
  },
] as const)('$path', ({ path, body, size, meter, cost }) => {
  it('makes a whole picture, counts its own meter, and is refused beyond it', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter, window: 'period', amount: 1 }],
    });
    const reply = await lab.call(path, { body, key: customer.apiKey });
    expect([reply.status, reply.text.slice(0, 200)]).toEqual([200, expect.any(String)]);
    expect([sizeOf(reply), (reply.json as unknown as Made).size]).toEqual([size, size]);
    expect(reply.headers.get('x-gateway-cost')).toBe(cost);
    expect(reply.headers.get('x-gateway-simulated')).toBe('true');
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ requests: 1, [meter]: 1, cost_usd: cost });
    const again = await lab.call(path, { body, key: customer.apiKey });
    expect(again.error).toMatchObject({ code: 'limit_exceeded', limits: [{ meter }] });
    expect(lab.simulator.log.length).toBeLessThanOrEqual(1);
  });

  it('costs what a quote says', async () => {
    const operation = {
      '/v1/images/face-swaps': 'image.face_swap',
      '/v1/images/upscales': 'image.upscale',
      '/v1/images/background-removals': 'image.remove_background',
    }[path];
    const reply = await lab.call('/v1/quotes', {
      body: {
        operations: [{ id: 'a', type: operation, model: body.model, image: { size: '60x40' } }],
        hold: { mode: 'all', ttl_s: 60 },
      },
    });
    const { hold } = reply.json as { hold: { token: string } };
    const { mode: _mode, ...plain } = body as typeof body & { mode?: string };
    const run = await lab.call(path, { body: plain, headers: { 'x-gateway-quote': hold.token } });
    expect([run.status, run.text.slice(0, 0)]).toEqual([200, '']);
    const [quoted] = reply.json['operations'] as { cost: { max: string } }[];
    expect(run.headers.get('x-gateway-cost')).toBe(quoted?.cost.max);
  });

  it.each([
    ['nothing', undefined, 400],
    ['a text', dataUrl(Buffer.from('<svg onload="x()"/>'), 'image/svg+xml'), 415],
    ['a type that lies', dataUrl(PICTURE, 'image/jpeg'), 400],
    ['an unknown asset', 'ast_00000000000000000000000000', 404],
    ['a private address', 'https://127.0.0.2/x.png', 400],
    ['a page', 'PAGE', 400],
    ['a way to a private address', 'AWAY', 400],
    ['a local path', '../../etc/passwd', 400],
  ])('with %s for a picture reaches nobody', async (_what, image, status) => {
    const named =
      image === 'PAGE' ? `${storageUrl}/page` : image === 'AWAY' ? `${storageUrl}/away` : image;
    const reply = await lab.call(path, { body: { ...body, image: named } });
    expect([reply.status, reply.error['param']]).toEqual([status, 'image']);
    expect(lab.simulator.log).toEqual([]);
  });
});

describe('a picture', () => {
  const work = { model: 'sim/remove-background' };
  const path = '/v1/images/background-removals';

  it('is the same as a data URL, an https URL, an asset and a part of a form', async () => {
    const upload = await lab.call('/v1/assets', {
      body: PICTURE,
      headers: { 'content-type': 'image/png' },
    });
    const form = new FormData();
    form.append('model', work.model);
    form.append('image', new Blob([new Uint8Array(PICTURE)]), '../../../etc/passwd');
    const replies = [
      await lab.call(path, { body: { ...work, image: dataUrl(PICTURE) } }),
      await lab.call(path, { body: { ...work, image: `${storageUrl}/a.png` } }),
      await lab.call(path, { body: { ...work, image: upload.json['id'] } }),
      await lab.call(path, { body: { ...work, image: { image_url: `${storageUrl}/a.png` } } }),
      await lab.call(path, { body: { ...work, image: { file_id: upload.json['id'] } } }),
      await readReply(
        await fetch(`${lab.url}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${lab.gateway.apiKey}` },
          body: form,
        }),
      ),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    const pictures = replies.map(({ json }) => (json as unknown as Made).data[0]?.b64_json);
    expect(new Set(pictures).size).toBe(1);
  });

  it('of another customer is not found', async () => {
    const upload = await lab.call('/v1/assets', {
      body: PICTURE,
      headers: { 'content-type': 'image/png' },
    });
    const other = await createCustomerKey(lab.gateway);
    const reply = await lab.call(path, {
      body: { ...work, image: upload.json['id'] },
      key: other.apiKey,
    });
    expect([reply.status, reply.error['param']]).toEqual([404, 'image']);
  });

  it('can be kept as an asset', async () => {
    const reply = await lab.call(path, {
      body: { ...work, image: dataUrl(PICTURE), response_format: 'url' },
    });
    const [{ url } = { url: '' }] = reply.json['data'] as { url: string }[];
    const kept = await fetch(url);
    expect(decodePng(Buffer.from(await kept.arrayBuffer()))).toEqual({ width: 60, height: 40 });
  });
});
