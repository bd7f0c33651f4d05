/**
 * A receiver of webhooks that behaves as told and checks signatures with code of its own.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
  /** `webhook-id`; the event. */
  readonly id: string;
}

/** Answers one request; the default is 204. */
export type Behaviour = (response: ServerResponse, received: Received) => void;

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Starts one on a free port of the loopback interface. */
export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const accept: Behaviour = (response) => void response.writeHead(204).end();
  let behaviour = accept;
  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const json = JSON.parse(body) as Readonly<Record<string, unknown>>;
      const one = { path: request.url ?? '', headers, body, json, id: headers['webhook-id'] ?? '' };
      received.push(one);
      behaviour(response, one);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    behave(next) {
      behaviour = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** True when one of the signatures is the secret's, as a receiver would check it. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', key).update(text).digest('base64');
  return (headers['webhook-signature'] ?? '').split(' ').includes(`v1,${expected}`);
}
