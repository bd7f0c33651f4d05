/**
 * Contents as files: `ab/cd/<hash>` below one folder. A file appears by rename, so it is whole or not there.
 *
 * @module
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs } from './blobs.ts';

const HASH = /^[0-9a-f]{64}$/;
/** What is read ahead of a client. Larger pieces are garbage that outgrows its collection. */
const READ_CHUNK_BYTES = 64 * 1024;

function isMissing(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';
}

/** @returns null where `work` found nothing there */
async function orMissing<Value>(work: Promise<Value>): Promise<Value | null> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Makes a rename in the folder survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first !== undefined) await syncFolder(dirname(first));
}

/** @param directory is made where it is missing */
export function createDiskBlobs(directory: string): Blobs {
  const pathOf = (hash: string): string => {
    // A hash comes from our own records, but a path is made of it.
    if (!HASH.test(hash)) throw new Error(`"${hash}" is no hash`);
    return join(directory, hash.slice(0, 2), hash.slice(2, 4), hash);
  };
  return {
    async take({ path, hash, bytes }) {
      const target = pathOf(hash);
      // A file of another length is damage: it is replaced.
      if ((await orMissing(stat(target)))?.size === bytes) {
        await rm(path, { force: true });
        return;
      }
      await makeFolder(dirname(target));
      await rename(path, target);
      await syncFolder(dirname(target));
    },
    async read(hash, span) {
      const file = await orMissing(open(pathOf(hash), 'r'));
      if (file === null) return null;
      return file.createReadStream({
        highWaterMark: READ_CHUNK_BYTES,
        ...(span === null ? {} : { start: span.first, end: span.last }),
      });
    },
    async copyTo(hash, path) {
      const source = pathOf(hash);
      try {
        await link(source, path);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
      }
      // Not every file system has links.
      return (
        (await orMissing(copyFile(source, path, constants.COPYFILE_FICLONE).then(() => true))) ===
        true
      );
    },
    has: async (hash) => (await orMissing(stat(pathOf(hash)))) !== null,
    remove: (hash) => rm(pathOf(hash), { force: true }),
    async list(prefix) {
      const folders = (await orMissing(readdir(join(directory, prefix)))) ?? [];
      const names: string[] = [];
      for (const folder of folders) {
        names.push(...((await orMissing(readdir(join(directory, prefix, folder)))) ?? []));
      }
      return names.filter((name) => HASH.test(name) && name.startsWith(prefix));
    },
  };
}
