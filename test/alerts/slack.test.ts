import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callAdmin, startTestGateway, type TestGateway } from '../support/running-gateway.ts';
import { eventually } from '../support/lab.ts';
import { openReceiver, type Receiver } from './receiver.ts';

/** What an incoming webhook takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
const MESSAGE = z.strictObject({ text: z.string().min(1).max(40_000) });

interface ShownDelivery {
  readonly state: string;
  readonly next_attempt_at: string | null;
  readonly attempts: readonly { readonly status: number | null; readonly reply: string | null }[];
}

describe('Slack-compatible webhooks', () => {
  let receiver: Receiver;
  let gateway: TestGateway;

  beforeEach(async () => {
    receiver = await openReceiver();
    gateway = await startTestGateway({
      config: `
egress: { allowPrivateHosts: ["127.0.0.1"] }
alerts:
  slack: { url: "${receiver.url}/services/T0/B0/x", kinds: [operator] }
  delivery: { retryBaseMs: 10, maxAttempts: 4, timeoutMs: 1000 }
`,
    });
  });

  afterEach(async () => {
    await gateway.stop();
    await receiver.close();
  });

  const raise = (detail: string) =>
    gateway.gateway.gateway.store.alerting.alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId: null,
      key: detail,
      atMs: Date.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail },
    });

  const deliveries = async () =>
    (await callAdmin<{ data: ShownDelivery[] }>(gateway, 'GET /deliveries?destination=slack')).data;

  it('get one escaped text that Slack takes, unsigned', async () => {
    receiver.behave((response, { json }) => {
      const isTaken = MESSAGE.safeParse(json).success;
      response.writeHead(isTaken ? 200 : 400).end(isTaken ? 'ok' : 'invalid_payload');
    });
    const alert = await raise('<!channel> & co');
    await eventually(async () => (await deliveries())[0]?.state === 'delivered');
    expect((await deliveries())[0]?.attempts).toMatchObject([{ status: 200, reply: 'ok' }]);
    const [message] = receiver.received;
    const { text } = MESSAGE.parse(message?.json);
    expect(text).toMatch(/^\*.+\*\n/);
    expect(text).toContain('&lt;!channel&gt; &amp; co');
    expect(text).toMatch(new RegExp(`critical · ${alert?.id}$`));
    expect(message?.headers['content-type']).toBe('application/json');
    expect(message?.headers).not.toHaveProperty('webhook-signature');
  });

  it('are left alone as long as a 429 asks', async () => {
    receiver.behave((response) => void response.writeHead(429, { 'retry-after': '30' }).end());
    await raise('slow down');
    await eventually(async () => (await deliveries())[0]?.attempts.length === 1);
    const [delivery] = await deliveries();
    expect(delivery?.state).toBe('pending');
    expect(Date.parse(delivery?.next_attempt_at ?? '') - Date.now()).toBeGreaterThan(20_000);
    expect(receiver.received).toHaveLength(1);
  });
});
