/**
 * Settings of alerts: where they go by configuration, how hard delivery is tried, what is judged.
 *
 * @module
 */
import { z } from 'zod';
import { choice, durationMs, integer, text } from './setting-types.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** As `ALERT_KINDS` of the metering port. */
const KINDS = [
  'threshold',
  'recovered',
  'wallet_low',
  'forecast',
  'anomaly',
  'ledger_mismatch',
  'operator',
  'leaked_holds',
] as const;
const kinds = () =>
  z
    .array(choice(KINDS))
    .max(KINDS.length)
    .prefault([])
    .describe('Kinds of alerts that go there; empty: all.');

const deliverySchema = z
  .strictObject({
    timeoutMs: durationMs({ min: 100, max: 120 * SECOND })
      .prefault('15s')
      .describe('Time in which a receiver must have answered.'),
    maxAttempts: integer({ min: 1, max: 100 })
      .prefault(12)
      .describe('Attempts until a delivery is a dead letter.'),
    giveUpAfterMs: durationMs({ min: SECOND, max: 30 * DAY })
      .prefault('72h')
      .describe('Age at which it is one, whatever the attempts.'),
    retryBaseMs: durationMs({ min: 10, max: HOUR })
      .prefault('5s')
      .describe('Wait after the first failure; each further one waits three times as long.'),
    concurrency: integer({ min: 1, max: 256 })
      .prefault(16)
      .describe('Deliveries under way at once; one destination gets at most a quarter of it.'),
  })
  .prefault({})
  .describe('Delivery of events to webhooks, e-mail and Slack.');

const emailSchema = z
  .strictObject({
    host: text(255).optional().describe('SMTP server. With it and `to`, alerts go out as e-mail.'),
    port: integer({ min: 1, max: 65_535 }).prefault(587).describe('Its port.'),
    tls: choice(['implicit', 'starttls', 'opportunistic', 'none'])
      .prefault('starttls')
      .describe(
        '`implicit`: TLS from the first byte (port 465). `starttls`: it must be offered. `opportunistic`: taken if offered.',
      ),
    user: text(255).optional().describe('User name, where the server wants one.'),
    password: text(4096)
      .optional()
      .meta({ 'x-secret': true })
      .describe('Password. Write `${NAME}` or `${file:/run/secrets/name}` rather than itself.'),
    from: text(320).prefault('gateway@localhost').describe('Sender.'),
    to: z
      .array(text(320).regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/, { error: 'must be an e-mail address' }))
      .max(20)
      .prefault([])
      .describe('Recipients; each gets a mail of its own.'),
    kinds: kinds(),
  })
  .prefault({})
  .describe('Alerts by e-mail.');

const slackSchema = z
  .strictObject({
    url: text(2048)
      .optional()
      .meta({ 'x-secret': true })
      .describe('Incoming webhook of Slack, or of what speaks its form (Mattermost, Rocket.Chat).'),
    kinds: kinds(),
  })
  .prefault({})
  .describe('Alerts to a Slack channel.');

/** `alerts` of the configuration. */
export const alertsSchema = z
  .strictObject({
    delivery: deliverySchema,
    verifyEveryMs: durationMs({ min: 0, max: 30 * DAY })
      .prefault('1h')
      .describe('How often the counters are rebuilt from the ledger and compared; 0: never.'),
    anomaly: z
      .strictObject({
        minimumUsd: text(20)
          .regex(/^\d{1,9}(?:\.\d{1,9})?$/, { error: 'must be US dollars such as "1.00"' })
          .prefault('1.00')
          .describe('An hour that cost less is never unusual.'),
        factor: integer({ min: 2, max: 1000 })
          .prefault(5)
          .describe('How many times its customer’s usual hour an unusual one cost at least.'),
      })
      .prefault({})
      .describe('When an hour’s spend is unusual.'),
    wallet: z
      .strictObject({
        belowUsd: text(20)
          .regex(/^\d{1,9}(?:\.\d{1,9})?$/, { error: 'must be US dollars such as "5.00"' })
          .optional()
          .describe('A wallet with less is low.'),
        belowPercentOfTopUp: integer({ min: 0, max: 100 })
          .prefault(20)
          .describe('So is one with less than this share of its last top-up; 0: never.'),
      })
      .prefault({})
      .describe('When a customer is told that the wallet runs low.'),
    email: emailSchema,
    slack: slackSchema,
  })
  .prefault({})
  .describe('Alerts.');

/** `egress` of the configuration. */
export const egressSchema = z
  .strictObject({
    allowPrivateHosts: z
      .array(text(255))
      .max(1000)
      .prefault([])
      .describe(
        'Host names and addresses of webhooks that may be private, on any port and by http; `*` allows every host. Others must be https on the public internet.',
      ),
  })
  .prefault({})
  .describe('Calls to URLs that others supplied.');
