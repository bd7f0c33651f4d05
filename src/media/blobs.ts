/**
 * Contents under their hash: the bytes of assets, wherever they lie.
 *
 * @module
 */
import type { Readable } from 'node:stream';

/** First and last byte, both included. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

/** Where contents lie. A content is whole or not there. */
export interface Blobs {
  /** Takes over a finished local file; one that is there already makes it superfluous. Durable when it answers. */
  take(file: {
    readonly path: string;
    readonly hash: string;
    readonly bytes: number;
  }): Promise<void>;
  /** Opens a content for reading; null where it is not there. The stream ends or is destroyed by its reader. */
  read(hash: string, span: ByteSpan | null): Promise<Readable | null>;
  /** Puts a copy at a path of the caller's, which may share the content's disk space. False where it is not there. */
  copyTo(hash: string, path: string): Promise<boolean>;
  has(hash: string): Promise<boolean>;
  /** Removes a content, or what is left of it. */
  remove(hash: string): Promise<void>;
  /** Hashes of the contents that begin with two hex digits. */
  list(prefix: string): Promise<readonly string[]>;
}
