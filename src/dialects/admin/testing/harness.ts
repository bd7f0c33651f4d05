/**
 * The control plane over a given store, called without a socket. Every 2xx reply is checked against the
 * schema that its route publishes, every other against the problem schema.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { createPriceItem } from '../../../catalog/price-item.ts';
import { createIdSource, type IdSource } from '../../../contracts/ids.ts';
import type { CustomerRecord, KeyRecord, MeteringStore } from '../../../metering/ports.ts';
import { ReplySeal } from '../../../gateway/reply-seal.ts';
import { createAdminApp } from '../app.ts';
import { problemSchema } from '../problem.ts';
import { fakeWebhookTools } from './fake-webhook-tools.ts';
import { ADMIN_ROUTES } from '../routes/index.ts';

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

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

function checkReply(method: string, path: string, reply: TestReply): void {
  if (reply.status >= 400) {
    problemSchema.parse(reply.body);
    return;
  }
  const route = ADMIN_ROUTES.find(
    ({ description }) =>
      description.method === method.toLowerCase() && patternOf(description.path).test(path),
  );
  const schema = route?.description.reply.content['application/json']?.schema;
  if (route === undefined || schema === undefined) return;
  if (reply.status !== route.description.reply.status) {
    throw new Error(`${method} ${path} answered ${reply.status}, which its description lacks`);
  }
  schema.parse(reply.body);
}

/** The price of the harness's one model, `sim/chat#1`. */
export const CHAT_PRICE = createPriceItem(
  {
    provider: 'sim',
    model: 'chat',
    rates: { input_text_tokens: 150_000_000, output_text_tokens: 600_000_000 },
    effective_from: '2026-11-23T10:00Z',
    source: 'https://prices.example',
  },
  '1',
);

/** The catalogue of the harness: one model, one price. */
const CATALOGUE = {
  priceBook: {
    id: 'pb_test',
    items: [CHAT_PRICE],
    find: (provider: string, model: string) =>
      provider === 'sim' && model === 'chat' ? CHAT_PRICE : null,
  },
  list: () => [
    {
      id: 'sim/chat',
      ownedBy: 'sim',
      candidates: null,
      facts: {
        contextWindow: 8192,
        maxOutputTokens: null,
        input: ['text'],
        output: ['text'],
        capabilities: null,
      },
      usdPerMillion: { input_text_tokens: '0.150000000' },
    },
    {
      id: 'fast',
      ownedBy: 'sim',
      candidates: ['sim/chat'],
      facts: {
        contextWindow: null,
        maxOutputTokens: null,
        input: null,
        output: null,
        capabilities: null,
      },
      usdPerMillion: {},
    },
  ],
} as const;

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

export async function createHarness(openStore: OpenStore): Promise<Harness> {
  let nowMs = START_MS;
  let requests = 0;
  let keys = 0;
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
    randomKey: () => {
      keys += 1;
      return `agk_${String(keys).padStart(32, 'k')}`;
    },
    onKeyChange: (key) => keyChanges.push(key),
    onCustomerChange: (customer) => customerChanges.push(customer),
    onPriceRules: () => undefined,
    config: () => SHOWN_CONFIG,
    catalogue: CATALOGUE,
    webhookTools: fakeWebhookTools(),
    maxBodyBytes: 64 * 1024,
    maxJsonDepth: 32,
    version: '0.0.0-test',
    onInternalError: (error) => internalErrors.push(error),
  });
  return {
    store,
    ids,
    keyChanges,
    customerChanges,
    internalErrors,
    now,
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
    async call(method, path, options = {}) {
      requests += 1;
      const requestId = `req_${requests}`;
      const { body, caller = 'key_admin' } = options;
      const hasBody = body !== undefined;
      const response = await app.fetch(
        new Request(`http://gateway/admin/v1${path}`, {
          method,
          headers: {
            ...(hasBody ? { 'content-type': 'application/json' } : {}),
            ...options.headers,
          },
          ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
        }),
        { caller: { keyId: caller }, requestId },
      );
      const text = await response.text();
      const parsed = parsedBody(response, text);
      const reply = { status: response.status, headers: response.headers, text, body: parsed };
      if (method !== 'HEAD') checkReply(method, `/admin/v1${path.split('?')[0] ?? ''}`, reply);
      if (reply.headers.get('x-request-id') !== requestId)
        throw new Error('x-request-id is missing');
      return reply;
    },
  };
}
