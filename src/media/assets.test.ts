/**
 * The store of media over its records and its disk: what is left after every way to fail.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmallDisk, whyNoMount } from '../../test/chaos/small-disk.ts';
import { mp4Head, pngOf } from '../../test/support/media-samples.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import { createFakeAssets } from '../dialects/admin/testing/fake-assets.ts';
import type { AssetRecord, AssetRecords } from './asset-port.ts';
import { hashOf } from './asset-records.contract.ts';
import { AssetUrls } from './asset-urls.ts';
import { Assets, plainName, type AssetSettings } from './assets.ts';
import { createDiskBlobs } from './disk-blobs.ts';
import { Staging } from './staging.ts';

const DAY_MS = 86_400_000;
const PNG = pngOf(3, 2);

let directory = '';
let records: AssetRecords;
let nowMs = 0;
let faults: unknown[] = [];

async function open(settings: Partial<AssetSettings> = {}): Promise<Assets> {
  const staging = new Staging({
    directory: join(directory, 'tmp'),
    maxPixels: 10_000,
    keepFreeBytes: 0,
  });
  await staging.open();
  let made = 0;
  return new Assets({
    records,
    blobs: createDiskBlobs(directory),
    staging,
    urls: new AssetUrls('a secret of the test'),
    settings: {
      maxBytes: 1e9,
      publicUrl: '',
      urlTtlMs: 3_600_000,
      expiresByPlan: true,
      expireAfterMs: (planId) => (planId === 'free' ? DAY_MS : null),
      ...settings,
    },
    ids: { next: (prefix) => `${prefix}_${(made += 1)}` },
    nowMs: () => nowMs,
    planOf: async (customerId) => (customerId === 'cus_free' ? 'free' : null),
    onFault: (error) => faults.push(error),
  });
}

async function store(assets: Assets, bytes: Buffer, customerId = 'cus_1'): Promise<AssetRecord> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  }
  const rules = { maxBytes: 1e9, param: 'file', claimedType: null };
  const file = await assets.receive(chunks(), rules);
  return assets.keep(file, { customerId, requestId: 'req_1', name: null });
}

async function contentOf(assets: Assets, asset: AssetRecord): Promise<Buffer | null> {
  const stream = await assets.read(asset, null);
  return stream === null ? null : buffer(stream);
}

function files(): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'filler')
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-media-'));
  records = createFakeAssets();
  nowMs = 1_000_000;
  faults = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('stored media', () => {
  it('is stored once however often and however many at a time', async () => {
    const assets = await open();
    const kept = await Promise.all(Array.from({ length: 20 }, () => store(assets, PNG)));
    expect(new Set(kept.map(({ id }) => id)).size).toBe(20);
    const hash = createHash('sha256').update(PNG).digest('hex');
    expect(files()).toEqual([`${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`]);
    await Promise.all(kept.slice(1).map(({ id }) => assets.remove(id)));
    expect(await contentOf(assets, kept[0] as AssetRecord)).toEqual(PNG);
    expect(await assets.remove(kept[0]?.id ?? '')).toBe(true);
    expect(await assets.remove(kept[0]?.id ?? '')).toBe(false);
    expect(files()).toEqual([]);
  });

  it('never loses the bytes of an asset to a removal of the same content at the same time', async () => {
    const assets = await open();
    let last = await store(assets, PNG);
    for (let round = 0; round < 50; round += 1) {
      const [next] = await Promise.all([store(assets, PNG), assets.remove(last.id)]);
      expect(await contentOf(assets, next)).toEqual(PNG);
      last = next;
    }
  });

  it('expires by plan, and takes its bytes along', async () => {
    const assets = await open();
    const free = await store(assets, PNG, 'cus_free');
    const paid = await store(assets, PNG, 'cus_1');
    const alone = await store(assets, pngOf(9, 9), 'cus_free');
    expect([free.expiresAtMs, paid.expiresAtMs]).toEqual([nowMs + DAY_MS, null]);
    nowMs += DAY_MS - 1;
    expect(await assets.expire()).toBe(0);
    expect(await assets.find(free.id, null)).toEqual(free);
    nowMs += 1;
    expect(await assets.find(free.id, null)).toBeNull();
    expect(await assets.expire()).toBe(2);
    expect(await contentOf(assets, paid)).toEqual(PNG);
    expect(await contentOf(assets, alone)).toBeNull();
  });

  it('has many to expire, step by step', async () => {
    const assets = await open({ expireAfterMs: () => 1, expiresByPlan: false });
    const asset = await store(assets, PNG);
    for (let n = 0; n < 1000; n += 1) await records.add({ ...asset, id: `ast_more_${n}` });
    nowMs += 2;
    expect(await assets.expire()).toBe(1001);
    expect(files()).toEqual([]);
  });

  it('keeps nothing where the record cannot be written', async () => {
    const failing: AssetRecords = {
      ...records,
      add: () => Promise.reject(new GatewayError('metering_unavailable', { message: 'no' })),
    };
    records = failing;
    const assets = await open();
    await expect(store(assets, PNG)).rejects.toMatchObject({ code: 'metering_unavailable' });
    expect(files()).toEqual([]);
  });

  it('keeps nothing of a body that breaks off', async () => {
    const assets = await open();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield PNG;
      throw new Error('the client has left');
    }
    const rules = { maxBytes: 1e9, param: 'file', claimedType: null };
    await expect(assets.receive(broken(), rules)).rejects.toThrow('the client has left');
    expect(files()).toEqual([]);
  });

  it('is put right at start: no bytes without an owner, no asset without bytes, nothing half-way', async () => {
    const before = await open();
    const whole = await store(before, PNG);
    const lost = await store(before, pngOf(4, 4));
    rmSync(join(directory, lost.hash.slice(0, 2)), { recursive: true });
    mkdirSync(join(directory, 'ab/00'), { recursive: true });
    writeFileSync(join(directory, 'ab/00', hashOf('ab', 1)), 'of nobody');
    writeFileSync(join(directory, 'ab/00', 'note.txt'), 'not ours');
    writeFileSync(join(directory, 'tmp', 'half'), 'half a file');
    const after = await open();
    expect(await after.recover()).toEqual({ orphans: 1, lost: 1 });
    expect(await contentOf(after, whole)).toEqual(PNG);
    expect(await after.find(lost.id, null)).toBeNull();
    const { hash } = whole;
    expect(files()).toEqual(
      ['ab/00/note.txt', `${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`].toSorted(),
    );
    expect(String(faults[0])).toContain(lost.hash);
  });

  it('replaces a content that was damaged', async () => {
    const assets = await open();
    const asset = await store(assets, PNG);
    writeFileSync(
      join(directory, asset.hash.slice(0, 2), asset.hash.slice(2, 4), asset.hash),
      'cut',
    );
    const again = await store(assets, PNG);
    expect(await contentOf(assets, again)).toEqual(PNG);
  });
});

const unable = whyNoMount();
if (unable !== null) process.stderr.write(`tests of a full disk are skipped: ${unable}\n`);

describe.skipIf(unable !== null)('a full disk', () => {
  it('leaves nothing behind, says so, and is over when there is room', async () => {
    const disk = new SmallDisk(directory, 24);
    try {
      const assets = await open();
      const small = await store(assets, PNG);
      const large = Buffer.concat([mp4Head(), Buffer.alloc(40 * 1024 * 1024)]);
      await expect(store(assets, large)).rejects.toMatchObject({ code: 'overloaded', status: 503 });
      const left = files();
      expect(left).toHaveLength(1);
      disk.fill();
      await expect(store(assets, pngOf(50, 50))).rejects.toMatchObject({ code: 'overloaded' });
      expect(files()).toEqual(left);
      expect(await contentOf(assets, small)).toEqual(PNG);
      disk.free();
      expect(await contentOf(assets, await store(assets, pngOf(50, 50)))).toEqual(pngOf(50, 50));
    } finally {
      spawnSync('umount', [directory]);
    }
  });
});

it.each([
  ['cat.png', 'cat.png'],
  ['/etc/passwd', 'passwd'],
  ['..\\..\\windows\\x.png', 'x.png'],
  ['a\u0000\r\n\u202Egnp.png', 'agnp.png'],
  ['..', null],
  ['a/', null],
  ['', null],
  ['x'.repeat(300), 'x'.repeat(200)],
])('a name is for people only: %j', (name, shown) => {
  expect(plainName(name)).toBe(shown);
});
