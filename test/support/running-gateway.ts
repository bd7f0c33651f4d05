/**
 * A whole gateway in the test's process: real configuration, real store over a folder of its own, real HTTP.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DestinationStream } from 'pino';
import { loadConfig, loadCredentials, type Environment } from '../../src/config/index.ts';
import type { LimitInput, PlanInput } from '../../src/contracts/metering.ts';
import { startGateway, type RunningGateway } from '../../src/server/start-gateway.ts';

export interface TestGatewayOptions {
  /** The gateway's whole environment: nothing of the test's own is seen. Default: empty. */
  readonly environment?: Environment;
  /** Text of `gateway.yaml`. Port, host, data folder and log level are set over it. */
  readonly config?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** What reads plain posts; by default the gateway's own front. */
  readonly front?: 'plain' | 'node';
  /** Folder to use and to leave in place; by default one that `stop` removes. */
  readonly dataDir?: string;
  /** Gets the log's lines; without one nothing is logged. */
  readonly logDestination?: DestinationStream;
}

export interface TestGateway {
  readonly url: string;
  /** Service key that acts as customer `default`. */
  readonly apiKey: string;
  readonly adminKey: string;
  readonly dataDir: string;
  /** What `startGateway` returned; `gateway.gateway` is the pipeline's own object. */
  readonly gateway: RunningGateway;
  stop(): Promise<void>;
}

/** Starts a gateway on a free port of the loopback interface. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { environment = {}, logDestination } = options;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'gateway-test-'));
  const loaded = loadConfig({
    flags: {
      host: '127.0.0.1',
      port: options.port ?? 0,
      dataDir,
      'logging.level': logDestination === undefined ? 'silent' : 'info',
    },
    environment,
    file:
      options.config === undefined
        ? null
        : { path: join(dataDir, 'gateway.yaml'), text: options.config },
  });
  const credentials = loadCredentials({ dataDir, environment });
  const gateway = await startGateway({
    loaded,
    credentials,
    environment,
    ...(options.front === undefined ? {} : { front: options.front }),
    ...(logDestination === undefined ? {} : { logDestination }),
  });
  return {
    url: gateway.url,
    apiKey: credentials.apiKey,
    adminKey: credentials.adminKey,
    dataDir,
    gateway,
    async stop() {
      await gateway.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A reply of the control plane with a status that was not expected. */
export class AdminCallError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(call: string, status: number, body: unknown) {
    super(`${call} answered ${status}: ${JSON.stringify(body)}`);
    this.name = 'AdminCallError';
    this.status = status;
    this.body = body;
  }
}

/**
 * Calls the control plane; `path` stands below `/admin/v1`.
 *
 * @returns the parsed reply, taken to have the type that the caller names
 * @throws AdminCallError for any status but 2xx
 */
export async function callAdmin<Reply>(
  gateway: TestGateway,
  call: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`,
  body?: unknown,
): Promise<Reply> {
  const [method = 'GET', path = '/'] = call.split(' ');
  const response = await fetch(`${gateway.url}/admin/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${gateway.adminKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const reply: unknown = await response.json();
  if (!response.ok) throw new AdminCallError(call, response.status, reply);
  return reply as Reply;
}

export interface CustomerKeyOptions {
  /** Limits of a plan made for this customer; none: everything is allowed. */
  readonly limits?: readonly LimitInput[];
  /** Further members of that plan. */
  readonly plan?: Partial<PlanInput>;
  readonly externalId?: string;
  readonly scopes?: {
    readonly models?: readonly string[];
    readonly operations?: readonly string[];
    readonly ips?: readonly string[];
  };
}

export interface CustomerKey {
  /** `agk_…` */
  readonly apiKey: string;
  readonly keyId: string;
  /** `cus_…` */
  readonly customerId: string;
  readonly externalId: string;
  readonly planId: string;
}

let made = 0;

/** Makes a plan, a customer on it, and a key of that customer. */
export async function createCustomerKey(
  gateway: TestGateway,
  options: CustomerKeyOptions = {},
): Promise<CustomerKey> {
  made += 1;
  const externalId = options.externalId ?? `customer-${made}`;
  const plan = {
    id: `plan-${made}`,
    name: `Plan ${made}`,
    limits: options.limits ?? [],
    ...options.plan,
  };
  await callAdmin(gateway, 'POST /plans', plan);
  const customer = await callAdmin<{ id: string }>(gateway, 'POST /customers', {
    externalId,
    plan: plan.id,
  });
  const key = await callAdmin<{ id: string; key: string }>(gateway, 'POST /keys', {
    customer: externalId,
    name: `key of ${externalId}`,
    ...(options.scopes === undefined ? {} : { scopes: options.scopes }),
  });
  return {
    apiKey: key.key,
    keyId: key.id,
    customerId: customer.id,
    externalId,
    planId: plan.id,
  };
}

/** Every meter as the control plane shows it: counts as numbers, cost as a decimal string. */
export type ShownTotals = Readonly<Record<string, number | string>> & { readonly cost_usd: string };

export interface ShownUsage {
  readonly totals: ShownTotals;
  readonly held: ShownTotals;
  readonly groups: readonly {
    readonly key: Readonly<Record<string, string>>;
    readonly totals: ShownTotals;
  }[];
}

/** Usage of a customer (`cus_…` or external id) in its running period, or of all in this month. */
export function usageOf(
  gateway: TestGateway,
  customer: string | null,
  groupBy: readonly string[] = [],
): Promise<ShownUsage> {
  const query = new URLSearchParams();
  if (customer !== null) query.set('customer', customer);
  if (groupBy.length > 0) query.set('group_by', groupBy.join(','));
  return callAdmin(gateway, `GET /usage?${query.toString()}`);
}

export interface ShownAttempt {
  readonly provider: string;
  readonly model_requested: string;
  readonly model_served: string | null;
  readonly outcome: string;
  readonly http_status: number | null;
  readonly billable: 'yes' | 'no' | 'unknown';
  readonly usage: Readonly<Record<string, number>>;
  readonly estimated: boolean;
  readonly cost: string;
  readonly price: string | null;
}

export interface ShownRequest {
  readonly id: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly provider: string | null;
  readonly model_served: string | null;
  readonly stream: boolean;
  readonly client_closed: boolean;
  readonly overhead_ms: number;
  readonly attempts: number;
  readonly usage: Readonly<Record<string, number>>;
  readonly cost: string;
  readonly estimated: boolean;
  readonly simulated: boolean;
  readonly warnings: readonly string[];
  readonly hold: { readonly id: string; readonly state: string } | null;
  readonly attempt_rows: readonly ShownAttempt[];
}

/** One request as it is booked; `id` is the `x-request-id` of its reply. */
export function requestOf(gateway: TestGateway, id: string): Promise<ShownRequest> {
  return callAdmin(gateway, `GET /requests/${id}`);
}

export interface ShownVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly buckets: number;
  readonly open_holds: number;
  readonly mismatches: readonly unknown[];
}

/** Has the counters rebuilt from the ledger and compared. */
export function verifyLedger(gateway: TestGateway): Promise<ShownVerification> {
  return callAdmin(gateway, 'POST /ledger/verify', {});
}
