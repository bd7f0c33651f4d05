/**
 * Media that calls name: what may be fetched from where, and what becomes of answers that are not what they seem
 * (reliability F61–F64).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pngOf, wavOf } from '../../test/support/media-samples.ts';
import { createFakeAssets } from '../dialects/admin/testing/fake-assets.ts';
import { AssetUrls } from './asset-urls.ts';
import { Assets } from './assets.ts';
import { createDiskBlobs } from './disk-blobs.ts';
import { MediaFetcher } from './media-fetcher.ts';
import { MediaInputs, type InputRules } from './media-inputs.ts';
import { Staging } from './staging.ts';

const PNG = pngOf(3, 2);
const MAX_BYTES = 100_000;
const rules: InputRules = { customerId: 'cus_1', param: 'image', kinds: ['image'] };

let directory = '';
let assets: Assets;
let server: ReturnType<typeof createServer>;
let port = 0;
let seen: string[] = [];
/** Allows 127.0.0.1, and nobody else. */
let open: MediaInputs;
let strict: MediaInputs;

function inputsFor(allowPrivateHosts: readonly string[]): MediaInputs {
  const fetcher = new MediaFetcher({
    policy: { allowPrivateHosts },
    userAgent: 'test',
    connectTimeoutMs: 500,
    timeoutMs: 600,
    idleMs: 300,
  });
  return new MediaInputs(assets, fetcher);
}

/** Answers that the paths of the server name. */
const ANSWERS: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
> = {
  '/png': (_request, response) => response.setHeader('content-type', 'text-free/anything').end(PNG),
  '/png-as-audio': (_request, response) => response.setHeader('content-type', 'audio/wav').end(PNG),
  '/wav': (_request, response) => response.end(wavOf(10)),
  '/404': (_request, response) => response.writeHead(404).end(PNG),
  '/500': (_request, response) => response.writeHead(500).end('no'),
  '/206': (_request, response) => response.writeHead(206).end(PNG),
  '/html': (_request, response) =>
    response.setHeader('content-type', 'text/html').end('<html>sign in</html>'),
  '/html-as-png': (_request, response) =>
    response.setHeader('content-type', 'image/png').end('<html>sign in</html>'),
  '/svg': (_request, response) =>
    response.setHeader('content-type', 'image/svg+xml').end('<svg><script/></svg>'),
  '/empty': (_request, response) => response.end(),
  '/gzip': (_request, response) => response.setHeader('content-encoding', 'gzip').end(PNG),
  '/huge': (_request, response) =>
    response.setHeader('content-length', String(MAX_BYTES + 1)).write(PNG),
  '/endless': (_request, response) => {
    response.write(PNG);
    const timer = setInterval(() => response.write(Buffer.alloc(20_000)), 1);
    response.on('close', () => clearInterval(timer));
  },
  '/short': (_request, response) => {
    response.writeHead(200, { 'content-length': '5000' }).write(PNG);
    setTimeout(() => response.destroy(), 10);
  },
  '/silent': () => undefined,
  '/stalls': (_request, response) => response.write(PNG),
  '/drips': (_request, response) => {
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  },
  '/cut': (request) => request.socket.destroy(),
  '/nowhere': (_request, response) => response.writeHead(302).end(),
  '/loop': (_request, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/hop1': (_request, response) => response.writeHead(301, { location: '/hop2' }).end(),
  '/hop2': (_request, response) =>
    response.writeHead(307, { location: `http://127.0.0.1:${port}/hop3` }).end(),
  '/hop3': (_request, response) => response.writeHead(308, { location: 'png' }).end(),
  '/hop0': (_request, response) => response.writeHead(303, { location: '/hop1' }).end(),
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-inputs-'));
  const staging = new Staging({
    directory: join(directory, 'tmp'),
    maxPixels: 10_000,
    keepFreeBytes: 0,
  });
  await staging.open();
  let made = 0;
  assets = new Assets({
    records: createFakeAssets(),
    blobs: createDiskBlobs(directory),
    staging,
    urls: new AssetUrls('a secret of the test'),
    settings: {
      maxBytes: MAX_BYTES,
      publicUrl: '',
      urlTtlMs: 1000,
      expiresByPlan: false,
      expireAfterMs: () => null,
    },
    ids: { next: (prefix) => `${prefix}_${(made += 1)}` },
    nowMs: () => 1000,
    planOf: async () => null,
    onFault: (error) => {
      throw error;
    },
  });
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    const to = /^\/to\?(.*)$/.exec(request.url ?? '')?.[1];
    if (to !== undefined) response.writeHead(302, { location: decodeURIComponent(to) }).end();
    else ANSWERS[request.url ?? '']?.(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
  open = inputsFor(['127.0.0.1']);
  strict = inputsFor([]);
});
beforeEach(() => {
  seen = [];
});
afterAll(async () => {
  await open.close();
  await strict.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(directory, { recursive: true });
});

/** What becomes of an input: the type of the file, or code and text of the refusal. Leaves no file behind. */
async function outcome(
  inputs: MediaInputs,
  text: string,
  more: Partial<InputRules> = {},
): Promise<string> {
  try {
    const file = await inputs.resolve({ type: 'text', text }, { ...rules, ...more });
    const { type, bytes } = file;
    await file.release();
    return `${type} ${bytes}`;
  } catch (error) {
    const { code, param, message } = error as { code?: string; param?: string; message: string };
    expect(param).toBe('image');
    return `${code}: ${message}`;
  } finally {
    expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
  }
}

const here = (path: string): string => `http://127.0.0.1:${port}${path}`;

/** Hosts that no caller may reach, in every spelling that URL parsers know. */
const FORBIDDEN_HOSTS = [
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  '127.0.0.1',
  '127.1',
  '127.255.255.254',
  '2130706433',
  '0x7f.1',
  '0x7f000001',
  '0177.0.0.1',
  '017700000001',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '0',
  '0.0.0.0',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '169.254.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::127.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::a00:1]',
  '[100::1]',
  '[2001::1]',
  '[2001:db8::1]',
  '[2002:7f00:1::]',
  '[3fff::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[4000::1]',
];
const FORBIDDEN_URLS = [
  ...FORBIDDEN_HOSTS.map((host) => `https://${host}/x.png`),
  'https://user:secret@example.com/x.png',
  'http://example.com/x.png',
  'https://example.com:8443/x.png',
  'https://example.com:22/',
];
const UNREACHABLE = /^invalid_request: image: must be an https URL whose host can be reached/;

describe('a URL', () => {
  it.each(FORBIDDEN_URLS)('may not be %s', async (url) => {
    expect(await outcome(strict, url)).toMatch(UNREACHABLE);
  });

  it.each(
    FORBIDDEN_URLS.filter(
      (url) => !/\/\/(?:127\.0\.0\.1|127\.1|2130706433|0x7f|017|127。|①)/.test(url),
    ),
  )('may not be redirected to %s', async (url) => {
    expect(await outcome(open, here(`/to?${encodeURIComponent(url)}`))).toMatch(UNREACHABLE);
    expect(seen).toHaveLength(1);
  });

  it.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'ftp://127.0.0.1/',
    'data:image/png;base64,AAAA',
    '//',
    '',
  ])('may not be redirected to another scheme: %s', async (url) => {
    expect(await outcome(open, here(`/to?${encodeURIComponent(url)}`))).toMatch(/^invalid_request/);
  });

  it('on this machine is only reached where the operator allows it', async () => {
    expect(await outcome(strict, here('/png'))).toMatch(UNREACHABLE);
    expect(seen).toEqual([]);
    expect(await outcome(open, here('/png'))).toBe(`image/png ${PNG.length}`);
    // The same machine under another name is another host.
    expect(await outcome(open, `http://localhost:${port}/png`)).toMatch(UNREACHABLE);
  });

  it('is followed through few redirects, each of them checked', async () => {
    expect(await outcome(open, here('/hop1'))).toBe(`image/png ${PNG.length}`);
    expect(seen).toEqual(['/hop1', '/hop2', '/hop3', '/png']);
    expect(await outcome(open, here('/hop0'))).toMatch(/redirects more than 3 times/);
    expect(await outcome(open, here('/loop'))).toMatch(/redirects more than 3 times/);
    expect(await outcome(open, here('/nowhere'))).toMatch(/redirect to nowhere/);
  });

  it.each([
    ['/404', 'invalid_request: image: its URL answered 404.'],
    ['/500', 'invalid_request: image: its URL answered 500.'],
    ['/206', 'invalid_request: image: its URL answered 206.'],
    ['/html', 'invalid_request: image: its URL answered with text/html, which is no media.'],
    ['/html-as-png', 'unsupported_media_type: image: is no image, audio or video by its bytes.'],
    ['/svg', 'unsupported_media_type: image: is no image, audio or video by its bytes.'],
    ['/wav', 'unsupported_media_type: image: must be image, but its bytes are audio/wav.'],
    ['/empty', 'invalid_request: image: is empty.'],
    ['/gzip', 'invalid_request: image: its URL answered with a compressed body.'],
    ['/huge', 'payload_too_large: image: its URL has more than'],
    ['/endless', 'payload_too_large: image: larger than'],
    ['/short', 'invalid_request: image: its URL did not deliver all it has in time.'],
    ['/silent', 'invalid_request: image: must be an https URL'],
    ['/stalls', 'invalid_request: image: its URL did not deliver all it has in time.'],
    ['/drips', 'invalid_request: image: its URL did not deliver all it has in time.'],
    ['/cut', 'invalid_request: image: must be an https URL'],
  ])('that answers %s is refused for what it is', async (path, expected) => {
    expect(await outcome(open, here(path))).toContain(expected);
  });

  it('is taken for what its bytes are, whatever its server says', async () => {
    expect(await outcome(open, here('/png-as-audio'))).toBe(`image/png ${PNG.length}`);
  });
});

describe('a data URL', () => {
  const png = PNG.toString('base64');
  it.each([
    [`data:image/png;base64,${png}`, `image/png ${PNG.length}`],
    [`DATA:image/x-png;charset=utf-8;base64,${png}`, `image/png ${PNG.length}`],
    [`data:;base64,${png}`, `image/png ${PNG.length}`],
    [`data:application/octet-stream;base64,${png}`, `image/png ${PNG.length}`],
    [
      `data:image/jpeg;base64,${png}`,
      'invalid_request: image: says image/jpeg, but its bytes are image/png.',
    ],
    [
      `data:text/html;base64,${png}`,
      'invalid_request: image: says text/html, but its bytes are image/png.',
    ],
    [`data:image/svg+xml,<svg/>`, 'invalid_request: image: must be a data URL in base64'],
    [
      `data:image/png;base64,${png.slice(0, 40)}!${png.slice(40)}`,
      'invalid_request: image: is a data URL whose base64',
    ],
    [`data:image/png;base64,AA==${png}`, 'invalid_request: image: is a data URL whose base64'],
    ['data:image/png;base64,', 'invalid_request: image: is empty.'],
    ['data:', 'invalid_request: image: must be a data URL in base64'],
    [
      `data:audio/wav;base64,${wavOf(9).toString('base64')}`,
      'unsupported_media_type: image: must be image',
    ],
    [`data:image/png;base64,${'A'.repeat(200_000)}`, 'payload_too_large: image: larger than'],
  ])('%s', async (url, expected) => {
    expect(await outcome(open, url)).toContain(expected);
  });

  it('may be longer than a piece', async () => {
    const wav = wavOf(49_000);
    const url = `data:audio/x-wav;base64,${wav.toString('base64')}`;
    expect(await outcome(open, url, { kinds: ['audio'] })).toBe(`audio/wav ${wav.length}`);
  });
});

describe('an asset', () => {
  it('is lent to its owner, for longer than it exists', async () => {
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield PNG;
    }
    const received = await assets.receive(bytes(), {
      maxBytes: 9999,
      param: 'file',
      claimedType: null,
    });
    const asset = await assets.keep(received, {
      customerId: 'cus_1',
      requestId: 'req_1',
      name: null,
    });
    expect(await outcome(open, asset.id)).toBe(`image/png ${PNG.length}`);
    expect(await outcome(open, asset.id, { customerId: 'cus_2' })).toContain('not_found');
    expect(await outcome(open, asset.id, { kinds: ['video'] })).toContain('unsupported_media_type');
    expect(await outcome(open, asset.id, { maxBytes: 10 })).toContain('payload_too_large');
    const lent = await open.resolve({ type: 'text', text: asset.id }, rules);
    await assets.remove(asset.id);
    expect(readFileSync(lent.path).equals(PNG)).toBe(true);
    await lent.release();
    expect(await outcome(open, asset.id)).toContain('not_found');
    expect(await outcome(open, 'ast_../../etc/passwd')).toContain('not_found');
    expect(await outcome(open, 'cat.png')).toContain(
      'must be a data URL, an https URL or the id of an asset',
    );
  });
});
