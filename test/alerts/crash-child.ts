/**
 * A gateway in a process of its own, to be killed: `crash-child.ts <data folder> <receiver> <raise|die|run>`.
 *
 * - `raise`: raises an alert and lives on · `die`: kills itself once the alert is committed · `run`: only runs
 *
 * Writes one JSON line: its address and admin key, and the event of the alert.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { callAdmin, startTestGateway } from '../support/running-gateway.ts';

const [dataDir = '', receiverUrl = '', mode = 'run'] = process.argv.slice(2);
const gateway = await startTestGateway({
  dataDir,
  config:
    'egress: { allowPrivateHosts: ["127.0.0.1"] }\nalerts: { delivery: { retryBaseMs: 10 } }\n',
});
const known = await callAdmin<{ data: unknown[] }>(gateway, 'GET /webhooks');
if (known.data.length === 0) await callAdmin(gateway, 'POST /webhooks', { url: receiverUrl });

async function raise(): Promise<string | null> {
  const alert = await gateway.gateway.gateway.store.alerting.alerts.raise({
    kind: 'operator',
    severity: 'critical',
    customerId: null,
    key: `crash ${process.pid}`,
    atMs: Date.now(),
    endsAtMs: null,
    data: { problem: 'provider_auth', provider: 'sim', detail: 'refused' },
  });
  return alert?.id ?? null;
}

const event = mode === 'run' ? null : await raise();
const { url, adminKey } = gateway;
// Synchronous, so that it is said before the end.
writeSync(1, `${JSON.stringify({ url, adminKey, event })}\n`);
if (mode === 'die') process.kill(process.pid, 'SIGKILL');
