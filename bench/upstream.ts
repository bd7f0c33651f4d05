/**
 * A mock OpenAI provider that costs next to nothing: prebuilt answers over `net`, HTTP/1.1 keep-alive.
 * Started as a child process; counts over IPC what it has answered and when.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net';
import { plainAnswerBytes, SCENARIOS, streamAnswerParts, streamOf } from './workload.ts';

/** To the upstream: report once `count` more requests have been answered. */
export interface ExpectMessage {
  readonly type: 'expect';
  readonly count: number;
}

/** From the upstream. Times are milliseconds of its own monotonic clock. */
export type UpstreamMessage =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'expecting' }
  | { readonly type: 'reached'; readonly firstMs: number; readonly lastMs: number };

const HEAD_END = Buffer.from('\r\n\r\n');
/** Bodies above this are never streams here; they are counted without being searched. */
const SEARCHED_BODY_BYTES = 8192;

const plainAnswer = plainAnswerBytes();
const streamAnswers = new Map(
  Object.values(SCENARIOS)
    .filter((scenario) => scenario.stream)
    .map((scenario) => [scenario.id, Buffer.concat(streamAnswerParts(scenario.chunks))]),
);
const refusal = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
const unsupported = Buffer.from('HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\n\r\n');

let missing = 0;
let firstMs = 0;

function send(message: UpstreamMessage): void {
  process.send?.(message);
}

function countAnswer(): void {
  if (missing === 0) return;
  missing -= 1;
  if (firstMs === 0) firstMs = performance.now();
  if (missing === 0) send({ type: 'reached', firstMs, lastMs: performance.now() });
}

class Connection {
  readonly #socket: Socket;
  #rest: Buffer | null = null;
  /** Body bytes still to come of a request that is too large to be kept. */
  #skipping = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#push(bytes));
    // A subject that is stopped resets its connections: nothing to be done about it here.
    socket.on('error', () => socket.destroy());
  }

  #push(bytes: Buffer): void {
    let data = bytes;
    if (this.#skipping > 0) {
      if (data.length < this.#skipping) {
        this.#skipping -= data.length;
        return;
      }
      data = data.subarray(this.#skipping);
      this.#skipping = 0;
      this.#answer(plainAnswer);
    } else if (this.#rest !== null) {
      data = Buffer.concat([this.#rest, data]);
      this.#rest = null;
    }
    while (data.length > 0) {
      const used = this.#takeRequest(data);
      if (used === 0) {
        this.#rest = data;
        return;
      }
      data = data.subarray(used);
    }
  }

  /** Bytes used up; 0 when the request is not complete yet. */
  #takeRequest(data: Buffer): number {
    const headEnd = data.indexOf(HEAD_END);
    if (headEnd < 0) return 0;
    const head = data.toString('latin1', 0, headEnd);
    const bodyStart = headEnd + 4;
    if (!head.startsWith('POST ')) {
      this.#socket.write(refusal);
      return bodyStart;
    }
    const lengthText = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (lengthText === undefined) {
      this.#socket.end(unsupported);
      return data.length;
    }
    const bodyBytes = Number(lengthText);
    const available = data.length - bodyStart;
    if (bodyBytes > SEARCHED_BODY_BYTES) {
      if (available < bodyBytes) {
        this.#skipping = bodyBytes - available;
        return data.length;
      }
      this.#answer(plainAnswer);
      return bodyStart + bodyBytes;
    }
    if (available < bodyBytes) return 0;
    const body = data.toString('latin1', bodyStart, bodyStart + bodyBytes);
    const stream = streamOf(body);
    this.#answer((stream === null ? undefined : streamAnswers.get(stream.id)) ?? plainAnswer);
    return bodyStart + bodyBytes;
  }

  #answer(bytes: Buffer): void {
    this.#socket.write(bytes);
    countAnswer();
  }
}

const server = createServer((socket) => new Connection(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') {
    send({ type: 'listening', port: address.port });
  }
});
process.on('message', (message: ExpectMessage) => {
  missing = message.count;
  firstMs = 0;
  send({ type: 'expecting' });
});
process.on('disconnect', () => process.exit(0));
