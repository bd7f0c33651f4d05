/**
 * Contents as objects of an S3-compatible store (https://docs.aws.amazon.com/AmazonS3/latest/API/): `<prefix>ab/cd/<hash>`. An object
 * appears when its upload is complete, so it is whole or not there.
 *
 * @module
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { GatewayError, isGatewayError } from '../contracts/gateway-error.ts';
import type { Blobs } from './blobs.ts';

/** Where the objects lie. */
export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** Null: AWS itself. */
  readonly endpoint: string | null;
  /** Before every key; empty or ending with `/`. It belongs to this gateway alone. */
  readonly prefix: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
}

/** Null: found as AWS tools find them (environment, profile, role of the machine). */
export type S3Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
} | null;

/** Largest object of one upload request. */
export const S3_OBJECT_BYTES_MAX = 5 * 1024 ** 3;

const HASH = /^[0-9a-f]{64}$/;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 60_000;
const ATTEMPTS_MAX = 3;
/** Of one page of a list; the most that S3 gives. */
const PAGE_KEYS = 1000;
const RETRY_AFTER_MS = 30_000;

function isMissing(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return false;
  return error.$metadata.httpStatusCode === 404 && error.name !== 'NoSuchBucket';
}

/** A store that cannot be reached is no verdict on an object: callers come again, and nothing counts as missing. */
function unreachable(error: unknown): GatewayError {
  if (isGatewayError(error)) return error;
  return new GatewayError('overloaded', {
    message: 'The store of media cannot be reached. Repeat the call in a while.',
    retryAfterMs: RETRY_AFTER_MS,
    cause: error,
  });
}

/** @returns null where there is no such object. @throws GatewayError `overloaded` where that cannot be learned */
async function orMissing<Value>(work: Promise<Value>): Promise<Value | null> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreachable(error);
  }
}

class S3Blobs implements Blobs {
  readonly #client: S3Client;
  readonly #settings: S3Settings;
  readonly #pageKeys: number;

  constructor(client: S3Client, settings: S3Settings, pageKeys: number) {
    this.#client = client;
    this.#settings = settings;
    this.#pageKeys = pageKeys;
  }

  #at(hash: string): { readonly Bucket: string; readonly Key: string } {
    if (!HASH.test(hash)) throw new Error(`"${hash}" is no hash`);
    const { bucket, prefix } = this.#settings;
    return {
      Bucket: bucket,
      Key: `${prefix}${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`,
    };
  }

  async #bytesOf(hash: string): Promise<number | null> {
    const head = await orMissing(this.#client.send(new HeadObjectCommand(this.#at(hash))));
    return head === null ? null : (head.ContentLength ?? null);
  }

  async take({ path, hash, bytes }: Parameters<Blobs['take']>[0]): Promise<void> {
    // An object of another length is damage: it is replaced.
    if ((await this.#bytesOf(hash)) !== bytes) {
      const put = new PutObjectCommand({
        ...this.#at(hash),
        Body: createReadStream(path),
        ContentLength: bytes,
        ContentType: 'application/octet-stream',
        // The store compares what arrived with what the name says.
        ChecksumSHA256: Buffer.from(hash, 'hex').toString('base64'),
      });
      try {
        await this.#client.send(put);
      } catch (error) {
        throw unreachable(error);
      }
    }
    await rm(path, { force: true });
  }

  async read(hash: string, span: Parameters<Blobs['read']>[1]): Promise<Readable | null> {
    const range = span === null ? {} : { Range: `bytes=${span.first}-${span.last}` };
    const found = await orMissing(
      this.#client.send(new GetObjectCommand({ ...this.#at(hash), ...range })),
    );
    if (found === null) return null;
    if (!(found.Body instanceof Readable)) throw new Error('the store sent no body');
    return found.Body;
  }

  async copyTo(hash: string, path: string): Promise<boolean> {
    const body = await this.read(hash, null);
    if (body === null) return false;
    try {
      await pipeline(body, createWriteStream(path, { flags: 'wx' }));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return true;
  }

  async has(hash: string): Promise<boolean> {
    return (await this.#bytesOf(hash)) !== null;
  }

  async remove(hash: string): Promise<void> {
    await orMissing(this.#client.send(new DeleteObjectCommand(this.#at(hash))));
  }

  async list(start: string): Promise<readonly string[]> {
    const hashes: string[] = [];
    const { bucket, prefix } = this.#settings;
    let token: string | undefined = undefined;
    do {
      const page: ListObjectsV2CommandOutput = await this.#page(
        `${prefix}${start}/`,
        bucket,
        token,
      );
      for (const { Key } of page.Contents ?? []) {
        const hash = Key?.split('/').at(-1) ?? '';
        if (HASH.test(hash) && hash.startsWith(start)) hashes.push(hash);
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return hashes;
  }

  async #page(Prefix: string, Bucket: string, ContinuationToken: string | undefined) {
    try {
      return await this.#client.send(
        new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken, MaxKeys: this.#pageKeys }),
      );
    } catch (error) {
      throw unreachable(error);
    }
  }
}

/**
 * Opens the store and asks for its bucket once.
 *
 * @throws Error with a sentence for the operator where the bucket is not there, or not ours to use
 */
export async function openS3Blobs(
  settings: S3Settings,
  credentials: S3Credentials,
  { pageKeys = PAGE_KEYS }: { readonly pageKeys?: number } = {},
): Promise<Blobs> {
  const { endpoint, region, pathStyle, bucket } = settings;
  const client = new S3Client({
    region,
    forcePathStyle: pathStyle,
    maxAttempts: ATTEMPTS_MAX,
    // Stores other than AWS know the checksums that are asked for, not those that newer clients add by themselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentials === null ? {} : { credentials }),
  });
  try {
    // A list, since it is refused to whoever may not use the bucket, and is what a start needs first.
    await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    const why = status === undefined ? 'it cannot be reached' : `it answers ${String(status)}`;
    throw new Error(
      `The bucket "${bucket}" of assets.s3 cannot be used: ${why}. Check bucket, region, endpoint and the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).`,
      { cause: error },
    );
  }
  return new S3Blobs(client, settings, pageKeys);
}
