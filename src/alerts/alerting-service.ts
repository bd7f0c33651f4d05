/**
 * Everything about alerts that runs in the gateway process: the dispatcher, the hourly watch, test sends.
 *
 * @module
 */
import type { EgressPolicy } from '../http/egress-guard.ts';
import { EgressClient } from '../http/egress-client.ts';
import type { IdSource } from '../contracts/ids.ts';
import type {
  Alerting,
  AlertKind,
  DueDelivery,
  FixedDestination,
} from '../metering/alerts-port.ts';
import type { VerifyReport } from '../metering/ports.ts';
import type { DeliveryPolicy, Sent } from './delivery-policy.ts';
import { type DeliveryMeter, Dispatcher } from './dispatcher.ts';
import { createEmailSender, type EmailSender, type SmtpSettings } from './email-sender.ts';
import { type HttpSenderParts, sendToSlack, sendToWebhook } from './http-senders.ts';
import type { AnomalyRule } from './rules/anomaly.ts';
import { createSecretBox } from './secret-box.ts';
import { HourlyWatch } from './hourly-watch.ts';
import { createWebhookTools, type WebhookTools } from './webhook-tools.ts';

export interface AlertingSettings {
  readonly egress: EgressPolicy;
  readonly delivery: DeliveryPolicy & { readonly timeoutMs: number; readonly concurrency: number };
  readonly anomaly: AnomalyRule;
  /** Null: the ledger is not verified by itself. */
  readonly verifyEveryMs: number | null;
  readonly email:
    | (SmtpSettings & {
        readonly to: readonly string[];
        readonly kinds: readonly AlertKind[] | null;
      })
    | null;
  readonly slack: { readonly url: string; readonly kinds: readonly AlertKind[] | null } | null;
}

export interface AlertingServiceParts {
  readonly alerting: Alerting;
  readonly verify: () => Promise<VerifyReport>;
  readonly settings: AlertingSettings;
  readonly encryptionKey: string;
  readonly userAgent: string;
  readonly ids: IdSource;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly meter: DeliveryMeter;
  readonly onFault: (error: unknown) => void;
}

/** Something the operator must act on, as the recorder tells it. */
export interface OperatorProblem {
  readonly kind: string;
  readonly provider: string;
  readonly detail: string;
}

export interface AlertingService extends WebhookTools {
  start(): void;
  /** Raises an alert `operator`, once an hour for a problem at a provider. */
  operatorProblem(problem: OperatorProblem): void;
  /** One round of what is otherwise judged by the hour. */
  watch(): Promise<void>;
  close(): Promise<void>;
}

const EMAIL_PREFIX = 'email:';
const SLACK = 'slack';
const HOUR_MS = 3_600_000;
const CONNECT_TIMEOUT_MS = 5_000;

function fixedDestinations({ email, slack }: AlertingSettings): readonly FixedDestination[] {
  return [
    // A delivery for each recipient: one refused mailbox repeats nothing for the others.
    ...(email?.to.map((address) => ({ id: EMAIL_PREFIX + address, kinds: email.kinds })) ?? []),
    ...(slack === null ? [] : [{ id: SLACK, kinds: slack.kinds }]),
  ];
}

interface Senders {
  readonly http: HttpSenderParts;
  readonly email: EmailSender | null;
  readonly slackUrl: string | null;
}

async function send(senders: Senders, due: DueDelivery): Promise<Sent> {
  const { webhook, event, destination } = due;
  if (webhook !== null) return sendToWebhook(senders.http, webhook, event);
  if (senders.email !== null && destination.startsWith(EMAIL_PREFIX)) {
    return senders.email.send(destination.slice(EMAIL_PREFIX.length), event);
  }
  if (senders.slackUrl !== null && destination === SLACK) {
    return sendToSlack(senders.http, senders.slackUrl, event);
  }
  throw new Error(`nothing sends to ${destination}`);
}

/** Puts the parts together; nothing runs before `start`. */
export function createAlertingService(parts: AlertingServiceParts): AlertingService {
  const { alerting, settings, nowMs, ids, random, meter, onFault } = parts;
  const secrets = createSecretBox(parts.encryptionKey, 'webhook secrets');
  const client = new EgressClient({
    policy: settings.egress,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    userAgent: parts.userAgent,
  });
  const email = settings.email === null ? null : createEmailSender(settings.email);
  const http = { client, secrets, timeoutMs: settings.delivery.timeoutMs, nowMs };
  const senders = { http, email, slackUrl: settings.slack?.url ?? null };
  const dispatcher = new Dispatcher({
    outbox: alerting.outbox,
    send: (due) => send(senders, due),
    fixed: fixedDestinations(settings),
    policy: settings.delivery,
    concurrency: settings.delivery.concurrency,
    nowMs,
    random,
    meter,
    onFault,
  });
  const watch = new HourlyWatch(parts);
  return {
    start() {
      dispatcher.start();
      watch.start();
    },
    watch: () => watch.round(),
    ...createWebhookTools({ http, egress: settings.egress, ids, nowMs }),
    operatorProblem({ kind, provider, detail }) {
      const atMs = nowMs();
      const key = `operator:${kind}:${provider}:${Math.floor(atMs / HOUR_MS)}`;
      const data = { problem: kind, provider, detail };
      alerting.alerts
        .raise({
          kind: 'operator',
          severity: 'critical',
          customerId: null,
          key,
          atMs,
          endsAtMs: null,
          data,
        })
        .catch(onFault);
    },
    async close() {
      await watch.close();
      await dispatcher.close();
      email?.close();
      await client.close();
    },
  };
}
