/**
 * What every place for contents must do, whatever it is made of.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Blobs } from './blobs.ts';

interface Content {
  readonly hash: string;
  readonly bytes: Buffer;
}

function contentOf(text: string): Content {
  const bytes = Buffer.from(text);
  return { hash: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/** Runs the suite over fresh places; `open` makes an empty one. */
export function describeBlobs(name: string, open: () => Promise<Blobs>): void {
  describe(`contents in ${name}`, () => {
    let blobs: Blobs;
    let directory = '';

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'blobs-'));
      blobs = await open();
    });
    afterEach(() => rmSync(directory, { recursive: true, force: true }));

    async function take({ hash, bytes }: Content): Promise<string> {
      const path = join(directory, `in-${Math.random()}`);
      writeFileSync(path, bytes);
      await blobs.take({ path, hash, bytes: bytes.length });
      return path;
    }

    async function readAll(
      hash: string,
      span: Parameters<Blobs['read']>[1] = null,
    ): Promise<Buffer | null> {
      const stream = await blobs.read(hash, span);
      return stream === null ? null : await buffer(stream);
    }

    test('what was taken is read, and its file is gone', async () => {
      const content = contentOf('a picture');
      const path = await take(content);
      expect(existsSync(path)).toBe(false);
      expect(await blobs.has(content.hash)).toBe(true);
      expect(await readAll(content.hash)).toEqual(content.bytes);
    });

    test.each([
      [0, 0],
      [2, 5],
      [8, 8],
    ])('bytes %i to %i alone are read', async (first, last) => {
      const content = contentOf('a picture');
      await take(content);
      const part = await readAll(content.hash, { first, last });
      expect(part).toEqual(content.bytes.subarray(first, last + 1));
    });

    test('the same content twice is there once, and its second file is gone', async () => {
      const content = contentOf('twice');
      await take(content);
      expect(existsSync(await take(content))).toBe(false);
      expect(await blobs.list(content.hash.slice(0, 2))).toEqual([content.hash]);
    });

    test('an empty content is one, too', async () => {
      const content = contentOf('');
      await take(content);
      expect(await blobs.has(content.hash)).toBe(true);
      expect(await readAll(content.hash)).toEqual(content.bytes);
    });

    test('what is not there is said so, and removing it is no error', async () => {
      const { hash } = contentOf('never stored');
      expect(await blobs.has(hash)).toBe(false);
      expect(await blobs.read(hash, null)).toBeNull();
      expect(await blobs.copyTo(hash, join(directory, 'copy'))).toBe(false);
      expect(existsSync(join(directory, 'copy'))).toBe(false);
      await blobs.remove(hash);
      expect(await blobs.list(hash.slice(0, 2))).toEqual([]);
    });

    test('a copy survives the removal of what it was made of', async () => {
      const content = contentOf('a copy of it');
      await take(content);
      const path = join(directory, 'copy');
      expect(await blobs.copyTo(content.hash, path)).toBe(true);
      await blobs.remove(content.hash);
      expect(await blobs.has(content.hash)).toBe(false);
      expect(readFileSync(path)).toEqual(content.bytes);
    });

    test('a list holds the hashes of its prefix, all of them', async () => {
      const contents = Array.from({ length: 40 }, (_, index) => contentOf(`content ${index}`));
      for (const content of contents) await take(content);
      const listed: string[] = [];
      for (const prefix of new Set(contents.map(({ hash }) => hash.slice(0, 2)))) {
        const hashes = await blobs.list(prefix);
        expect(hashes.every((hash) => hash.startsWith(prefix))).toBe(true);
        listed.push(...hashes);
      }
      expect(listed.toSorted()).toEqual(contents.map(({ hash }) => hash).toSorted());
    });

    test('what is no hash is refused before it becomes a path', async () => {
      await expect(async () => blobs.read('../../etc/passwd', null)).rejects.toThrow('no hash');
    });
  });
}
