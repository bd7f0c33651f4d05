/**
 * Stripe's webhook over the running gateway. Signatures and events are made here from Stripe's documentation, not by
 * the code under test: https://docs.stripe.com/webhooks/signature and https://docs.stripe.com/api/events/object.
 */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/running-gateway.ts';

const SECRET = 'whsec_test_0123456789abcdefghij';
const HOUR = 3600;

type Json = Record<string, unknown>;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

function sign(body: string, secret = SECRET, at = nowSeconds()): string {
  return createHmac('sha256', secret).update(`${at}.${body}`, 'utf8').digest('hex');
}

describe('POST /webhooks/stripe', () => {
  let gateway: TestGateway;
  let count = 0;

  beforeAll(async () => {
    gateway = await startTestGateway({
      environment: { STRIPE_SECRET: SECRET },
      config: [
        'billing:',
        '  stripe:',
        '    webhookSecret: ${STRIPE_SECRET}',
        '    graceMs: 2h',
        '    prices:',
        '      price_basic: basic',
        '      price_pro: pro',
      ].join('\n'),
    });
  });

  afterAll(async () => {
    await gateway.stop();
  });

  async function send(
    body: string,
    signature: string | null,
  ): Promise<{ status: number; body: Json }> {
    const reply = await fetch(`${gateway.url}/webhooks/stripe`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        ...(signature === null ? {} : { 'stripe-signature': signature }),
      },
      body,
    });
    return { status: reply.status, body: (await reply.json()) as Json };
  }

  const deliver = (event: Json) => {
    const body = JSON.stringify(event, null, 2);
    return send(body, `t=${nowSeconds()},v1=${sign(body)}`);
  };

  async function admin(method: string, path: string, body?: unknown): Promise<Json> {
    const reply = await fetch(`${gateway.url}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await reply.json()) as Json;
  }

  /** A customer of the gateway and of Stripe. */
  async function newPayer(): Promise<{ name: string; payer: string; read: () => Promise<Json> }> {
    const name = `payer-${(count += 1)}`;
    await admin('POST', '/customers', { externalId: name, plan: 'free' });
    return {
      name,
      payer: `cus_Q${count}x`,
      read: () => admin('GET', `/customers/${name}/subscription`),
    };
  }

  const eventOf = (type: string, object: Json, more: Json = {}): Json => ({
    id: `evt_${(count += 1)}`,
    object: 'event',
    api_version: '2025-03-31.basil',
    created: nowSeconds() - HOUR,
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    data: { object },
    ...more,
  });

  const subscriptionOf = (payer: string, more: Json = {}): Json => ({
    id: `sub_${payer}`,
    object: 'subscription',
    customer: payer,
    status: 'active',
    metadata: {},
    trial_end: null,
    cancel_at: null,
    cancel_at_period_end: false,
    collection_method: 'charge_automatically',
    items: {
      object: 'list',
      data: [
        {
          id: 'si_1',
          object: 'subscription_item',
          current_period_start: nowSeconds(),
          current_period_end: nowSeconds() + 30 * 24 * HOUR,
          price: {
            id: 'price_basic',
            object: 'price',
            lookup_key: null,
            product: 'prod_1',
            recurring: { interval: 'month', interval_count: 1 },
          },
        },
      ],
    },
    ...more,
  });

  const priced = (payer: string, price: string, more: Json = {}): Json => {
    const made = subscriptionOf(payer, more);
    const { data } = made['items'] as { data: { price: Json }[] };
    for (const item of data) item.price['id'] = price;
    return made;
  };

  it('drives a subscription from checkout to its end, without a call to Stripe', async () => {
    const { name, payer, read } = await newPayer();
    const created = eventOf(
      'customer.subscription.created',
      subscriptionOf(payer, { status: 'incomplete' }),
    );
    expect(await deliver(created)).toMatchObject({ status: 200, body: { outcome: 'ignored' } });
    const active = eventOf('customer.subscription.updated', subscriptionOf(payer), {
      data: {
        object: subscriptionOf(payer),
        previous_attributes: { status: 'incomplete' },
      },
    });
    // Nobody knows yet whose this is: Stripe is told to come again.
    expect(await deliver(active)).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', param: 'customer' } },
    });
    const checkout = eventOf('checkout.session.completed', {
      id: 'cs_1',
      object: 'checkout.session',
      mode: 'subscription',
      client_reference_id: name,
      customer: payer,
      subscription: `sub_${payer}`,
      metadata: {},
    });
    expect((await deliver(checkout)).body).toMatchObject({ outcome: 'applied' });
    expect((await deliver(active)).body).toEqual({ outcome: 'applied', reason: null });
    expect(await read()).toMatchObject({ status: 'active', plan: { id: 'basic' } });

    const endsAt = nowSeconds() + 10 * 24 * HOUR;
    const upgraded = priced(payer, 'price_pro', { cancel_at: endsAt, cancel_at_period_end: true });
    await deliver(eventOf('customer.subscription.updated', upgraded));
    expect(await read()).toMatchObject({
      plan: { id: 'pro' },
      cancel_at: new Date(endsAt * 1000).toISOString().replace('.000Z', 'Z'),
    });
    await deliver(eventOf('customer.subscription.updated', priced(payer, 'price_pro')));
    expect(await read()).toMatchObject({ status: 'active', cancel_at: null });
    await deliver(
      eventOf('customer.subscription.deleted', priced(payer, 'price_pro', { status: 'canceled' })),
    );
    expect(await read()).toMatchObject({ status: 'cancelled' });
    // Told late, and again: nothing comes back to life.
    expect((await deliver(active)).status).toBe(200);
    const late = eventOf('customer.subscription.updated', priced(payer, 'price_pro'), {
      created: nowSeconds() - 2 * HOUR,
    });
    expect((await deliver(late)).body).toMatchObject({ outcome: 'ignored' });
    expect(await read()).toMatchObject({ status: 'cancelled' });
    const listed = await admin('GET', `/subscription-events?customer=${name}`);
    expect((listed['data'] as Json[]).map((row) => row['source'])).toEqual(
      Array.from({ length: 6 }, () => 'stripe'),
    );
  });

  it('reads trials, failed and settled payments, and pauses', async () => {
    const { name, payer, read } = await newPayer();
    const metadata = { gateway_customer: name };
    const trialEnd = nowSeconds() + 7 * 24 * HOUR;
    await deliver(
      eventOf(
        'customer.subscription.created',
        priced(payer, 'price_pro', { status: 'trialing', trial_end: trialEnd, metadata }),
      ),
    );
    expect(await read()).toMatchObject({
      status: 'trial',
      plan: { id: 'pro' },
      trial_end: new Date(trialEnd * 1000).toISOString().replace('.000Z', 'Z'),
      scheduled: [{ change: 'activate' }],
    });
    await deliver(eventOf('customer.subscription.updated', priced(payer, 'price_pro')));
    expect(await read()).toMatchObject({ status: 'active', trial_end: null });
    const failedAt = nowSeconds();
    const invoice = {
      id: 'in_1',
      object: 'invoice',
      customer: payer,
      billing_reason: 'subscription_cycle',
      parent: {
        type: 'subscription_details',
        subscription_details: { subscription: `sub_${payer}`, metadata },
      },
    };
    await deliver(eventOf('invoice.payment_failed', invoice, { created: failedAt }));
    const grace = new Date((failedAt + 2 * HOUR) * 1000).toISOString().replace('.000Z', 'Z');
    expect(await read()).toMatchObject({ status: 'past_due', grace_until: grace });
    await deliver(
      eventOf('customer.subscription.updated', priced(payer, 'price_pro', { status: 'past_due' }), {
        created: failedAt + 1,
      }),
    );
    expect(await read()).toMatchObject({ status: 'past_due', grace_until: grace });
    await deliver(eventOf('invoice.paid', invoice, { created: failedAt + 2 }));
    expect(await read()).toMatchObject({ status: 'active', grace_until: null });
    const paused = priced(payer, 'price_pro', { status: 'paused' });
    await deliver(eventOf('customer.subscription.paused', paused, { created: failedAt + 3 }));
    expect(await read()).toMatchObject({ status: 'paused' });
    await deliver(
      eventOf('customer.subscription.resumed', priced(payer, 'price_pro'), {
        created: failedAt + 4,
      }),
    );
    expect(await read()).toMatchObject({ status: 'active' });
    const other = { ...invoice, parent: null };
    expect((await deliver(eventOf('invoice.paid', other))).body).toMatchObject({
      outcome: 'ignored',
    });
  });

  it('answers a delivery that comes again alike, also with another count of pending webhooks', async () => {
    const { name, payer } = await newPayer();
    const metadata = { gateway_customer: name };
    const event = eventOf('customer.subscription.created', subscriptionOf(payer, { metadata }));
    const replies = await Promise.all(
      [1, 2, 3].map((pending) => deliver({ ...event, pending_webhooks: pending })),
    );
    for (const reply of replies) {
      expect(reply).toEqual({ status: 200, body: { outcome: 'applied', reason: null } });
    }
    const forged = { ...event, type: 'customer.subscription.deleted' };
    expect((await deliver(forged)).status).toBe(422);
  });

  it('names the price that stands for no plan', async () => {
    const { name, payer } = await newPayer();
    const metadata = { gateway_customer: name };
    const reply = await deliver(
      eventOf('customer.subscription.created', priced(payer, 'price_other', { metadata })),
    );
    expect(reply.status).toBe(404);
    expect(JSON.stringify(reply.body)).toMatch(/price_other.*billing\.stripe\.prices/);
  });

  it('answers what concerns no subscription with 200', async () => {
    const reply = await deliver(eventOf('charge.refunded', { id: 'ch_1', object: 'charge' }));
    expect(reply).toMatchObject({ status: 200, body: { outcome: 'ignored' } });
  });

  it('takes one fitting signature of several, while a secret is rolled', async () => {
    const body = JSON.stringify(eventOf('charge.refunded', { id: 'ch_2' }));
    const at = nowSeconds();
    const old = sign(body, 'whsec_old', at);
    const header = `t=${at},v1=${old},v0=${'0'.repeat(64)},v1=${sign(body, SECRET, at)}`;
    expect((await send(body, header)).status).toBe(200);
  });

  it('refuses every other signature and posts nothing', async () => {
    const { name, payer, read } = await newPayer();
    const metadata = { gateway_customer: name };
    const body = JSON.stringify(
      eventOf('customer.subscription.created', priced(payer, 'price_pro', { metadata })),
    );
    const at = nowSeconds();
    const right = sign(body, SECRET, at);
    const cases: readonly (readonly [string, string | null, string?])[] = [
      ['none', null],
      ['empty', ''],
      ['without time', `v1=${right}`],
      ['without signature', `t=${at}`],
      ['another secret', `t=${at},v1=${sign(body, 'whsec_other', at)}`],
      ['an empty secret', `t=${at},v1=${sign(body, '', at)}`],
      ['another time', `t=${at + 1},v1=${right}`],
      ['another scheme', `t=${at},v0=${right}`],
      ['short', `t=${at},v1=${right.slice(0, 62)}`],
      ['too old', `t=${at - 301},v1=${sign(body, SECRET, at - 301)}`],
      ['from the future', `t=${at + 400},v1=${sign(body, SECRET, at + 400)}`],
      ['another body', `t=${at},v1=${right}`, `${body} `],
    ];
    for (const [what, header, sent] of cases) {
      const reply = await send(sent ?? body, header);
      expect([what, reply.status]).toEqual([what, 400]);
      expect(reply.body).toMatchObject({
        error: { code: 'invalid_request', param: 'stripe-signature' },
      });
    }
    expect(await read()).toMatchObject({ plan: { id: 'free' }, rev: 1 });
    const late = `t=${at - 290},v1=${sign(body, SECRET, at - 290)}`;
    expect((await send(body, late)).status).toBe(200);
  });

  it('refuses bodies that are no events, and too large ones', async () => {
    for (const body of [
      '{',
      '[]',
      '{"id":"evt_1"}',
      '{"id":"e","type":"invoice.paid","created":1,"data":{"object":{}}}',
    ]) {
      const reply = await send(body, `t=${nowSeconds()},v1=${sign(body)}`);
      expect([body, reply.status]).toEqual([body, 400]);
    }
    const large = JSON.stringify({ filler: 'x'.repeat(1_100_000) });
    expect((await send(large, `t=${nowSeconds()},v1=${sign(large)}`)).status).toBe(413);
  });
});

describe('without a secret', () => {
  it.each(['', '    webhookSecret: ""\n'])('there is no webhook (%j)', async (line) => {
    const config = line === '' ? '' : `billing:\n  stripe:\n${line}`;
    let gateway: TestGateway;
    try {
      gateway = await startTestGateway({ config });
    } catch (error) {
      // An empty secret may be refused as a setting; then it opens nothing either.
      expect(String(error)).toMatch(/webhookSecret/);
      return;
    }
    try {
      const body = '{}';
      const at = nowSeconds();
      const reply = await fetch(`${gateway.url}/webhooks/stripe`, {
        method: 'POST',
        headers: { 'stripe-signature': `t=${at},v1=${sign(body, '', at)}` },
        body,
      });
      expect(reply.status).toBe(404);
    } finally {
      await gateway.stop();
    }
  });
});
