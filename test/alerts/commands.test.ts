import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';
import { startTestGateway, type TestGateway } from '../support/running-gateway.ts';
import { eventually } from '../support/lab.ts';
import { isSigned, openReceiver, type Receiver } from './receiver.ts';

describe('alerts and webhooks on the command line', () => {
  let gateway: TestGateway;
  let receiver: Receiver;
  let raised = 0;

  beforeAll(async () => {
    receiver = await openReceiver();
    gateway = await startTestGateway({
      config: `
egress: { allowPrivateHosts: ["127.0.0.1"] }
alerts: { delivery: { retryBaseMs: 10, maxAttempts: 2 } }
`,
    });
  });

  afterAll(async () => {
    await gateway.stop();
    await receiver.close();
  });

  const run = (line: string) =>
    runCaptured(line.split(' '), {
      environment: { GATEWAY_URL: gateway.url, GATEWAY_ADMIN_KEY: gateway.adminKey },
    });

  async function ok(line: string): Promise<string> {
    const { code, out, err } = await run(line);
    expect(err).not.toContain('error:');
    expect(code).toBe(0);
    return out;
  }

  async function add(more = ''): Promise<{ id: string; secret: string }> {
    const { code, json } = await run(`webhooks add ${receiver.url}/in --json${more}`);
    expect(code).toBe(0);
    return json as { id: string; secret: string };
  }

  async function raise(): Promise<string> {
    raised += 1;
    const alert = await gateway.gateway.gateway.store.alerting.alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId: null,
      key: `commands ${raised}`,
      atMs: Date.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
    });
    return alert?.id ?? '';
  }

  it('lists alerts and marks one as read', async () => {
    expect((await run('alerts list')).err).toContain('No alerts.');
    const event = await raise();
    expect(await ok('alerts list --state open --kind operator')).toMatch(
      new RegExp(`${event} .* critical +open`),
    );
    expect(await ok(`alerts acknowledge ${event}`)).toContain(`${event} acknowledged`);
    expect((await run('alerts list --state open --json')).json).toMatchObject({
      schemaVersion: 1,
      data: [],
    });
    expect((await run('alerts ack evt_none')).err).toMatch(/no alert/i);
    expect((await run('alerts list --state odd')).err).toContain('state');
  });

  it('registers, lists, rotates, tests and removes webhooks', async () => {
    const out = await ok(`webhooks add ${receiver.url}/in --kind operator --description Pager`);
    const id = /wh_\w+/.exec(out)?.[0] ?? '';
    const secret = /whsec_\S+/.exec(out)?.[0] ?? '';
    expect(await ok('webhooks list')).toMatch(new RegExp(`${id} .*/in +operator +all +enabled`));
    expect(await ok(`webhooks test ${id}`)).toMatch(/^evt_\w+ was taken with 204/);
    expect(receiver.received.some((one) => isSigned(one, secret))).toBe(true);
    const next = (await ok(`webhooks rotate ${id} --overlap 0s --quiet`)).trim();
    await ok(`webhooks test ${id}`);
    const last = receiver.received.slice(-1);
    expect(last.map((one) => [isSigned(one, next), isSigned(one, secret)])).toEqual([
      [true, false],
    ]);
    receiver.behave((response) => void response.writeHead(500).end());
    const failed = await run(`webhooks test ${id}`);
    expect(failed.out).toMatch(/was not taken .*answered 500/);
    expect(failed.code).toBe(1);
    expect(await ok(`webhooks delete ${id}`)).toContain('removed');
    expect((await run(`webhooks test ${id}`)).err).toMatch(/no webhook/i);
    expect((await run('webhooks add https://127.0.0.2/in')).code).not.toBe(0);
  });

  it('shows deliveries and sends dead letters again', async () => {
    receiver.behave((response) => void response.writeHead(503).end());
    const { id } = await add();
    const event = await raise();
    await eventually(async () =>
      (await run(`webhooks deliveries ${id} --state dead`)).out.includes(event),
    );
    expect(await ok('webhooks deliveries --state dead')).toMatch(
      new RegExp(`${event} +alert\\.operator +${id} +dead +2 +answered 503`),
    );
    receiver.behave((response) => void response.writeHead(204).end());
    expect(await ok(`webhooks redeliver ${id}`)).toContain(`1 queued for ${id}`);
    await eventually(async () =>
      (await run(`webhooks deliveries ${id} --state delivered`)).out.includes(event),
    );
    expect(await ok(`webhooks redeliver ${id} --event ${event}`)).toContain('1 queued');
    expect((await run('webhooks deliveries wh_none')).err).toMatch(/no webhook/i);
    expect((await run('webhooks redeliver slack --event evt_none')).err).toContain('never due');
  });
});
