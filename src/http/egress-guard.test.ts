import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EgressClient } from './egress-client.ts';
import {
  checkDialled,
  checkEgressUrl,
  type EgressPolicy,
  EgressRefused,
  guardedLookup,
  isPublicAddress,
} from './egress-guard.ts';

const STRICT: EgressPolicy = { allowPrivateHosts: [] };

describe('addresses', () => {
  it.each([
    ['0.0.0.0', 'this network'],
    ['0.255.255.255', 'this network'],
    ['10.0.0.1', 'private'],
    ['10.255.255.255', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.0.1', 'link-local'],
    ['169.254.169.254', 'metadata'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'protocol assignments'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relay'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['198.19.255.255', 'benchmarks'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:7f00:1', 'IPv4-mapped in hex'],
    ['::ffff:8.8.8.8', 'IPv4-mapped, even of a public one'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b::169.254.169.254', 'NAT64 of metadata'],
    ['64:ff9b:1::a00:1', 'local NAT64'],
    ['100::1', 'discard'],
    ['2001::1', 'Teredo'],
    ['2001:1ff:ffff::1', 'protocol assignments'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['2002:7f00:1::', '6to4 of loopback'],
    ['2002:a9fe:a9fe::1', '6to4 of metadata'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'metadata'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['2606:4700::1111%eth0', 'a zone on a public one'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['ff0e::1', 'global multicast'],
    ['4000::1', 'unassigned'],
    ['localhost', 'no address'],
    ['', 'no address'],
    ['1.2.3', 'no address'],
    ['[::1]', 'brackets belong to the URL'],
  ])('%s is not public (%s)', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82f::200e',
    '2003::1',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('URLs', () => {
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://127。0。0。1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://0/',
    'https://169.254.169.254/latest/meta-data',
    'https://2852039166/',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1%25eth0]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https:\\\\127.0.0.1\\x',
    'http://example.com/',
    'https://example.com:8443/',
    'https://example.com:22/',
    'https://example.com%00.evil/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'data:text/plain,x',
    'ftp://example.com/',
    'javascript:alert(1)',
    '//example.com/',
    'example.com',
    '',
    `https://example.com/${'x'.repeat(3000)}`,
  ])('refuses %s', (url) => {
    expect(() => checkEgressUrl(url, STRICT)).toThrow(EgressRefused);
  });

  it.each(['https://example.com/hook?a=1', 'https://example.com:443/', 'https://8.8.8.8/x'])(
    'accepts %s',
    (url) => {
      expect(checkEgressUrl(url, STRICT).protocol).toBe('https:');
    },
  );

  it('lets the operator allow a host, on any port and by http, and no other', () => {
    const policy = { allowPrivateHosts: ['127.0.0.1', 'hooks.internal', '::1'] };
    for (const url of [
      'http://127.0.0.1:9000/',
      'http://2130706433:9000/',
      'https://hooks.internal./x',
      'http://[::1]:1/',
    ]) {
      expect(checkEgressUrl(url, policy).href).not.toBe('');
    }
    for (const url of ['http://127.0.0.2/', 'https://10.0.0.1/', 'file://127.0.0.1/etc']) {
      expect(() => checkEgressUrl(url, policy)).toThrow(EgressRefused);
    }
    expect(checkEgressUrl('http://10.0.0.1:1/', { allowPrivateHosts: ['*'] }).port).toBe('1');
  });
});

describe('names', () => {
  const answering =
    (...addresses: string[]): Parameters<typeof guardedLookup>[1] =>
    (_host, _options, callback) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
  const ask = (policy: EgressPolicy, resolve: Parameters<typeof guardedLookup>[1], all = true) =>
    new Promise<unknown>((done) => {
      guardedLookup(policy, resolve)('hooks.example', { all }, (error, address) => {
        done(error ?? address);
      });
    });

  it('are refused when one of their addresses is', async () => {
    expect(await ask(STRICT, answering('8.8.8.8', '127.0.0.1'))).toBeInstanceOf(EgressRefused);
    expect(await ask(STRICT, answering('8.8.8.8', '::1'))).toBeInstanceOf(EgressRefused);
    expect(await ask(STRICT, answering())).toBeInstanceOf(EgressRefused);
    expect(await ask(STRICT, answering('8.8.8.8', '2606:4700::1111'))).toHaveLength(2);
    expect(await ask(STRICT, answering('8.8.8.8'), false)).toBe('8.8.8.8');
    const internal = { allowPrivateHosts: ['hooks.example'] };
    expect(await ask(internal, answering('10.0.0.1'), false)).toBe('10.0.0.1');
    const failing: Parameters<typeof guardedLookup>[1] = (_host, _options, callback) => {
      callback(new Error('ENOTFOUND'), []);
    };
    expect(String(await ask(STRICT, failing))).toContain('ENOTFOUND');
  });

  it('are checked again on the socket', () => {
    expect(() => checkDialled('hooks.example', '127.0.0.1', STRICT)).toThrow(EgressRefused);
    expect(() => checkDialled('hooks.example', undefined, STRICT)).toThrow(EgressRefused);
    checkDialled('hooks.example', '8.8.8.8', STRICT);
    checkDialled('hooks.example', '127.0.0.1', { allowPrivateHosts: ['hooks.example'] });
  });
});

describe('the client', () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['user-agent']}`);
    if (request.url === '/redirect') {
      response.writeHead(302, { location: '/elsewhere' }).end();
    } else if (request.url === '/hang') {
      // Never answers.
    } else if (request.url === '/endless') {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 1);
      response.on('close', () => clearInterval(timer));
    } else response.end('fine');
  });
  let base = '';
  const options = { connectTimeoutMs: 1000, userAgent: 'test' };
  const open = new EgressClient({ policy: { allowPrivateHosts: ['127.0.0.1'] }, ...options });
  const strict = new EgressClient({ policy: STRICT, ...options });
  const get = (client: EgressClient, path: string) =>
    client.send({
      url: base + path,
      method: 'GET',
      headers: {},
      timeoutMs: 200,
      maxReplyBytes: 1024,
    });

  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await open.close();
    await strict.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it('calls what is allowed and follows no redirect', async () => {
    expect((await get(open, '/')).body.toString()).toBe('fine');
    expect((await get(open, '/redirect')).status).toBe(302);
    expect(seen).not.toContain('GET /elsewhere test');
  });

  it('refuses what is not allowed without dialling', async () => {
    const before = seen.length;
    await expect(get(strict, '/')).rejects.toBeInstanceOf(EgressRefused);
    expect(seen).toHaveLength(before);
  });

  it('ends a reply that hangs or never ends', async () => {
    await expect(get(open, '/hang')).rejects.toThrow('no whole answer within 200 ms');
    expect((await get(open, '/endless')).body).toHaveLength(1024);
  });
});
