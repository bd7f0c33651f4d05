import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAdmin, createCustomerKey, type CustomerKey } from '../support/running-gateway.ts';
import { chatBody, eventually, openLab, type Lab } from '../support/lab.ts';
import { isSigned, openReceiver, type Received, type Receiver } from './receiver.ts';

interface ShownAlert {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly title: string;
  readonly details: Readonly<Record<string, unknown>>;
}

describe('thresholds over a running gateway', () => {
  let lab: Lab;
  let receiver: Receiver;
  let secret: string;

  beforeAll(async () => {
    receiver = await openReceiver();
    lab = await openLab({
      providers: 'none',
      config:
        'egress:\n  allowPrivateHosts: ["127.0.0.1"]\nalerts:\n  delivery:\n    retryBaseMs: 10\n',
    });
    ({ secret } = await callAdmin<{ secret: string }>(lab.gateway, 'POST /webhooks', {
      url: `${receiver.url}/in`,
    }));
  });

  afterAll(async () => {
    await lab.close();
    await receiver.close();
  });

  const call = ({ apiKey }: CustomerKey) =>
    lab.call('/v1/chat/completions', { key: apiKey, body: chatBody('sim/chat') });

  const alertsOf = async ({ externalId }: CustomerKey, more = ''): Promise<ShownAlert[]> => {
    const path = `GET /alerts?customer=${externalId}${more}` as const;
    const { data } = await callAdmin<{ data: ShownAlert[] }>(lab.gateway, path);
    return data;
  };

  const deliveredOf = ({ customerId }: CustomerKey): Received[] =>
    receiver.received.filter(({ json }) => {
      const { customer } = json['data'] as { customer: { id: string } | null };
      return customer?.id === customerId;
    });

  it('fire once each under 200 calls at once, signed, and in no other order than by id', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 200 }],
    });
    const replies = await Promise.all(Array.from({ length: 200 }, () => call(customer)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(200);
    const alerts = await alertsOf(customer);
    expect(alerts.map(({ details }) => details['threshold'])).toEqual([100, 90, 80, 50]);
    expect(alerts[0]).toMatchObject({
      kind: 'threshold',
      state: 'open',
      title: '100 % of requests/period used',
      details: { limit_id: 'requests/period', limit: '200', scope: 'customer' },
    });
    await eventually(() => deliveredOf(customer).length === 4);
    for (const one of deliveredOf(customer)) {
      expect(isSigned(one, secret)).toBe(true);
      expect(isSigned(one, `whsec_${Buffer.alloc(32).toString('base64')}`)).toBe(false);
      expect(one.json).toMatchObject({
        type: 'alert.threshold',
        data: { id: one.id, customer: { externalId: customer.externalId } },
      });
    }
    expect(new Set(deliveredOf(customer).map(({ id }) => id))).toEqual(
      new Set(alerts.map(({ id }) => id)),
    );
    const own = await lab.call('/v1/alerts', { key: customer.apiKey });
    expect((own.json['data'] as ShownAlert[]).map(({ id }) => id)).toEqual(
      alerts.map(({ id }) => id),
    );
    const metrics = await lab.call('/metrics', { key: null });
    expect(metrics.text).toContain(
      'gateway_outbox_attempts_total{channel="webhook",result="delivered"}',
    );
    expect(metrics.text).toContain('gateway_outbox_depth{state="dead"} 0');
  });

  it('recover when the limit is raised, and fire again at the new amount', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'period', amount: 2, thresholds: [50, 100] }],
    });
    await call(customer);
    await call(customer);
    expect((await alertsOf(customer)).map(({ details }) => details['threshold'])).toEqual([
      100, 50,
    ]);
    await callAdmin(lab.gateway, `POST /plans/${customer.planId}/versions`, {
      name: 'Larger',
      limits: [{ meter: 'requests', window: 'period', amount: 6, thresholds: [50, 100] }],
      apply: 'now',
    });
    await call(customer);
    const states = async () =>
      (await alertsOf(customer)).map(({ kind, state, details }) => [
        kind,
        state,
        details['thresholds'] ?? details['threshold'],
      ]);
    // Two of six is below both; the third call is at 50 % of the new amount.
    expect(await states()).toEqual([
      ['threshold', 'open', 50],
      ['recovered', 'past', [50, 100]],
      ['threshold', 'recovered', 100],
      ['threshold', 'recovered', 50],
    ]);
  });

  it('say nothing where a limit wants none, and nothing of what is only held', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [
        { meter: 'requests', window: 'period', amount: 2, thresholds: [] },
        { meter: 'output_tokens', window: 'period', amount: 400, thresholds: [50] },
      ],
    });
    // Each holds 200 of 400 tokens and uses far fewer: what was held and given back is no use.
    await call(customer);
    await call(customer);
    expect(await alertsOf(customer)).toEqual([]);
  });

  it('can be acknowledged', async () => {
    const customer = await createCustomerKey(lab.gateway, {
      limits: [{ meter: 'requests', window: 'day', amount: 1, thresholds: [100] }],
    });
    await call(customer);
    const [alert] = await alertsOf(customer);
    await callAdmin(lab.gateway, `POST /alerts/${alert?.id ?? ''}/acknowledge`);
    expect(await alertsOf(customer, '&state=open')).toEqual([]);
  });
});
