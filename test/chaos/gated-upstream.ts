/**
 * A provider of chat completions that keeps every call waiting until it is told to answer, so that a test can have
 * exactly as many calls in progress as it wants.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What every answer states and bills. */
export const ANSWER_USAGE = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 } as const;

export interface GatedUpstream {
  readonly url: string;
  /** Calls waiting for their answer. */
  readonly waiting: number;
  /** Calls since the start. */
  readonly received: number;
  /** Answers what waits; the first `refusals` of it with 400. New calls wait again. */
  release(refusals?: number): void;
  close(): Promise<void>;
}

export interface GatedUpstreamOptions {
  /** Gets the body of every call before anything is answered. */
  readonly onCall?: (body: string) => void;
  /** Waiting streams go on with a word every so many milliseconds; by default they fall silent. */
  readonly wordEveryMs?: number;
}

interface WaitingCall {
  readonly response: ServerResponse;
  readonly stream: boolean;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const BASE = { id: 'chatcmpl-gated', created: 1_767_225_600, model: 'gpt-4o-mini' };

function frame(choices: readonly object[], more: object = {}): string {
  const chunk = { ...BASE, object: 'chat.completion.chunk', choices, ...more };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** Head and first words: the client has begun to read when the call has to wait. */
function begin({ response, stream }: WaitingCall, wordEveryMs: number | undefined): void {
  if (!stream) return;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const delta = { role: 'assistant', content: 'Once' };
  response.write(frame([{ index: 0, delta, finish_reason: null }]));
  if (wordEveryMs === undefined) return;
  const word = frame([{ index: 0, delta: { content: ' again' }, finish_reason: null }]);
  const timer = setInterval(() => response.write(word), wordEveryMs);
  response.once('close', () => clearInterval(timer));
}

function refuse({ response, stream }: WaitingCall): void {
  if (stream) {
    response.destroy();
    return;
  }
  response.writeHead(400, { 'content-type': 'application/json' });
  const error = { message: 'Not this one', type: 'invalid_request_error', param: null, code: null };
  response.end(JSON.stringify({ error }));
}

function answer({ response, stream }: WaitingCall): void {
  if (stream) {
    response.write(frame([{ index: 0, delta: { content: ' more' }, finish_reason: null }]));
    response.write(frame([{ index: 0, delta: {}, finish_reason: 'stop' }]));
    response.write(frame([], { usage: ANSWER_USAGE }));
    response.end('data: [DONE]\n\n');
    return;
  }
  const message = { role: 'assistant', content: 'Once more', refusal: null };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  const body = { ...BASE, object: 'chat.completion', choices, usage: ANSWER_USAGE };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Starts one on a free port. */
export async function startGatedUpstream(
  options: GatedUpstreamOptions = {},
): Promise<GatedUpstream> {
  let waiting: WaitingCall[] = [];
  let received = 0;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      received += 1;
      options.onCall?.(body);
      const call = { response, stream: /"stream":\s*true/.test(body) };
      waiting.push(call);
      begin(call, options.wordEveryMs);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    get waiting() {
      return waiting.length;
    },
    get received() {
      return received;
    },
    release(refusals = 0) {
      const calls = waiting;
      waiting = [];
      calls.forEach((call, index) => {
        if (index < refusals) refuse(call);
        else answer(call);
      });
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
