/**
 * Media on its way: received into temporary files while it is hashed and counted, then told apart by its bytes. Whole
 * files are never in memory.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../contracts/gateway-error.ts';
import { checkImage, type ImageSize } from './image-header.ts';
import { agrees, canonicalType, kindOf, type MediaKind, sniffFile } from './media-type.ts';
import { noRoom, storageError } from './storage-error.ts';

/** Media in a file of its own, checked. Whoever has it releases it, or hands it over to be kept. */
export interface MediaFile {
  /** Readable until the release. Never derived from what a client sent. */
  readonly path: string;
  /** Lower-case hex SHA-256. */
  readonly hash: string;
  readonly bytes: number;
  /** By the bytes. */
  readonly type: string;
  readonly kind: MediaKind;
  /** Pixels; null for what has none that the header tells. */
  readonly size: ImageSize | null;
  /** Removes the file; does nothing once it is gone. */
  release(): Promise<void>;
}

/** What is received, and how it is judged. */
export interface Reception {
  readonly maxBytes: number;
  /** Names the media in errors: a member of the body, a part of a form. */
  readonly param: string;
  /** What somebody said the type is; it must agree with the bytes. Null: nothing was said that binds. */
  readonly claimedType: string | null;
  /** Kinds that are taken; default: all. */
  readonly kinds?: readonly MediaKind[];
}

export interface StagingSettings {
  /** Folder of temporary files, on the disk where contents lie. */
  readonly directory: string;
  /** Most pixels of a picture. */
  readonly maxPixels: number;
  /** Free space of the disk that media never uses up: the ledger lies there too. */
  readonly keepFreeBytes: number;
}

/** A file of this size is noticed before it fills what is kept free. */
const LOOK_EVERY_BYTES = 16 * 1024 * 1024;

function tooLarge({ param, maxBytes }: Reception): GatewayError {
  return new GatewayError('payload_too_large', {
    message: `${param}: larger than the ${maxBytes} bytes that are taken.`,
    param,
  });
}

export class Staging {
  readonly #settings: StagingSettings;

  constructor(settings: StagingSettings) {
    this.#settings = settings;
  }

  /** Makes the folder and removes what an earlier process has left in it. */
  async open(): Promise<void> {
    const { directory } = this.#settings;
    await mkdir(directory, { recursive: true });
    for (const name of await readdir(directory)) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }

  /** A path that nothing has. */
  path(): string {
    return join(this.#settings.directory, randomUUID());
  }

  /** Removes a temporary file; does nothing once it is gone. */
  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  /**
   * Receives media. Whatever goes wrong leaves no file behind.
   *
   * @throws GatewayError `payload_too_large`, `unsupported_media_type` for what is no media or of another kind,
   *   `invalid_request` for an empty file, a type that disagrees and a picture too large to decode, `overloaded`
   *   without room; and what `source` throws
   */
  async receive(source: AsyncIterable<Uint8Array>, reception: Reception): Promise<MediaFile> {
    const path = this.path();
    try {
      const written = await this.#write(path, source, reception);
      return await this.judge({ path, ...written }, reception);
    } catch (error) {
      await rm(path, { force: true });
      throw storageError(error);
    }
  }

  /** Judges a whole file. It belongs to the caller while this has not answered. */
  async judge(
    file: { readonly path: string; readonly hash: string; readonly bytes: number },
    { param, claimedType, kinds }: Omit<Reception, 'maxBytes'>,
  ): Promise<MediaFile> {
    const { path, hash, bytes } = file;
    if (bytes === 0) {
      throw new GatewayError('invalid_request', { message: `${param}: is empty.`, param });
    }
    const type = await sniffFile(path);
    const kind = type === null ? null : kindOf(type);
    if (type === null || kind === null) {
      throw new GatewayError('unsupported_media_type', {
        message: `${param}: is no image, audio or video by its bytes. SVG, HTML and documents are not taken.`,
        param,
      });
    }
    if (claimedType !== null && !agrees(claimedType, type)) {
      throw new GatewayError('invalid_request', {
        message: `${param}: says ${canonicalType(claimedType).slice(0, 100)}, but its bytes are ${type}.`,
        param,
      });
    }
    if (kinds !== undefined && !kinds.includes(kind)) {
      throw new GatewayError('unsupported_media_type', {
        message: `${param}: must be ${kinds.join(' or ')}, but its bytes are ${type}.`,
        param,
      });
    }
    const size = kind === 'image' ? await this.#sizeOf(path, type, param) : null;
    return { path, hash, bytes, type, kind, size, release: () => this.remove(path) };
  }

  async #sizeOf(path: string, type: string, param: string): Promise<ImageSize> {
    const check = await checkImage(path, type, this.#settings.maxPixels);
    if (check.type === 'ok') return check.size;
    throw new GatewayError('invalid_request', { message: `${param}: ${check.reason}`, param });
  }

  async #write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    reception: Reception,
  ): Promise<{ readonly hash: string; readonly bytes: number }> {
    await this.#assertRoom();
    const file = await open(path, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      let lookAt = LOOK_EVERY_BYTES;
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > reception.maxBytes) throw tooLarge(reception);
        if (bytes > lookAt) {
          await this.#assertRoom();
          lookAt = bytes + LOOK_EVERY_BYTES;
        }
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
      return { hash: hash.digest('hex'), bytes };
    } finally {
      await file.close();
    }
  }

  async #assertRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#settings.directory);
    if (bavail * bsize < this.#settings.keepFreeBytes + LOOK_EVERY_BYTES) throw noRoom();
  }
}
