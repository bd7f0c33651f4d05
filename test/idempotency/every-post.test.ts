/**
 * Every POST of both planes under an `Idempotency-Key`: the same request is answered again, another is refused, and a
 * key that is none is named. A POST that this table lacks fails the first test.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, chatBody, openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { reserveOf } from '../../src/metering/testing/store-samples.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { recordingOf } from '../media/files.ts';
import { callAdmin, createCustomerKey, type CustomerKey } from '../support/running-gateway.ts';

interface Made {
  readonly customer: CustomerKey;
  readonly webhookId: string;
  readonly ruleId: string;
  readonly alertId: string;
  /** Jobs that go on for ever. */
  readonly jobId: string;
  readonly otherJobId: string;
  /** Of a server that answers everything. */
  readonly hookUrl: string;
}

interface Post {
  /** As OpenAPI names it. */
  readonly route: string;
  /** What stands for `{id}`. */
  readonly id?: (made: Made) => string;
  /** A body for this route, another for another `turn`; absent: it takes none, and another path is the other request. */
  readonly body?: (made: Made, turn: string) => object;
  /** In place of `body`: a file of that name. */
  readonly file?: (turn: string) => string;
}

/** One pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** A tenth of a second of silence. */
const RECORDING = `data:audio/wav;base64,${recordingOf(100).toString('base64')}`;
const PICTURE = `data:image/png;base64,${PIXEL}`;

const TEXT = {
  id: 'draft',
  type: 'text.generate',
  model: 'sim/chat',
  input: { tokens: 100 },
  output: { max_tokens: 50 },
};
const turns = { first: 1, other: 2 } as const;
const countOf = (turn: string): number => (turn === 'first' ? turns.first : turns.other);
const quoteBody = (_made: Made, turn: string): object => ({
  operations: [{ ...TEXT, count: countOf(turn) }],
});

const DATA_POSTS: readonly Post[] = [
  {
    route: '/v1/chat/completions',
    body: (_made, turn) => chatBody('sim/chat', { max_tokens: 10 * countOf(turn) }),
  },
  {
    route: '/v1/embeddings',
    body: (_made, turn) => ({ model: 'sim/embed', input: [turn] }),
  },
  {
    route: '/v1/moderations',
    body: (_made, turn) => ({ model: 'sim/moderate', input: turn }),
  },
  {
    route: '/v1/prompt-enhancements',
    body: (_made, turn) => ({ model: 'sim/chat', prompt: turn, for: 'image' }),
  },
  {
    route: '/v1/images/generations',
    body: (_made, turn) => ({ model: 'sim/image', prompt: turn, size: '1024x1024' }),
  },
  {
    route: '/v1/images/face-swaps',
    body: (_made, turn) => ({
      model: 'sim/face-swap',
      image: PICTURE,
      face_image: PICTURE,
      target_index: countOf(turn),
    }),
  },
  {
    route: '/v1/images/upscales',
    body: (_made, turn) => ({ model: 'sim/upscale', image: PICTURE, scale: countOf(turn) }),
  },
  {
    route: '/v1/images/background-removals',
    body: (_made, turn) => ({ model: 'sim/remove-background', image: PICTURE, user: turn }),
  },
  {
    route: '/v1/audio/speech',
    body: (_made, turn) => ({ model: 'sim/speech', voice: 'alloy', input: turn }),
  },
  {
    route: '/v1/audio/voices',
    body: (_made, turn) => ({
      model: 'sim/voice-clone',
      name: turn,
      samples: RECORDING,
      consent: { given: true, by: 'Ada' },
    }),
  },
  { route: '/v1/quotes', body: quoteBody },
  { route: '/v1/preflight', body: quoteBody },
  {
    route: '/v1/client-tokens',
    body: ({ customer }, turn) => ({
      customer: customer.externalId,
      expires_in_s: 60 * countOf(turn),
    }),
  },
  {
    route: '/v1/videos',
    body: (_made, turn) => ({ model: 'sim/video', prompt: turn, seconds: 4 }),
  },
  { route: '/v1/jobs/{id}/cancel', id: ({ jobId }) => jobId },
  { route: '/v1/assets', file: (turn) => `${turn}.png` },
  {
    route: '/api/subscription/preflight-check',
    body: (_made, turn) => ({
      operations: [
        {
          provider: 'sim',
          model: 'sim/chat',
          tokens_requested: 100 * countOf(turn),
          operation_type: 'text_generation',
        },
      ],
    }),
  },
];

const plan = (turn: string): object => ({ name: turn, limits: [] });
const UNKNOWN_HOLD = 'hold_every-post';
/** For routes whose body has no members: what is refused is another request, too. */
const nothing = (_made: Made, turn: string): object => (turn === 'first' ? {} : { unknown: turn });
const webhook = ({ webhookId }: Made): string => webhookId;

const ADMIN_POSTS: readonly Post[] = [
  { route: '/admin/v1/plans', body: (_made, turn) => ({ id: `plan-of-${turn}`, ...plan(turn) }) },
  {
    route: '/admin/v1/plans/{id}/versions',
    id: ({ customer }) => customer.planId,
    body: (_made, turn) => plan(turn),
  },
  {
    route: '/admin/v1/plans/{id}/preview',
    id: ({ customer }) => customer.planId,
    body: (_made, turn) => plan(turn),
  },
  {
    route: '/admin/v1/routing/explain',
    body: (_made, turn) => ({ model: turn === 'first' ? 'sim/chat' : 'sim/embed' }),
  },
  {
    route: '/admin/v1/customers',
    body: ({ customer }, turn) => ({ externalId: `made-${turn}`, plan: customer.planId }),
  },
  {
    route: '/admin/v1/customers/{id}/wallet/grants',
    id: ({ customer }) => customer.customerId,
    body: (_made, turn) => ({ amount: `${countOf(turn)}.00`, reference: `invoice-${turn}` }),
  },
  {
    route: '/admin/v1/subscription-events',
    body: ({ customer }, turn) => ({
      id: `event-${turn}`,
      type: 'subscription.renewed',
      occurred_at: '2026-01-01T00:00:00Z',
      customer: customer.externalId,
    }),
  },
  {
    route: '/admin/v1/keys',
    body: ({ customer }, turn) => ({ customer: customer.externalId, name: turn }),
  },
  {
    route: '/admin/v1/keys/{id}/rotate',
    id: ({ customer }) => customer.keyId,
    body: (_made, turn) => ({ overlap_s: countOf(turn) }),
  },
  {
    route: '/admin/v1/keys/{id}/revoke',
    id: ({ customer }) => customer.keyId,
  },
  {
    route: '/admin/v1/prices/explain',
    body: (_made, turn) => ({
      model: 'sim/chat',
      usage: { input_text_tokens: countOf(turn) },
    }),
  },
  {
    route: '/admin/v1/price-rules',
    body: ({ customer }, turn) => ({
      match: 'sim/*',
      customer: customer.externalId,
      markup_percent: String(countOf(turn)),
    }),
  },
  {
    route: '/admin/v1/price-rules/{id}/retire',
    id: ({ ruleId }) => ruleId,
  },
  {
    route: '/admin/v1/webhooks',
    body: ({ hookUrl }, turn) => ({ url: hookUrl, description: turn }),
  },
  {
    route: '/admin/v1/webhooks/{id}/rotate',
    id: webhook,
    body: (_made, turn) => ({ overlap_s: countOf(turn) }),
  },
  { route: '/admin/v1/webhooks/{id}/test', id: webhook },
  {
    route: '/admin/v1/webhooks/{id}/redeliver',
    id: webhook,
    body: (_made, turn) => (turn === 'first' ? {} : { event: turn }),
  },
  {
    route: '/admin/v1/deliveries/redeliver',
    body: (_made, turn) => ({ destination: `email:${turn}@example.com` }),
  },
  { route: '/admin/v1/jobs/{id}/cancel', id: ({ otherJobId }) => otherJobId },
  { route: '/admin/v1/alerts/{id}/acknowledge', id: ({ alertId }) => alertId },
  { route: '/admin/v1/ledger/verify', body: nothing },
  { route: '/admin/v1/ledger/backups', body: nothing },
  {
    route: '/admin/v1/ledger/archives',
    body: (_made, turn) => ({ before: turn === 'first' ? '2020-01-01' : '2020-02-01' }),
  },
  {
    route: '/admin/v1/reconciliation',
    body: (_made, turn) => ({
      rows: [
        { provider: 'sim', date: '2026-11-01', model: 'chat', cost_usd: `${countOf(turn)}.00` },
      ],
    }),
  },
  {
    route: '/admin/v1/ledger/holds/{id}/reconcile',
    id: () => UNKNOWN_HOLD,
    body: (_made, turn) => ({ outcome: 'release', reason: turn }),
  },
];

/**
 * Signed by Stripe and by providers, under their own ids; and what comes as a form, which is compared without its boundary and
 * tested in `test/media`.
 */
const EXEMPT = [
  '/v1/provider-webhooks/{provider}',
  '/webhooks/stripe',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
  '/v1/images/edits',
];

const CONFIG = `
egress:
  allowPrivateHosts: ["127.0.0.1"]
`;

let lab: Lab;
let receiver: Receiver;
let made: Made;
let serial = 0;

async function postsOf(path: string): Promise<string[]> {
  const { json } = await lab.call(path, { key: ADMIN_KEY });
  const paths = json['paths'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return Object.keys(paths).filter((name) => paths[name]?.['post'] !== undefined);
}

function isAdmin({ route }: Post): boolean {
  return route.startsWith('/admin/');
}

const PNG = Buffer.from(PIXEL, 'base64');

function formOf(name: string): FormData {
  const form = new FormData();
  form.set('file', new Blob([PNG], { type: 'image/png' }), name);
  return form;
}

function payloadOf(post: Post, turn: string): FormData | string | null {
  if (post.file !== undefined) return formOf(post.file(turn));
  return post.body === undefined ? null : JSON.stringify(post.body(made, turn));
}

async function send(post: Post, turn: string, key: string): Promise<Reply> {
  const body = payloadOf(post, turn);
  const isElsewhere = body === null && turn !== 'first';
  const path = post.route.replace('{id}', isElsewhere ? turn : (post.id?.(made) ?? ''));
  const response = await fetch(`${lab.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${isAdmin(post) ? ADMIN_KEY : lab.gateway.apiKey}`,
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
      'idempotency-key': key,
    },
    body,
  });
  return await readReply(response);
}

const refusal = ({ json, error }: Reply): Readonly<Record<string, unknown>> =>
  Object.keys(error).length > 0 ? error : json;

beforeAll(async () => {
  receiver = await openReceiver();
  lab = await openLab({ providers: 'none', config: CONFIG });
  const customer = await createCustomerKey(lab.gateway);
  const { store } = lab.gateway.gateway.gateway;
  await store.ledger.reserve(reserveOf(customer.customerId, 'every-post'));
  await store.ledgerOperations.markUnknown([UNKNOWN_HOLD]);
  const alert = await store.alerting.alerts.raise({
    kind: 'operator',
    severity: 'critical',
    customerId: null,
    key: 'every-post',
    atMs: Date.now(),
    endsAtMs: null,
    data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
  });
  const hook = await callAdmin<{ id: string }>(lab.gateway, 'POST /webhooks', {
    url: receiver.url,
  });
  const rule = await callAdmin<{ id: string }>(lab.gateway, 'POST /price-rules', {
    match: 'sim/*',
    markup_percent: '1',
  });
  const makeJob = async (): Promise<string> => {
    const job = await lab.call('/v1/videos', {
      key: lab.gateway.apiKey,
      body: { model: 'sim/video', prompt: 'sim:never', seconds: 4 },
    });
    return String(job.json['id']);
  };
  made = {
    customer,
    jobId: await makeJob(),
    otherJobId: await makeJob(),
    webhookId: hook.id,
    ruleId: rule.id,
    alertId: alert?.id ?? 'none',
    hookUrl: receiver.url,
  };
});

afterAll(async () => {
  await lab.close();
  await receiver.close();
});

describe('every POST', () => {
  it('is in the table', async () => {
    const known = [...DATA_POSTS, ...ADMIN_POSTS].map(({ route }) => route);
    const described = [
      ...(await postsOf('/openapi.json')),
      ...(await postsOf('/admin/v1/openapi.json')),
    ];
    expect(described.filter((path) => !EXEMPT.includes(path)).toSorted()).toEqual(known.toSorted());
  });

  it.each([...DATA_POSTS, ...ADMIN_POSTS])('$route', async (post) => {
    const key = `key-${(serial += 1)}`;
    const first = await send(post, 'first', key);
    expect(first.status, first.text).toBeLessThan(300);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await send(post, 'first', key);
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await send(post, 'other', key);
    expect([other.status, refusal(other)['code']]).toEqual([422, 'idempotency_mismatch']);
    const long = await send(post, 'first', 'k'.repeat(256));
    expect(long.status, long.text).toBe(400);
    expect(refusal(long)).toMatchObject({ code: 'invalid_request', param: 'Idempotency-Key' });
  });
});
