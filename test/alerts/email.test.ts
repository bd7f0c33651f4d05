import { afterEach, describe, expect, it } from 'vitest';
import { createEmailSender, type SmtpSettings } from '../../src/alerts/email-sender.ts';
import type { OutboxEvent } from '../../src/metering/alerts-port.ts';
import { callAdmin, startTestGateway, type TestGateway } from '../support/running-gateway.ts';
import { eventually } from '../support/lab.ts';
import { openSmtpServer, type SmtpServer } from './smtp-server.ts';

const ALERT: OutboxEvent = {
  id: 'evt_1',
  topic: 'alert.operator',
  customerId: 'cus_1',
  externalId: 'user-1',
  atMs: Date.parse('2026-03-10T09:30:00Z'),
  body: {
    severity: 'critical',
    data: { problem: 'provider_auth', provider: 'sim', detail: 'Zürich says no' },
  },
};

let server: SmtpServer;

describe('the e-mail sender', () => {
  const send = async (more: Partial<SmtpSettings> = {}) => {
    const sender = createEmailSender({
      host: '127.0.0.1',
      port: server.port,
      tls: 'none',
      user: null,
      password: null,
      from: 'Gateway <gateway@alwrity.example>',
      timeoutMs: 300,
      ...more,
    });
    const sent = await sender.send('ops@alwrity.example', ALERT);
    sender.close();
    return sent;
  };

  afterEach(() => server.close());

  it('delivers header fields and text that do not change between attempts', async () => {
    server = await openSmtpServer();
    expect(await send()).toMatchObject({ outcome: 'delivered', status: 250, error: null });
    await send();
    const [mail, again] = server.mails;
    expect(mail).toMatchObject({ from: 'gateway@alwrity.example', to: ['ops@alwrity.example'] });
    for (const line of [
      /^From: Gateway <gateway@alwrity\.example>$/m,
      /^To: ops@alwrity\.example$/m,
      /^Subject: \[gateway\] \S.*$/m,
      /^Message-ID: <evt_1@alwrity-gateway>$/m,
      /^Date: Tue, 10 Mar 2026 09:30:00 \+0000$/m,
      /^Auto-Submitted: auto-generated$/m,
      /^Customer: user-1 \(cus_1\)$/m,
      /^Severity: critical$/m,
      /Z=C3=BCrich|Zürich/,
    ]) {
      expect(mail?.content).toMatch(line);
    }
    expect(again?.content).toBe(mail?.content);
  });

  it.each([
    ['RCPT', '550 5.1.1 no such mailbox', 'refused', 550],
    ['RCPT', '451 4.7.1 greylisted, come again', 'failed', 451],
    ['MAIL', '553 5.1.8 not from you', 'refused', 553],
    ['DATA', '421 4.3.2 closing', 'failed', 421],
  ] as const)('takes %s answered "%s" as %s', async (verb, reply, outcome, status) => {
    server = await openSmtpServer();
    server.behave((command) => (command.startsWith(verb) ? reply : null));
    expect(await send()).toMatchObject({ outcome, status, reply });
    expect(server.mails).toEqual([]);
  });

  it('waits for a server that hangs no longer than allowed', async () => {
    server = await openSmtpServer();
    server.behave((command) => (command === 'CONNECT' ? 'hang' : null));
    expect(await send()).toMatchObject({ outcome: 'failed', status: null });
    server.behave((command) => (command.startsWith('RCPT') ? 'hang' : null));
    expect(await send()).toMatchObject({ outcome: 'failed', status: null });
  });

  it('counts a refused connection as failed', async () => {
    server = await openSmtpServer();
    await server.close();
    expect(await send()).toMatchObject({
      outcome: 'failed',
      status: null,
      error: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('logs in as configured, and keeps trying where the login is refused', async () => {
    server = await openSmtpServer(['AUTH PLAIN']);
    expect(await send({ user: 'ada', password: 'secret' })).toMatchObject({ outcome: 'delivered' });
    const proof = Buffer.from('\0ada\0secret').toString('base64');
    expect(server.commands).toContain(`AUTH PLAIN ${proof}`);
    server.behave((command) => (command.startsWith('AUTH') ? '535 5.7.8 wrong' : null));
    expect(await send({ user: 'ada', password: 'other' })).toMatchObject({
      outcome: 'failed',
      status: 535,
    });
  });

  it.each([
    ['starttls', [], /^EHLO/],
    ['starttls', ['STARTTLS'], /^(?:EHLO|STARTTLS)/],
    ['opportunistic', ['STARTTLS'], /^(?:EHLO|STARTTLS)/],
  ] as const)(
    'with tls %s and %j offered says nothing in the clear where TLS fails',
    async (tls, extensions, allowed) => {
      server = await openSmtpServer([...extensions, 'AUTH PLAIN']);
      server.behave((command) => (command === 'STARTTLS' ? '454 4.7.0 not now' : null));
      const sent = await send({ tls, user: 'ada', password: 'secret' });
      expect(sent.outcome).toBe('failed');
      expect(server.mails).toEqual([]);
      const plain = server.commands.filter((command) => !/^(?:QUIT|STARTTLS)/.test(command));
      for (const command of plain) expect(command).toMatch(allowed);
    },
  );

  it('goes without TLS where none is offered and none is insisted on', async () => {
    server = await openSmtpServer();
    expect(await send({ tls: 'opportunistic' })).toMatchObject({ outcome: 'delivered' });
  });
});

describe('e-mail out of the outbox', () => {
  let gateway: TestGateway;

  afterEach(async () => {
    await gateway.stop();
    await server.close();
  });

  interface ShownDelivery {
    readonly destination: string;
    readonly state: string;
    readonly attempts: readonly { readonly status: number | null }[];
  }

  it('retries what is greylisted and gives up only the mailbox that is refused', async () => {
    server = await openSmtpServer();
    let greylisted = 1;
    server.behave((command) => {
      if (command.startsWith('RCPT TO:<gone@')) return '550 5.1.1 no such mailbox';
      if (!command.startsWith('RCPT TO:<ops@') || greylisted === 0) return null;
      greylisted -= 1;
      return '451 4.7.1 come again';
    });
    gateway = await startTestGateway({
      config: `
alerts:
  email:
    host: 127.0.0.1
    port: ${server.port}
    tls: none
    from: gateway@alwrity.example
    to: [ops@alwrity.example, gone@alwrity.example]
  delivery: { retryBaseMs: 10, maxAttempts: 4, timeoutMs: 1000 }
`,
    });
    await gateway.gateway.gateway.store.alerting.alerts.raise({
      kind: 'operator',
      severity: 'critical',
      customerId: null,
      key: 'test',
      atMs: Date.now(),
      endsAtMs: null,
      data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
    });
    let shown: readonly ShownDelivery[] = [];
    await eventually(async () => {
      ({ data: shown } = await callAdmin<{ data: ShownDelivery[] }>(gateway, 'GET /deliveries'));
      return shown.length === 2 && shown.every(({ state }) => state !== 'pending');
    });
    const ends = shown.map(({ destination, state, attempts }) => [
      `${destination} ${state}`,
      attempts.map(({ status }) => status),
    ]);
    expect(Object.fromEntries(ends)).toEqual({
      'email:gone@alwrity.example dead': [550],
      'email:ops@alwrity.example delivered': [451, 250],
    });
    expect(server.mails.map(({ to }) => to)).toEqual([['ops@alwrity.example']]);
  });
});
