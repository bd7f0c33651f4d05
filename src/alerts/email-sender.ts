/**
 * Sending an event as an e-mail over SMTP.
 *
 * @module
 */
import { createTransport } from 'nodemailer';
import type { OutboxEvent } from '../metering/alerts-port.ts';
import type { Sent } from './delivery-policy.ts';
import { severityOf, textOf } from './payload.ts';

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** - `implicit`: TLS from the first byte · `starttls`: must be offered · `opportunistic`: if offered · `none` */
  readonly tls: 'implicit' | 'starttls' | 'opportunistic' | 'none';
  readonly user: string | null;
  readonly password: string | null;
  readonly from: string;
  /** Time in which each step of the conversation must go on. */
  readonly timeoutMs: number;
}

export interface EmailSender {
  send(to: string, event: OutboxEvent): Promise<Sent>;
  close(): void;
}

/**
 * A header value: one line of printable text. `nodemailer` folds and encodes the rest.
 */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}

function bodyOf(event: OutboxEvent): string {
  const { title, message } = textOf(event);
  return [
    title,
    '',
    message,
    '',
    ...(event.externalId === null ? [] : [`Customer: ${event.externalId} (${event.customerId})`]),
    `Severity: ${severityOf(event) ?? 'info'}`,
    `At: ${new Date(event.atMs).toISOString()}`,
    `Event: ${event.id}`,
    '',
  ].join('\n');
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

function failed(error: SmtpError): Sent {
  const status = error.responseCode ?? null;
  // 55x is about this mail or this mailbox and final (RFC 5321 §4.2.1); a refused login (535) the operator can mend.
  const isFinal = status !== null && status >= 550 && status < 560;
  const code = error.code === undefined ? '' : ` (${error.code})`;
  return {
    outcome: isFinal ? 'refused' : 'failed',
    status,
    error: `the mail server did not take it: ${error.message}${code}`.slice(0, 500),
    reply: error.response?.slice(0, 1024) ?? null,
    retryAfterMs: null,
  };
}

export function createEmailSender(settings: SmtpSettings): EmailSender {
  const { host, port, tls, user, password, from, timeoutMs } = settings;
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user === null ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    // What an alert says must never make the mailer read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(to, event) {
      try {
        const info = await transport.sendMail({
          from,
          to,
          subject: oneLine(`[gateway] ${textOf(event).title}`),
          text: bodyOf(event),
          // Equal at every attempt, so that mail systems can tell a repetition.
          messageId: `<${event.id}@alwrity-gateway>`,
          date: new Date(event.atMs),
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        const reply = info.response.slice(0, 1024);
        return { outcome: 'delivered', status: 250, error: null, reply, retryAfterMs: null };
      } catch (error) {
        return failed(error instanceof Error ? error : new Error('unknown fault'));
      }
    },
    close() {
      transport.close();
    },
  };
}
