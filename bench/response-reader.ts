/**
 * Finds where HTTP/1.1 responses end on a keep-alive connection, and nothing more (RFC 9112 §6).
 * A load generator has to be cheaper than what it measures, so bodies are counted, not kept.
 *
 * @module
 */

type Phase = 'head' | 'counted' | 'chunk-size' | 'chunk-data' | 'trailer';

const HEAD_END = Buffer.from('\r\n\r\n');

/** One per connection. `push` bytes as they come; it calls back once per complete response. */
export class ResponseReader {
  readonly #onResponse: (status: number) => void;
  #phase: Phase = 'head';
  #status = 0;
  /** Bytes of the counted body or of the chunk with its line end that are still to come. */
  #remaining = 0;
  /** Unfinished head or chunk line carried over from the last push. */
  #rest: Buffer | null = null;

  constructor(onResponse: (status: number) => void) {
    this.#onResponse = onResponse;
  }

  /** @throws Error on framing that it does not know (no length, no chunks) */
  push(bytes: Buffer): void {
    let data = bytes;
    if (this.#rest !== null) {
      data = Buffer.concat([this.#rest, bytes]);
      this.#rest = null;
    }
    let position = 0;
    while (position < data.length) {
      const next = this.#step(data, position);
      if (next < 0) {
        this.#rest = data.subarray(position);
        return;
      }
      position = next;
    }
  }

  /** New position, or -1 when a line is not complete yet. */
  #step(data: Buffer, position: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(data, position);
      case 'chunk-size':
        return this.#readChunkSize(data, position);
      case 'trailer':
        return this.#readTrailer(data, position);
      case 'counted':
      case 'chunk-data': {
        const taken = Math.min(this.#remaining, data.length - position);
        this.#remaining -= taken;
        if (this.#remaining === 0) {
          if (this.#phase === 'counted') this.#finish();
          else this.#phase = 'chunk-size';
        }
        return position + taken;
      }
    }
  }

  #readHead(data: Buffer, position: number): number {
    const end = data.indexOf(HEAD_END, position);
    if (end < 0) return -1;
    const head = data.toString('latin1', position, end);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length !== null) {
      this.#remaining = Number(length[1]);
      this.#phase = 'counted';
      if (this.#remaining === 0) this.#finish();
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#phase = 'chunk-size';
    } else {
      throw new Error(`response without known framing: ${head.slice(0, 200)}`);
    }
    return end + 4;
  }

  #readChunkSize(data: Buffer, position: number): number {
    const end = data.indexOf(10, position);
    if (end < 0) return -1;
    const size = Number.parseInt(data.toString('latin1', position, end), 16);
    if (Number.isNaN(size)) throw new Error('chunk without a size');
    if (size === 0) {
      this.#phase = 'trailer';
    } else {
      this.#remaining = size + 2;
      this.#phase = 'chunk-data';
    }
    return end + 1;
  }

  #readTrailer(data: Buffer, position: number): number {
    const end = data.indexOf(10, position);
    if (end < 0) return -1;
    if (end - position <= 1) this.#finish();
    return end + 1;
  }

  #finish(): void {
    this.#phase = 'head';
    this.#onResponse(this.#status);
  }
}
