/**
 * Undoes a content encoding that a provider applied although none was asked for, without trusting its size.
 *
 * @module
 */
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import type { Transform } from 'node:stream';
import { errorCodeOf } from './transport-failure.ts';

/** What `onData` and `onEnd` throw ends the body with `onError`, as what cannot be decoded does. */
export interface DecodedSink {
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** More can be written again. */
  onDrain(): void;
  onError(code: string): void;
}

/** The low half of a zlib header's first byte (RFC 1950 §2.2). */
const ZLIB_METHOD = 8;

/** Some servers take `deflate` for the bare format (RFC 9110 §8.4.1.2): the first byte tells. */
function openInflate(first: number): Transform {
  return (first & 0x0f) === ZLIB_METHOD ? createInflate() : createInflateRaw();
}

/** What undoes an encoding, by its first byte. */
const OPENERS: ReadonlyMap<string, (first: number) => Transform> = new Map<
  string,
  (first: number) => Transform
>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', openInflate],
  ['br', () => createBrotliDecompress()],
  ['zstd', () => createZstdDecompress()],
]);

/** Whether an encoding leaves a body as it is. */
export function isIdentity(encoding: string): boolean {
  return encoding === '' || encoding.toLowerCase() === 'identity';
}

/** Decompressed chunks arrive in small pieces, so that the receiver's cap stops a bomb early. */
export class BodyDecoder {
  readonly #open: (first: number) => Transform;
  readonly #sink: DecodedSink;
  /** Null until the first bytes: a body without any is an empty one, whatever it was to be encoded with. */
  #transform: Transform | null = null;

  private constructor(open: (first: number) => Transform, sink: DecodedSink) {
    this.#open = open;
    this.#sink = sink;
  }

  /** Null for an encoding that is not known. */
  static open(encoding: string, sink: DecodedSink): BodyDecoder | null {
    const open = OPENERS.get(encoding.toLowerCase());
    return open === undefined ? null : new BodyDecoder(open, sink);
  }

  /**
   * @param chunk is not needed any more once this has returned
   * @returns false when no more should be written until `onDrain`
   */
  write(chunk: Buffer): boolean {
    this.#transform ??= this.#begin(chunk[0] ?? 0);
    return this.#transform.write(Buffer.from(chunk));
  }

  /** Delivers nothing more until {@link resume}. */
  pause(): void {
    this.#transform?.pause();
  }

  resume(): void {
    this.#transform?.resume();
  }

  end(): void {
    if (this.#transform === null) this.#sink.onEnd();
    else this.#transform.end();
  }

  destroy(): void {
    this.#transform?.removeAllListeners('data');
    this.#transform?.destroy();
  }

  #begin(first: number): Transform {
    const sink = this.#sink;
    const transform = this.#open(first);
    const guarded = (deliver: () => void): void => {
      try {
        deliver();
      } catch (error) {
        sink.onError(errorCodeOf(error));
      }
    };
    transform.on('data', (chunk: Buffer) => guarded(() => sink.onData(chunk)));
    transform.on('drain', () => sink.onDrain());
    transform.on('end', () => guarded(() => sink.onEnd()));
    transform.on('error', (error) => sink.onError(errorCodeOf(error)));
    return transform;
  }
}
