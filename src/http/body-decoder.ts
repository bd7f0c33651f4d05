/**
 * Undoes a content encoding that a provider applied although none was asked for, without trusting its size.
 *
 * @module
 */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import type { Transform } from 'node:stream';

export interface DecodedSink {
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(code: string): void;
}

function transformFor(encoding: string): Transform | null {
  switch (encoding.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    default:
      return null;
  }
}

/** Decompressed chunks arrive in small pieces, so that the receiver's cap stops a bomb early. */
export class BodyDecoder {
  readonly #transform: Transform;

  private constructor(transform: Transform) {
    this.#transform = transform;
  }

  /** Null for an encoding that is not known. */
  static open(encoding: string, sink: DecodedSink): BodyDecoder | null {
    const transform = transformFor(encoding);
    if (transform === null) return null;
    transform.on('data', (chunk: Buffer) => sink.onData(chunk));
    transform.on('end', () => sink.onEnd());
    transform.on('error', (error: NodeJS.ErrnoException) =>
      sink.onError(error.code ?? 'BAD_ENCODING'),
    );
    return new BodyDecoder(transform);
  }

  write(chunk: Buffer): void {
    this.#transform.write(chunk);
  }

  end(): void {
    this.#transform.end();
  }

  destroy(): void {
    this.#transform.removeAllListeners('data');
    this.#transform.destroy();
  }
}
