import type { ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, callAdmin, type TestGateway } from '../support/running-gateway.ts';
import { eventually } from '../support/lab.ts';
import { isSigned, openReceiver, type Receiver } from './receiver.ts';

const CONFIG = `
egress:
  allowPrivateHosts: ["127.0.0.1"]
alerts:
  delivery:
    retryBaseMs: 10
    maxAttempts: 4
    timeoutMs: 300
    concurrency: 8
`;

interface ShownDelivery {
  readonly event: string;
  readonly state: string;
  readonly next_attempt_at: string | null;
  readonly attempts: readonly {
    readonly status: number | null;
    readonly error: string | null;
    readonly reply: string | null;
  }[];
}

describe('delivery of events', () => {
  let gateway: TestGateway;
  let receiver: Receiver;
  let dataDir: string;
  let raised = 0;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-delivery-'));
    gateway = await startTestGateway({ config: CONFIG, dataDir });
    receiver = await openReceiver();
  });

  afterEach(async () => {
    await gateway.stop();
    await receiver.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const register = (url = receiver.url) =>
    callAdmin<{ id: string; secret: string }>(gateway, 'POST /webhooks', { url });

  /** Raises an alert past everything that would find a reason for it. */
  async function raise(): Promise<string> {
    raised += 1;
    const alert = await gateway.gateway.gateway.store.alerting.alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId: null,
      key: `test ${raised}`,
      atMs: Date.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
    });
    if (alert === null) throw new Error('one of this key stands');
    return alert.id;
  }

  /** Undefined until the event has been routed. */
  async function findDelivery(
    webhookId: string,
    event: string,
  ): Promise<ShownDelivery | undefined> {
    const path = `GET /webhooks/${webhookId}/deliveries` as const;
    const { data } = await callAdmin<{ data: ShownDelivery[] }>(gateway, path);
    return data.find((delivery) => delivery.event === event);
  }

  async function deliveryOf(webhookId: string, event: string): Promise<ShownDelivery> {
    const found = await findDelivery(webhookId, event);
    if (found === undefined) throw new Error(`${event} was never routed`);
    return found;
  }

  const endsAs = async (webhookId: string, event: string, state: string) => {
    await eventually(async () => {
      const { data } = await callAdmin<{ data: ShownDelivery[] }>(
        gateway,
        `GET /webhooks/${webhookId}/deliveries?state=${state as 'dead'}`,
      );
      return data.some((delivery) => delivery.event === event);
    });
    return deliveryOf(webhookId, event);
  };

  it('repeats what was answered 500 until it is taken, with one id and one body', async () => {
    const { id, secret } = await register();
    receiver.behave((response) => {
      response.writeHead(receiver.received.length < 3 ? 500 : 200).end('<i>busy</i>');
    });
    const event = await raise();
    const delivery = await endsAs(id, event, 'delivered');
    expect(delivery.attempts.map(({ status }) => status)).toEqual([500, 500, 200]);
    expect(delivery.attempts[0]).toMatchObject({ error: 'answered 500', reply: '<i>busy</i>' });
    expect(new Set(receiver.received.map(({ id: webhookId }) => webhookId))).toEqual(
      new Set([event]),
    );
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    for (const one of receiver.received) expect(isSigned(one, secret)).toBe(true);
  });

  it('keeps a dead letter and sends it again on demand', async () => {
    const { id } = await register();
    receiver.behave((response) => void response.writeHead(503).end());
    const event = await raise();
    const dead = await endsAs(id, event, 'dead');
    expect(dead.attempts).toHaveLength(4);
    receiver.behave((response) => void response.writeHead(200).end());
    await callAdmin(gateway, `POST /webhooks/${id}/redeliver`, { event });
    const delivered = await endsAs(id, event, 'delivered');
    expect(delivered.attempts).toHaveLength(5);
    expect(receiver.received.every(({ id: webhookId }) => webhookId === event)).toBe(true);
  });

  it('waits as long as a receiver asks', async () => {
    const { id } = await register();
    receiver.behave((response) => void response.writeHead(429, { 'retry-after': '900' }).end());
    const event = await raise();
    await eventually(async () => (await findDelivery(id, event))?.attempts.length === 1);
    const { next_attempt_at: next, state } = await deliveryOf(id, event);
    expect(state).toBe('pending');
    expect(Date.parse(next ?? '') - Date.now()).toBeGreaterThan(800_000);
  });

  it.each([
    [
      'redirects',
      (response: ServerResponse) => void response.writeHead(302, { location: '/in' }).end(),
      /redirects are not followed/,
    ],
    ['hangs', () => undefined, /no whole answer within 300 ms/],
    ['closes', (response: ServerResponse) => void response.destroy(), /could not be reached/],
  ])('counts a receiver that %s as failed', async (_what, behaviour, error) => {
    const { id } = await register();
    receiver.behave(behaviour);
    const event = await raise();
    const dead = await endsAs(id, event, 'dead');
    expect(dead.attempts[0]?.error).toMatch(error);
  });

  it('lets no slow receiver stand in the way of another', async () => {
    const slow = await openReceiver();
    slow.behave(() => undefined);
    await register(slow.url);
    const { id } = await register();
    const events: string[] = [];
    for (let n = 0; n < 10; n += 1) events.push(await raise());
    await eventually(() => receiver.received.length === 10);
    for (const event of events) {
      expect((await endsAs(id, event, 'delivered')).attempts).toHaveLength(1);
    }
    await slow.close();
  });

  it('stops at 410 until the webhook is enabled again', async () => {
    const { id } = await register();
    receiver.behave((response) => void response.writeHead(410).end());
    const event = await raise();
    await endsAs(id, event, 'dead');
    const shown = await callAdmin<Record<string, unknown>>(gateway, `GET /webhooks/${id}`);
    expect(shown).toMatchObject({
      status: 'disabled',
      disabled_reason: 'The receiver answered 410 Gone.',
    });
  });

  it('signs with both secrets while they overlap', async () => {
    const { id, secret: before } = await register();
    const { secret: after } = await callAdmin<{ secret: string }>(
      gateway,
      `POST /webhooks/${id}/rotate`,
      {},
    );
    await raise();
    await eventually(() => receiver.received.length === 1);
    for (const secret of [before, after]) {
      expect(receiver.received.every((one) => isSigned(one, secret))).toBe(true);
    }
    const { secret: last } = await callAdmin<{ secret: string }>(
      gateway,
      `POST /webhooks/${id}/rotate`,
      { overlap_s: 0 },
    );
    await raise();
    await eventually(() => receiver.received.length === 2);
    const second = receiver.received.slice(1);
    expect(second.map((one) => [isSigned(one, last), isSigned(one, after)])).toEqual([
      [true, false],
    ]);
  });

  it('sends a test at once, and refuses private hosts that nobody allowed', async () => {
    const { id, secret } = await register();
    const tested = await callAdmin<Record<string, unknown>>(gateway, `POST /webhooks/${id}/test`);
    expect(tested).toMatchObject({ ok: true, status: 204 });
    expect(receiver.received[0]?.json['type']).toBe('webhook.test');
    expect(receiver.received.every((one) => isSigned(one, secret))).toBe(true);
    await expect(register('https://169.254.169.254/latest')).rejects.toMatchObject({ status: 400 });
    await expect(register('http://localhost:1/')).rejects.toMatchObject({ status: 400 });
  });

  it('goes on after a restart with what was not delivered, under the same id', async () => {
    const { id, secret } = await register();
    receiver.behave((response) => void response.destroy());
    const event = await raise();
    await eventually(() => receiver.received.length > 0);
    await gateway.stop();
    receiver.behave((response) => void response.writeHead(200).end());
    gateway = await startTestGateway({ config: CONFIG, dataDir });
    await callAdmin(gateway, `POST /webhooks/${id}/redeliver`, { event });
    await endsAs(id, event, 'delivered');
    const last = receiver.received.at(-1);
    expect(last?.id).toBe(event);
    expect(last !== undefined && isSigned(last, secret)).toBe(true);
  });

  it('keeps no secret in the database as it is', async () => {
    const { id, secret } = await register();
    const webhook = await gateway.gateway.gateway.store.alerting.webhooks.webhook(id);
    expect(JSON.stringify(webhook)).not.toContain(secret.slice(6, 30));
    expect(webhook?.secrets[0]?.sealed).toMatch(/^v1\./);
  });
});
