/**
 * Stored media over HTTP: upload, ranges, signed URLs, who may see what (reliability F113).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab, type Lab, type Reply } from '../support/lab.ts';
import { mp4Head, pngOf, SAMPLES, wavOf } from '../support/media-samples.ts';
import { createCustomerKey, type CustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
let other: CustomerKey;
beforeAll(async () => {
  lab = await openLab({
    providers: 'none',
    config: 'assets: { maxBytes: 1mb, maxPixels: 1000000 }',
  });
  other = await createCustomerKey(lab.gateway);
});
afterAll(() => lab.close());

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Files below the asset folder, as paths in it. */
function files(): string[] {
  const directory = join(lab.gateway.dataDir, 'assets');
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
}

function upload(
  body: Buffer,
  type = 'application/octet-stream',
  more: { path?: string; key?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { path = '/v1/assets', headers, ...rest } = more;
  return lab.call(path, {
    method: 'POST',
    body,
    headers: { 'content-type': type, ...headers },
    ...rest,
  });
}

function form(
  body: Buffer,
  { part = 'file', name = 'a.png', type = 'image/png' } = {},
): Promise<Response> {
  const data = new FormData();
  data.set(part, new Blob([Uint8Array.from(body)], { type }), name);
  return fetch(`${lab.url}/v1/assets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.gateway.apiKey}` },
    body: data,
  });
}

async function read(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(path.startsWith('http') ? path : lab.url + path, {
    method,
    headers,
  });
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

const keyed = (): Record<string, string> => ({ authorization: `Bearer ${lab.gateway.apiKey}` });
const idOf = (reply: Reply): string => String(reply.json['id']);

describe('an upload', () => {
  it.each(SAMPLES)('is taken for what its bytes are: %s', async (type, bytes) => {
    const reply = await upload(bytes);
    expect(reply.status, reply.text).toBe(201);
    expect(reply.json).toMatchObject({
      object: 'asset',
      type,
      bytes: bytes.length,
      sha256: sha256(bytes),
    });
    const { response, bytes: read1 } = await read(`/v1/assets/${idOf(reply)}`, keyed());
    expect(response.headers.get('content-type')).toBe(type);
    expect(read1.equals(bytes)).toBe(true);
  });

  it('knows the size of a picture, and keeps a name without its path', async () => {
    const response = await form(pngOf(7, 5), { name: '../../etc/pass"wd\r\n.png' });
    const shown = (await response.json()) as Record<string, unknown>;
    expect(response.status).toBe(201);
    expect(shown).toMatchObject({ width: 7, height: 5 });
    expect(String(shown['name'])).not.toMatch(/[/\r\n]/);
    const raw = await upload(pngOf(7, 5), 'image/png', {
      path: '/v1/assets?name=..%2F..%2Fb%00.png',
    });
    expect(raw.json['name']).toBe('b.png');
    expect(raw.json['sha256']).toBe(shown['sha256']);
    const stored = files().filter((path) => path.endsWith(String(shown['sha256'])));
    const hash = String(shown['sha256']);
    expect(stored).toEqual([`${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`]);
  });

  it.each([
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
      'image/svg+xml',
      415,
    ],
    ['SVG as PNG', '<?xml version="1.0"?><svg/>', 'image/png', 415],
    ['HTML', '<!doctype html><script>alert(1)</script>', 'text/html', 415],
    ['text', 'hello', 'text/plain', 415],
    ['a PDF', '%PDF-1.7\n', 'application/pdf', 415],
    ['nothing', '', 'image/png', 400],
    ['a WAV that says it is a PNG', wavOf(10), 'image/png', 400],
    ['a PNG that says it is SVG', pngOf(1, 1), 'image/svg+xml', 400],
    ['too many pixels', pngOf(1001, 1000), 'image/png', 400],
    ['pixels that its bytes cannot hold', pngOf(1, 1, { claimed: [1000, 1000] }), 'image/png', 400],
    ['a picture without a size', pngOf(1, 1, { claimed: [0, 7] }), 'image/png', 400],
    ['a cut header', pngOf(1, 1).subarray(0, 20), 'image/png', 400],
    [
      'more bytes than are taken',
      Buffer.concat([mp4Head(), Buffer.alloc(1024 * 1024)]),
      'video/mp4',
      413,
    ],
  ])('is refused: %s', async (_what, body, type, status) => {
    const before = files();
    const reply = await upload(Buffer.from(body), type);
    expect(reply.status, reply.text).toBe(status);
    expect(String(reply.error['message'])).not.toBe('');
    expect(files()).toEqual(before);
  });

  it('is refused as a form of another shape', async () => {
    const before = files();
    expect((await form(pngOf(1, 1), { part: 'image' })).status).toBe(400);
    const two = new FormData();
    two.append('file', new Blob([Uint8Array.from(pngOf(1, 1, { shade: 9 }))]), 'a');
    two.append('file', new Blob([Uint8Array.from(pngOf(1, 2, { shade: 9 }))]), 'b');
    const response = await fetch(`${lab.url}/v1/assets`, {
      method: 'POST',
      headers: keyed(),
      body: two,
    });
    expect(response.status).toBe(400);
    const broken = await upload(Buffer.from('--x'), 'multipart/form-data; boundary=x');
    expect(broken.status).toBe(400);
    expect((await upload(Buffer.from('--x'), 'multipart/form-data')).status).toBe(400);
    expect(files()).toEqual(before);
  });

  it('is made once under an idempotency key, whatever it is', async () => {
    const headers = { 'idempotency-key': 'upload-1' };
    const first = await upload(pngOf(4, 4), 'image/png', { headers });
    const again = await upload(pngOf(4, 4), 'image/png', { headers });
    expect(again.json).toEqual(first.json);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await upload(pngOf(4, 5), 'image/png', { headers })).status).toBe(422);
    expect(files().filter((path) => path.startsWith('tmp/'))).toEqual([]);
  });
});

describe('an import', () => {
  const url = `data:image/png;base64,${pngOf(8, 3).toString('base64')}`;

  it('stores what a data URL or another asset holds', async () => {
    const reply = await lab.call('/v1/assets', { body: { url, name: 'a/b.png' } });
    expect(reply.status, reply.text).toBe(201);
    expect(reply.json).toMatchObject({ type: 'image/png', width: 8, height: 3, name: 'b.png' });
    const copy = await lab.call('/v1/assets', { body: { url: idOf(reply) } });
    expect(copy.json['sha256']).toBe(reply.json['sha256']);
    expect(copy.json['id']).not.toBe(reply.json['id']);
    const theirs = await lab.call('/v1/assets', { body: { url: idOf(reply) }, key: other.apiKey });
    expect(theirs.status).toBe(404);
  });

  it('is made once under an idempotency key', async () => {
    const headers = { 'idempotency-key': 'import-1' };
    const first = await lab.call('/v1/assets', { body: { url }, headers });
    expect((await lab.call('/v1/assets', { body: { url }, headers })).json).toEqual(first.json);
    expect((await lab.call('/v1/assets', { body: { url, name: 'x' }, headers })).status).toBe(422);
  });

  it.each([
    [{}, 'url'],
    [{ url, extra: 1 }, 'extra'],
    [{ url: 7 }, 'url'],
    [{ url: 'cat.png' }, 'url'],
    [{ url: 'https://169.254.169.254/latest/meta-data' }, 'url'],
    [{ url: 'http://127.0.0.1:1/' }, 'url'],
    [{ url: url.replace('image/png', 'audio/wav') }, 'url'],
  ])('is refused naming the member: %j', async (body, param) => {
    const reply = await lab.call('/v1/assets', { body });
    expect(reply.status).toBe(400);
    expect(reply.error['param']).toBe(param);
  });
});

describe('a download', () => {
  const content = Buffer.concat([
    mp4Head(),
    Buffer.from(Array.from({ length: 976 }, (_, n) => n % 251)),
  ]);
  let path = '';
  let url = '';
  beforeAll(async () => {
    const reply = await upload(content, 'video/mp4', { path: '/v1/assets?name=Kätzchen.mp4' });
    path = `/v1/assets/${idOf(reply)}`;
    url = String(reply.json['url']);
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=990-', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=995-5000', 995, 1000],
    ['bytes=-5000', 0, 1000],
    ['bytes=0-0', 0, 1],
    ['bytes=5000-,3-4', 3, 5],
  ])('has the range %s', async (range, from, to) => {
    const { response, bytes } = await read(path, { ...keyed(), range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/1000`);
    expect(bytes.equals(content.subarray(from, to))).toBe(true);
  });

  it.each(['bytes=1000-', 'bytes=-0', 'bytes=5-2', 'bytes=x-y', 'bytes=', 'bytes=1000-1001,2000-'])(
    'refuses the range %s',
    async (range) => {
      const { response, bytes } = await read(path, { ...keyed(), range });
      expect(response.status).toBe(416);
      expect(response.headers.get('content-range')).toBe('bytes */1000');
      expect(bytes.toString()).toContain('range_not_satisfiable');
    },
  );

  it.each([
    'items=0-1',
    `bytes=${Array.from({ length: 17 }, () => '0-0').join(',')}`,
    'bytes=0-999,0-999',
  ])('sends the whole where a range is not worth following: %s', async (range) => {
    const { response, bytes } = await read(path, { ...keyed(), range });
    expect(response.status).toBe(200);
    expect(bytes.equals(content)).toBe(true);
  });

  it('has several ranges as one multipart body', async () => {
    const { response, bytes } = await read(path, { ...keyed(), range: 'bytes=0-3, 100-109,-2' });
    expect(response.status).toBe(206);
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(
      response.headers.get('content-type') ?? '',
    )?.[1];
    expect(Number(response.headers.get('content-length'))).toBe(bytes.length);
    const parts = bytes.toString('latin1').split(`\r\n--${boundary}`);
    expect(parts.at(-1)).toBe('--\r\n');
    expect(parts.slice(1, -1)).toEqual(
      [
        [0, 3],
        [100, 109],
        [998, 999],
      ].map(
        ([first = 0, last = 0]) =>
          `\r\ncontent-type: video/mp4\r\ncontent-range: bytes ${first}-${last}/1000\r\n\r\n${content.toString('latin1', first, last + 1)}`,
      ),
    );
  });

  it('knows what the client has', async () => {
    const tag = `"${sha256(content)}"`;
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const { response, bytes } = await read(path, { ...keyed(), 'if-none-match': known });
      expect(response.status).toBe(304);
      expect(bytes).toHaveLength(0);
      expect(response.headers.get('etag')).toBe(tag);
    }
    expect((await read(path, { ...keyed(), 'if-none-match': '"x"' })).response.status).toBe(200);
    const range = 'bytes=0-1';
    expect((await read(path, { ...keyed(), range, 'if-range': tag })).response.status).toBe(206);
    expect((await read(path, { ...keyed(), range, 'if-range': '"x"' })).response.status).toBe(200);
  });

  it('can be asked for by HEAD', async () => {
    const { response, bytes } = await read(path, keyed(), 'HEAD');
    expect(response.status).toBe(200);
    expect(bytes).toHaveLength(0);
    expect(response.headers.get('content-length')).toBe('1000');
    expect((await read(path, {}, 'HEAD')).response.status).toBe(401);
  });

  it('cannot be run by a browser as a page of this origin', async () => {
    const { response } = await read(url);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    expect(response.headers.get('content-disposition')).toBe(
      `inline; filename="K_tzchen.mp4"; filename*=UTF-8''K%C3%A4tzchen.mp4`,
    );
  });

  it('needs no key under its signed URL, and no other URL will do', async () => {
    expect(url.startsWith(`${lab.url}${path}?`)).toBe(true);
    expect((await read(url)).bytes.equals(content)).toBe(true);
    const signed = new URL(url);
    const forged = (change: (query: URLSearchParams) => void): string => {
      const copy = new URL(signed);
      change(copy.searchParams);
      return copy.href;
    };
    const expires = Number(signed.searchParams.get('expires'));
    const wrong = [
      forged((query) => query.set('expires', String(expires + 1))),
      forged((query) => query.set('expires', '1')),
      forged((query) => query.delete('expires')),
      forged((query) => query.set('signature', '')),
      forged((query) => query.set('signature', 'A'.repeat(22))),
      url.replace(path, '/v1/assets/ast_00000000000000000000000000'),
    ];
    const bodies = new Set<string>();
    for (const one of wrong) {
      const { response, bytes } = await read(one);
      expect(response.status).toBe(403);
      bodies.add(bytes.toString().replaceAll(response.headers.get('x-request-id') ?? '', ''));
    }
    expect([...bodies]).toHaveLength(1);
    expect((await read(path)).response.status).toBe(401);
  });

  it('is not there for another customer', async () => {
    const headers = { authorization: `Bearer ${other.apiKey}` };
    expect((await read(path, headers)).response.status).toBe(404);
    expect((await read(path, headers, 'DELETE')).response.status).toBe(404);
    expect(
      (await read(path, { authorization: `Bearer ${lab.gateway.adminKey}` })).response.status,
    ).toBe(403);
    expect((await read(path, keyed())).response.status).toBe(200);
  });
});

describe('a removal', () => {
  it('leaves the bytes to whoever else owns them', async () => {
    const bytes = pngOf(6, 6);
    const mine = await upload(bytes);
    const theirs = await upload(bytes, 'image/png', { key: other.apiKey });
    const has = (): boolean => files().some((path) => path.endsWith(sha256(bytes)));
    expect((await lab.call(`/v1/assets/${idOf(mine)}`, { method: 'DELETE' })).json).toEqual({
      id: idOf(mine),
      object: 'asset',
      deleted: true,
    });
    expect((await lab.call(`/v1/assets/${idOf(mine)}`, { method: 'DELETE' })).status).toBe(404);
    expect((await read(String(mine.json['url']))).response.status).toBe(404);
    expect(has()).toBe(true);
    expect((await read(String(theirs.json['url']))).bytes.equals(bytes)).toBe(true);
    const gone = await lab.call(`/v1/assets/${idOf(theirs)}`, {
      method: 'DELETE',
      key: other.apiKey,
    });
    expect(gone.status).toBe(200);
    expect(has()).toBe(false);
  });
});
