/**
 * Alerts as configuration, store and process make them.
 *
 * @module
 */
import {
  createAlertingService,
  type AlertingService,
  type AlertingSettings,
} from '../alerts/alerting-service.ts';
import type { Credentials, GatewayConfig, LoadedConfig } from '../config/index.ts';
import { parseUsd } from '../contracts/money.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { DeliveryMetrics } from '../observability/delivery-metrics.ts';
import type { GatewayMetrics } from '../observability/metrics.ts';
import type { WalletAlertLevels } from '../store/sqlite/worker-options.ts';
import { VERSION } from '../version.ts';

function settingsOf({ alerts, egress }: GatewayConfig): AlertingSettings {
  const { email, slack, anomaly, delivery, verifyEveryMs } = alerts;
  const kindsOf = <Kind>(kinds: readonly Kind[]) => (kinds.length === 0 ? null : kinds);
  return {
    egress,
    delivery,
    verifyEveryMs: verifyEveryMs === 0 ? null : verifyEveryMs,
    anomaly: {
      minimumNanoUsd: parseUsd(anomaly.minimumUsd, 'alerts.anomaly.minimumUsd'),
      factor: BigInt(anomaly.factor),
    },
    email:
      email.host === undefined || email.to.length === 0
        ? null
        : {
            host: email.host,
            port: email.port,
            tls: email.tls,
            user: email.user ?? null,
            password: email.password ?? null,
            from: email.from,
            timeoutMs: delivery.timeoutMs,
            to: email.to,
            kinds: kindsOf(email.kinds),
          },
    slack: slack.url === undefined ? null : { url: slack.url, kinds: kindsOf(slack.kinds) },
  };
}

/** Below what a wallet is low. */
export function walletAlertLevels({ alerts }: GatewayConfig): WalletAlertLevels | null {
  const { belowUsd, belowPercentOfTopUp } = alerts.wallet;
  if (belowUsd === undefined && belowPercentOfTopUp === 0) return null;
  return {
    belowNanoUsd: belowUsd === undefined ? null : parseUsd(belowUsd, 'alerts.wallet.belowUsd'),
    belowPercentOfTopUp: belowPercentOfTopUp === 0 ? null : belowPercentOfTopUp,
  };
}

/** The service over a gateway's store; `start` sets it going. */
export function openAlerting(
  options: { readonly loaded: LoadedConfig; readonly credentials: Credentials },
  gateway: Gateway,
  metrics: GatewayMetrics,
): AlertingService {
  const { store, clock, ids, random, recorder } = gateway;
  const service = createAlertingService({
    alerting: store.alerting,
    verify: () => store.ledger.verify(),
    settings: settingsOf(options.loaded.config),
    encryptionKey: options.credentials.encryptionKey,
    userAgent: `alwrity-gateway/${VERSION}`,
    ids,
    nowMs: () => clock.nowMs(),
    random,
    meter: new DeliveryMetrics(metrics.registry, () => store.alerting.outbox.depth()),
    onFault: (error) => recorder.fault(error, { task: 'alerts' }),
  });
  recorder.onOperatorAlert((problem) => service.operatorProblem(problem));
  return service;
}
