/**
 * The control plane over a given store, called without a socket. Every 2xx reply is checked against the
 * schema that its route publishes, every other against the problem schema.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createIdSource, type IdSource } from '../../../contracts/ids.ts';
import type { CustomerRecord, KeyRecord, MeteringStore } from '../../../metering/ports.ts';
import { ReplySeal } from '../../../gateway/reply-seal.ts';
import { createAdminApp } from '../app.ts';
import { checkReply } from './check-reply.ts';
import { fakeWebhookTools } from './fake-webhook-tools.ts';
import { CATALOGUE } from './test-catalogue.ts';

/** 23 November 2026, 10:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 23, 10);

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON; tests reach into it. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly caller?: string;
}

export interface Harness {
  call(method: string, path: string, options?: CallOptions): Promise<TestReply>;
  readonly store: MeteringStore;
  readonly ids: IdSource;
  readonly keyChanges: KeyRecord[];
  readonly customerChanges: CustomerRecord[];
  readonly internalErrors: unknown[];
  now(): number;
  advance(milliseconds: number): void;
}

export type OpenStore = (options: {
  readonly now: () => number;
  readonly ids: IdSource;
}) => Promise<MeteringStore>;

/** Deterministic bytes: a counter, so that ids and keys never repeat. */
function counterBytes(): (target: Uint8Array) => void {
  let count = 0;
  return (target) => {
    for (let at = 0; at < target.length; at += 1) {
      const hash = createHash('sha256').update(String(count)).digest();
      count += 1;
      target[at] = hash[0] ?? 0;
    }
  };
}

/** A reply's JSON; empty for exports, which are none. */
function parsedBody(response: Response, text: string): TestReply['body'] {
  const isJson = /^application\/(?:problem\+)?json/.test(
    response.headers.get('content-type') ?? '',
  );
  return isJson && text !== '' ? (JSON.parse(text) as TestReply['body']) : {};
}

const SHOWN_CONFIG = {
  file: 'gateway.yaml',
  settings: { port: 8790 },
  origins: { port: 'default' },
  warnings: [],
};

/** Keys that never repeat, with the prefix of real ones. */
function counterKeys(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `agk_${String(count).padStart(32, 'k')}`;
  };
}

/** The request that a call makes. */
function requestOf(method: string, path: string, { body, headers }: CallOptions): Request {
  const hasBody = body !== undefined;
  return new Request(`http://gateway/admin/v1${path}`, {
    method,
    headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
}

/** Calls an app as the server would, and checks what it answers. */
function caller(app: ReturnType<typeof createAdminApp>): Harness['call'] {
  let requests = 0;
  return async (method, path, options = {}) => {
    requests += 1;
    const requestId = `req_${requests}`;
    const keyId = options.caller ?? 'key_admin';
    const response = await app.fetch(requestOf(method, path, options), {
      caller: { keyId },
      requestId,
    });
    const text = await response.text();
    const body = parsedBody(response, text);
    const reply = { status: response.status, headers: response.headers, text, body };
    if (method !== 'HEAD') checkReply(method, `/admin/v1${path.split('?')[0] ?? ''}`, reply);
    if (reply.headers.get('x-request-id') !== requestId) throw new Error('x-request-id is missing');
    return reply;
  };
}

/** The control plane over a store that `openStore` makes. */
export async function createHarness(openStore: OpenStore): Promise<Harness> {
  let nowMs = START_MS;
  const now = () => nowMs;
  const ids = createIdSource(now, counterBytes());
  const store = await openStore({ now, ids });
  const keyChanges: KeyRecord[] = [];
  const customerChanges: CustomerRecord[] = [];
  const internalErrors: unknown[] = [];
  const app = createAdminApp({
    store,
    replySeal: new ReplySeal('an encryption key for tests'),
    now,
    ids,
    hashKey: (key) => createHash('sha256').update(key).digest('hex'),
    randomKey: counterKeys(),
    onKeyChange: (key) => keyChanges.push(key),
    onCustomerChange: (customer) => customerChanges.push(customer),
    onPriceRules: () => undefined,
    config: () => SHOWN_CONFIG,
    catalogue: CATALOGUE,
    webhookTools: fakeWebhookTools(),
    routing: { providers: () => [], explain: () => null },
    cancelJob: async (job) => job,
    removeAsset: async (id) => (await store.assets.remove(id)).removed > 0,
    maxBodyBytes: 64 * 1024,
    maxJsonDepth: 32,
    version: '0.0.0-test',
    onInternalError: (error) => internalErrors.push(error),
  });
  return {
    call: caller(app),
    store,
    ids,
    keyChanges,
    customerChanges,
    internalErrors,
    now,
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
  };
}
