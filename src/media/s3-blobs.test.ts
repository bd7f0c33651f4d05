/**
 * Contents in an S3-compatible store: one that checks signatures, and one that fails.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s3ServerFolder, startS3Server, type S3Server } from '../../test/support/s3-server.ts';
import { describeBlobs } from './blobs.contract.ts';
import { openS3Blobs, type S3Settings } from './s3-blobs.ts';

const HASH = 'ab'.repeat(32);
const START_TIMEOUT_MS = 60_000;

let places = 0;

function settingsAt(endpoint: string, changes: Partial<S3Settings> = {}): S3Settings {
  places += 1;
  return {
    bucket: 'media',
    region: 'us-east-1',
    endpoint,
    prefix: `place-${places}/`,
    pathStyle: true,
    ...changes,
  };
}

const folder = s3ServerFolder();
const name =
  folder === null
    ? 'a store that checks signatures (GATEWAY_S3_SERVER names no folder with moto)'
    : 'a store that checks signatures';

describe.skipIf(folder === null)(name, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server(folder ?? '');
  }, START_TIMEOUT_MS);
  afterAll(() => server.stop());

  const open = (changes: Partial<S3Settings> = {}, secret?: string) => {
    const { credentials } = server;
    const used = secret === undefined ? credentials : { ...credentials, secretAccessKey: secret };
    return openS3Blobs(settingsAt(server.endpoint, changes), used);
  };

  // Lists come in pages of 3, so that there are several.
  describeBlobs('objects', () =>
    openS3Blobs(settingsAt(server.endpoint), server.credentials, { pageKeys: 3 }),
  );

  test('hundreds of contents of one prefix are listed through all pages', async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3-pages-'));
    const blobs = await openS3Blobs(settingsAt(server.endpoint), server.credentials, {
      pageKeys: 3,
    });
    const hashes = Array.from({ length: 10 }, (_, index) => `ab0${index}`.padEnd(64, 'c'));
    for (const hash of hashes) {
      const path = join(directory, hash);
      writeFileSync(path, '');
      await blobs.take({ path, hash, bytes: 0 });
    }
    expect(await blobs.list('ab')).toEqual(hashes);
    rmSync(directory, { recursive: true });
  });

  test('places with prefixes of their own see nothing of each other', async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3-places-'));
    const path = join(directory, 'one');
    writeFileSync(path, 'bytes');
    const [one, other] = [await open(), await open()];
    await one.take({ path, hash: HASH, bytes: 5 });
    expect([await one.has(HASH), await other.has(HASH)]).toEqual([true, false]);
    rmSync(directory, { recursive: true });
  });

  test('a bucket that is not there is named at the start', async () => {
    await expect(open({ bucket: 'nowhere' })).rejects.toThrow(
      /"nowhere" of assets\.s3 cannot be used: it answers 404/u,
    );
  });

  test('a wrong secret is refused at the start', async () => {
    await expect(open({}, 'wrong')).rejects.toThrow(/it answers 403/u);
  });
});

describe('a store that fails', () => {
  test('is named at the start where it cannot be reached', async () => {
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
    await expect(openS3Blobs(settingsAt('http://127.0.0.1:9'), credentials)).rejects.toThrow(
      /cannot be reached/u,
    );
  });

  test('never makes a content "not there", and a file stays for another try', async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3-fails-'));
    let status = 200;
    const failing = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(status);
        response.end(status === 200 ? '<ListBucketResult></ListBucketResult>' : '');
      });
    });
    await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
    const { port } = failing.address() as AddressInfo;
    const blobs = await openS3Blobs(settingsAt(`http://127.0.0.1:${String(port)}`), {
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    });
    status = 500;
    const path = join(directory, 'kept');
    writeFileSync(path, 'bytes');
    const overloaded = expect.objectContaining({ code: 'overloaded' });
    await expect(blobs.has(HASH)).rejects.toEqual(overloaded);
    await expect(blobs.read(HASH, null)).rejects.toEqual(overloaded);
    await expect(blobs.list('ab')).rejects.toEqual(overloaded);
    await expect(blobs.remove(HASH)).rejects.toEqual(overloaded);
    await expect(blobs.take({ path, hash: HASH, bytes: 5 })).rejects.toEqual(overloaded);
    rmSync(directory, { recursive: true });
    failing.closeAllConnections();
    await new Promise((resolve) => failing.close(resolve));
  });
});
