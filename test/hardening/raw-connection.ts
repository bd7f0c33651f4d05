/**
 * HTTP/1.1 by hand over a real socket: for what no well-behaved client sends.
 *
 * @module
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PATIENCE_MS = 20_000;

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

export class RawConnection {
  readonly #socket: Socket;
  #received = '';
  #ended = false;
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#changed();
    });
    const end = (): void => {
      this.#ended = true;
      this.#changed();
    };
    socket.on('end', end);
    socket.on('close', end);
    // A gateway that has answered may reset what is still being sent.
    socket.on('error', end);
  }

  /** Connects to the loopback port; the client's half may be closed alone. */
  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** True once the gateway has closed its side. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What has come and was not taken by {@link reply}. */
  get received(): string {
    return this.#received;
  }

  write(bytes: string | Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Writes and waits until it is with the system; false when the other side does not take it any more. */
  async writeAll(bytes: Buffer): Promise<boolean> {
    if (this.#ended || this.#socket.destroyed) return false;
    if (this.#socket.write(bytes)) return true;
    await Promise.race([
      once(this.#socket, 'drain').catch(() => null),
      this.#until(() => this.#ended),
    ]);
    return !this.#ended;
  }

  /** Closes the client's half; the gateway may go on. */
  halfClose(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Waits until the gateway has closed its side. */
  closed(): Promise<void> {
    return this.#until(() => this.#ended);
  }

  /** Waits until `text` has come. */
  heard(text: string): Promise<void> {
    return this.#until(() => this.#received.includes(text));
  }

  /** Takes the next whole reply; interim replies (1xx) count as replies. @throws Error when none comes */
  async reply(): Promise<RawReply> {
    await this.#until(() => this.#received.includes('\r\n\r\n') || this.#ended);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) throw new Error(`No reply, but ${JSON.stringify(this.#received)}`);
    const [statusLine = '', ...lines] = this.#received.slice(0, headEnd).split('\r\n');
    const headers = headersOf(lines);
    const status = Number(statusLine.split(' ')[1]);
    this.#received = this.#received.slice(headEnd + 4);
    return { status, headers, body: await this.#body(status, headers) };
  }

  async #body(status: number, headers: Readonly<Record<string, string>>): Promise<string> {
    if (status < 200 || status === 204) return '';
    const length = headers['content-length'];
    if (length !== undefined) {
      const wanted = Number(length);
      await this.#until(() => this.#received.length >= wanted || this.#ended);
      return this.#take(wanted);
    }
    if (headers['transfer-encoding'] === 'chunked') {
      await this.#until(() => /(^|\r\n)0\r\n\r\n/.test(this.#received) || this.#ended);
      const end = /(^|\r\n)0\r\n\r\n/.exec(this.#received);
      return this.#take(end === null ? this.#received.length : end.index + end[0].length);
    }
    await this.closed();
    return this.#take(this.#received.length);
  }

  #take(length: number): string {
    const text = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return text;
  }

  async #until(holds: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () =>
        reject(new Error(`Waited in vain; so far ${JSON.stringify(this.#received.slice(0, 500))}`)),
      PATIENCE_MS,
    );
    const before = this.#changed;
    this.#changed = () => {
      before();
      if (holds()) resolve();
    };
    if (holds()) resolve();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#changed = before;
    }
  }
}

/** Sends `bytes` on a connection of its own and takes the first reply; then the connection is destroyed. */
export async function rawCall(
  port: number,
  bytes: string | Buffer,
): Promise<RawReply & { readonly closed: boolean }> {
  const connection = await RawConnection.open(port);
  try {
    connection.write(bytes);
    const reply = await connection.reply();
    // Whether the gateway hangs up shows a moment later.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { ...reply, closed: connection.ended };
  } finally {
    connection.destroy();
  }
}
