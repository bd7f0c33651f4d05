/**
 * Faults of credentials, rate limits, accounts, limits and books (F32 to F38, F86, F87, F98, F105 to F109, F118, F119).
 *
 * Each group has a gateway of its own: a quarantined credential concerns every model behind it.
 *
 * @module
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/contracts/gateway-error.ts';
import { eventually } from '../support/lab.ts';
import {
  callAdmin,
  createCustomerKey,
  requestOf,
  usageOf,
  verifyLedger,
} from '../support/running-gateway.ts';
import { openFaultLab, type FaultLab, type FaultLabOptions, type Outcome } from './fault-lab.ts';

const labs: FaultLab[] = [];

async function open(options: FaultLabOptions = {}): Promise<FaultLab> {
  const lab = await openFaultLab(options);
  labs.push(lab);
  return lab;
}

afterEach(async () => {
  for (const lab of labs.splice(0)) {
    await lab.assertClean();
    await lab.close();
  }
});

function codeOf(outcome: Outcome): readonly unknown[] {
  return [outcome.status, outcome.error?.['code']];
}

/** Slow enough to be caught under way: 60 tokens in 1.2 s. */
const SLOW: FaultLabOptions = { simulator: { latency: { perTokenMs: 20 } } };

describe('F32: rate limits of the provider', () => {
  it('every form of wait is read, the model cooled, and the caller told when to come back', async () => {
    const lab = await open();
    const cases: readonly (readonly [string, number, number, string])[] = [
      ['429-retry-after-7', 7, 7, 'true'],
      ['429-retry-after-ms-7500', 7, 8, 'true'],
      ['429-retry-date-9', 7, 9, 'true'],
      ['429-reset-6m0s', 359, 360, 'false'],
      ['429-retry-after-3600', 3599, 3600, 'false'],
    ];
    for (const [fault, least, most, shouldRetry] of cases) {
      const route = lab.route('openai');
      lab.fault(route.primary, fault);
      const first = await lab.send({ model: route.alone });
      expect([fault, ...codeOf(first)]).toEqual([fault, 503, 'provider_rate_limited']);
      expect(Number(first.headers['retry-after']), fault).toBeGreaterThanOrEqual(least);
      expect(Number(first.headers['retry-after']), fault).toBeLessThanOrEqual(most);
      expect(first.headers['x-should-retry']).toBe(shouldRetry);
      expect(first.headers['retry-after-ms'] !== undefined).toBe(shouldRetry === 'true');
      const again = await lab.send({ model: route.alone });
      expect([fault, ...codeOf(again)]).toEqual([fault, 503, 'provider_rate_limited']);
      expect(lab.logOf(route.primary), fault).toHaveLength(1);
      const { record } = await lab.books(first);
      expect([record.hold?.state, Number(record.cost)]).toEqual([
        expect.stringMatching(/^void/),
        0,
      ]);
    }
  });

  it('time spent waiting and streaming is not the gateway’s own', async () => {
    const lab = await open(SLOW);
    const route = lab.route('openai');
    lab.fault(route.primary, ['429-retry-after-1', null]);
    const outcome = await lab.send({ model: route.alone, stream: true });
    expect(outcome.hasDone).toBe(true);
    // A second of waiting, and more than a second of tokens.
    const record = (await lab.books(outcome)).record;
    expect(outcome.tookMs).toBeGreaterThan(2000);
    expect(record.overhead_ms).toBeLessThan(900);
    expect(Number(outcome.headers['x-gateway-overhead-ms'])).toBeLessThan(900);
  });

  it('RetryInfo of Gemini, and a quota of the day', async () => {
    const lab = await open();
    const route = lab.route('gemini');
    lab.fault(route.primary, '429-retry-info-34.4s');
    const outcome = await lab.send({ model: route.alone, stream: true });
    expect(codeOf(outcome)).toEqual([503, 'provider_rate_limited']);
    expect([34, 35]).toContain(Number(outcome.headers['retry-after']));
    const daily = lab.route('gemini');
    lab.fault(daily.primary, '429-per-day');
    const used = await lab.send({ model: daily.alone });
    expect(codeOf(used)).toEqual([503, 'provider_rate_limited']);
    expect(used.headers['x-should-retry']).toBe('false');
    expect(lab.logOf(daily.primary)).toHaveLength(1);
  });

  it.each(['none', 'negative', 'garbage', 'huge'])(
    '%s: bounded attempts, a wait that makes sense',
    async (form) => {
      const lab = await open();
      const route = lab.route('openai');
      lab.fault(route.primary, `429-${form}`);
      const outcome = await lab.send({ model: route.alone });
      expect(codeOf(outcome)).toEqual([503, 'provider_rate_limited']);
      expect(lab.logOf(route.primary).length).toBeLessThanOrEqual(2);
      const wait = Number(outcome.headers['retry-after']);
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(wait).toBeLessThanOrEqual(3600);
      if (form === 'huge') expect(outcome.headers['x-should-retry']).toBe('false');
      const other = await lab.send({ model: lab.route('openai').alone });
      expect(other.status).toBe(200);
    },
  );
});

describe('F33 F37: the gateway’s own credential', () => {
  it.each([
    ['F33', 'openai', '429-insufficient-quota', 'provider_credit'],
    ['F33', 'openai', '402', 'provider_credit'],
    ['F37', 'openai', '401', 'provider_auth'],
    ['F37', 'openai', '403', 'provider_auth'],
    ['F37', 'gemini', 'auth', 'provider_auth'],
    ['F33', 'gemini', 'credit', 'provider_credit'],
  ] as const)(
    '%s (%s) %s: %s, quarantined, other providers serve',
    async (_id, shape, fault, code) => {
      const lab = await open();
      const other = shape === 'openai' ? 'openai>gemini' : 'gemini>openai';
      const route = lab.route(shape);
      lab.fault(route.primary, fault);
      const failed = await lab.send({ model: route.alias, stream: true });
      expect(codeOf(failed)).toEqual([502, code]);
      expect(failed.headers['x-should-retry']).toBe('false');
      expect(failed.headers['retry-after-ms']).toBeUndefined();
      // One credential serves both candidates, so the second is not tried.
      expect(lab.logOf(route.fallback)).toEqual([]);
      const healthy = lab.route(shape);
      expect(codeOf(await lab.send({ model: healthy.alone }))).toEqual([502, code]);
      expect(lab.logOf(healthy.primary)).toEqual([]);
      expect((await lab.send({ model: lab.route(other).alias })).status).toBe(200);
      const { record } = await lab.books(failed);
      expect(record.attempt_rows.map((row) => [row.billable, Number(row.cost)])).toEqual([
        ['no', 0],
      ]);
    },
  );
});

describe('outages', () => {
  it('F35: in a full outage upstream calls ÷ requests stays below 1.1, and it recovers', async () => {
    const lab = await open();
    const route = lab.route('openai');
    lab.fault(route.primary, '503');
    const { clock } = lab.inner;
    let nowMs = Date.now();
    clock.nowMs = () => nowMs;
    for (let call = 0; call < 120; call += 1) {
      const outcome = await lab.send({ model: route.alone });
      expect(codeOf(outcome)).toEqual([502, 'provider_error']);
      nowMs += 500;
    }
    expect(lab.logOf(route.primary).length).toBeLessThanOrEqual(120 * 1.1);
    expect(lab.logOf(route.primary).length).toBeLessThan(25);
    lab.simulator.reset();
    let answered = 0;
    for (let call = 0; call < 60; call += 1) {
      nowMs += 500;
      if ((await lab.send({ model: route.alone })).status === 200) answered += 1;
    }
    expect(answered).toBeGreaterThan(5);
  });

  it('F36: in a brownout every request is answered', async () => {
    const lab = await open();
    const route = lab.route('openai>gemini');
    lab.fault(route.primary, ['500'], { percent: 30 });
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, () => lab.send({ model: route.alias, stream: true })),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(outcomes.map(() => 200));
    expect(lab.logOf(route.primary).length).toBeLessThanOrEqual(40 + 10);
  });
});

describe('keys, subscriptions and limits', () => {
  it('F86: a key revoked mid-stream: the stream ends whole, the next call is 401', async () => {
    const lab = await open(SLOW);
    const customer = await createCustomerKey(lab.gateway);
    const route = lab.route('openai');
    const call = lab.open({ model: route.alone, stream: true, key: customer.apiKey });
    await call.firstBytes;
    await callAdmin(lab.gateway, `DELETE /keys/${customer.keyId}`);
    expect(codeOf(await lab.send({ model: route.alone, key: customer.apiKey }))).toEqual([
      401,
      'invalid_api_key',
    ]);
    const outcome = await call.outcome;
    expect([outcome.hasDone, outcome.error]).toEqual([true, null]);
  });

  it('F87: a subscription that ends mid-stream: the held call finishes, the next is 402', async () => {
    const lab = await open(SLOW);
    const customer = await createCustomerKey(lab.gateway);
    const route = lab.route('openai');
    const call = lab.open({ model: route.alone, stream: true, key: customer.apiKey });
    await call.firstBytes;
    await callAdmin(lab.gateway, `PATCH /customers/${customer.customerId}/subscription`, {
      status: 'cancelled',
    });
    const refused = await lab.send({ model: route.alone, key: customer.apiKey });
    expect(codeOf(refused)).toEqual([402, 'subscription_inactive']);
    expect((await call.outcome).hasDone).toBe(true);
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals['requests']).toBe(1);
  });

  it('F87 F107: a limit used up mid-stream: the call finishes, the next are refused alike, unbooked and unsent', async () => {
    const lab = await open(SLOW);
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 1 }],
    });
    const route = lab.route('openai');
    const call = lab.open({ model: route.alone, stream: true, key: customer.apiKey });
    await call.firstBytes;
    const held = await lab.send({ model: route.alone, key: customer.apiKey });
    // F109: only calls in flight stand in the way.
    expect(codeOf(held)).toEqual([429, 'limit_held']);
    expect(held.headers['x-should-retry']).toBe('true');
    expect(Number(held.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(held.headers['retry-after-ms'])).toBeGreaterThan(0);
    expect((await call.outcome).hasDone).toBe(true);
    const before = await verifyLedger(lab.gateway);
    const bodies = new Set<string>();
    for (let repeat = 0; repeat < 3; repeat += 1) {
      const refused = await lab.send({ model: route.alone, key: customer.apiKey });
      expect(codeOf(refused)).toEqual([429, 'limit_exceeded']);
      expect(refused.headers['x-should-retry']).toBe('false');
      expect(refused.headers['retry-after-ms']).toBeUndefined();
      bodies.add(refused.raw.replace(/req_\w+/g, ''));
    }
    expect(bodies.size).toBe(1);
    expect((await verifyLedger(lab.gateway)).events).toBe(before.events);
    expect(lab.logOf(route.primary)).toHaveLength(1);
  });

  it('F105 F115: a provider that bills more than was held: booked once, the excess visible', async () => {
    const lab = await open();
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'cost_usd', window: 'period', amount: '0.001' }],
    });
    const route = lab.route('openai');
    lab.fault(route.primary, 'served-gpt-4');
    const outcome = await lab.send({
      model: route.alone,
      key: customer.apiKey,
      body: { max_tokens: 100 },
    });
    expect(outcome.status).toBe(200);
    const { record } = await lab.books(outcome);
    const { totals, held } = await usageOf(lab.gateway, customer.externalId);
    expect(Number(record.cost)).toBeGreaterThan(0.001);
    expect(Number(totals.cost_usd)).toBe(Number(record.cost));
    expect(Number(held.cost_usd)).toBe(0);
    const next = await lab.send({ model: lab.route('openai').alone, key: customer.apiKey });
    expect(codeOf(next)).toEqual([429, 'limit_exceeded']);
  });

  it('F118: an unpriced model is refused before any provider is called', async () => {
    const lab = await open();
    const outcome = await lab.send({ model: 'openai/no-such-model-anywhere' });
    expect(codeOf(outcome)).toEqual([400, 'unpriced_model']);
    expect(lab.simulator.log).toEqual([]);
  });

  it('F119: whom a key acts for', async () => {
    const lab = await open();
    const one = await createCustomerKey(lab.gateway);
    const two = await createCustomerKey(lab.gateway);
    const service = await callAdmin<{ key: string }>(lab.gateway, 'POST /keys', {
      type: 'service',
      name: 'service without a default',
    });
    const { alone: model } = lab.route('openai');
    const as = (key: string, customer?: string): Promise<Outcome> =>
      lab.send({
        model,
        key,
        ...(customer === undefined ? {} : { headers: { 'x-gateway-customer': customer } }),
      });
    expect(codeOf(await as(service.key))).toEqual([400, 'invalid_request']);
    expect(codeOf(await as(service.key, 'nobody-knows'))).toEqual([404, 'not_found']);
    expect(codeOf(await as(one.apiKey, two.externalId))).toEqual([403, 'forbidden']);
    expect(lab.simulator.log).toEqual([]);
    const outcome = await as(service.key, one.externalId);
    expect(outcome.status).toBe(200);
    expect(await usageOf(lab.gateway, one.externalId)).toMatchObject({ totals: { requests: 1 } });
  });
});

describe('the gateway itself', () => {
  it('F98: a provider that is the gateway itself: 508, nothing booked', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', () => resolve()));
    const { port } = probe.address() as AddressInfo;
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    const lab = await open({
      port,
      environment: {
        OPENAI_BASE_URL: `http://127.0.0.1:${port}`,
        OPENAI_API_KEY: 'agk_test-service-key-0000000000000000',
      },
    });
    const outcome = await lab.send({ model: 'openai/gpt-4o-mini' });
    expect(codeOf(outcome)).toEqual([508, 'loop_detected']);
    expect(outcome.headers['x-should-retry']).toBe('false');
    const { totals } = await usageOf(lab.gateway, 'default');
    expect(Number(totals.cost_usd)).toBe(0);
  });

  it.each([true, false])(
    'F106: the store is lost before the settlement (streamed: %s): nothing is shown as settled before it is',
    async (stream) => {
      const lab = await open();
      const { ledger } = lab.inner.store;
      const settle = ledger.settle.bind(ledger);
      let refusals = 0;
      ledger.settle = () => {
        refusals += 1;
        return Promise.reject(
          new GatewayError('metering_unavailable', {
            message: 'The store is lost.',
            retryAfterMs: 1000,
          }),
        );
      };
      const route = lab.route('openai');
      const outcome = await lab.send({ model: route.alone, stream });
      expect(refusals).toBeGreaterThan(0);
      expect(outcome.error?.['code']).toBe('metering_unavailable');
      expect([outcome.hasDone, outcome.malformed]).toEqual([false, []]);
      if (!stream) expect([outcome.status, outcome.text]).toEqual([503, '']);
      expect(
        await requestOf(lab.gateway, String(outcome.headers['x-request-id'])).catch(() => null),
      ).toBeNull();
      const verified = await verifyLedger(lab.gateway);
      expect([verified.ok, verified.open_holds]).toEqual([true, 1]);
      ledger.settle = settle;
      expect((await lab.send({ model: lab.route('openai').alone, stream })).error).toBeNull();
      // What was billed is booked once the store is back.
      await eventually(async () => (await verifyLedger(lab.gateway)).open_holds === 0);
    },
  );
});
