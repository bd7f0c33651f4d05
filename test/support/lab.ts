/**
 * A gateway in this process with one simulator behind it for every provider family, and its log in memory.
 *
 * @module
 */
import { createSimulator, type Simulator } from '../../src/simulators/index.ts';
import { startTestGateway, verifyLedger, type TestGateway } from './running-gateway.ts';

export const ADMIN_KEY = 'agk_test-admin-key-000000000000000000';
export const SERVICE_KEY = 'agk_test-service-key-0000000000000000';
/** Credential that the simulator gets from the gateway; a canary in every sink that is searched. */
export const PROVIDER_KEY = 'sk-canary-provider-key-5f1e0c2ab7d94e63';

export interface LabOptions {
  /** Text of `gateway.yaml`. */
  readonly config?: string;
  /** Replaces or adds to what points the providers at the simulator. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `none`: the built-in simulator answers, as `sim/chat`. */
  readonly providers?: 'simulated' | 'none';
  /** Whether `sim/…` is the lab's own simulator, whose log and jobs a test can read; by default the gateway starts its own. */
  readonly ownSim?: boolean;
  /** Port to listen on; by default any free one. */
  readonly port?: number;
  /** What reads plain posts; by default the gateway's own front. */
  readonly front?: 'plain' | 'node';
  /** Milliseconds between two tokens of the simulator, so that events arrive one by one; default 0. */
  readonly perTokenMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as an object; empty when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The `error` member; empty when there is none. */
  readonly error: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  /** Default: the service key; null sends none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string or bytes go out as they are, all else as JSON. */
  readonly body?: unknown;
}

export interface Lab {
  readonly url: string;
  readonly port: number;
  readonly gateway: TestGateway;
  readonly simulator: Simulator;
  /** Blocks of log lines so far. */
  readonly log: readonly string[];
  /** Calls the gateway with the platform's `fetch`. */
  call(path: string, options?: CallOptions): Promise<Reply>;
  /** Verifies the ledger once no call is in progress. @returns open holds */
  openHolds(): Promise<number>;
  close(): Promise<void>;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Reads a whole reply. */
export async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  let json: Readonly<Record<string, unknown>> = {};
  try {
    json = objectOf(JSON.parse(text));
  } catch {
    // Metrics, streams and empty bodies are not JSON.
  }
  const { status, headers } = response;
  return { status, headers, text, json, error: objectOf(json['error']) };
}

async function send(url: string, options: CallOptions): Promise<Reply> {
  const { method = options.body === undefined ? 'GET' : 'POST', key = SERVICE_KEY, body } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined
      ? {}
      : { body: isRaw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  return readReply(response);
}

/** Waits until `holds` is true; throws after ten seconds, which no test needs on a healthy machine. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`Never came true: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Points every provider family at the simulator. */
export function providerEnvironment(simulator: Simulator): Record<string, string> {
  return {
    OPENAI_API_KEY: PROVIDER_KEY,
    OPENAI_BASE_URL: `${simulator.url}/openai`,
    GEMINI_API_KEY: PROVIDER_KEY,
    GEMINI_BASE_URL: `${simulator.url}/gemini`,
    HF_TOKEN: PROVIDER_KEY,
    HF_BASE_URL: `${simulator.url}/huggingface`,
    STABILITY_API_KEY: PROVIDER_KEY,
    STABILITY_BASE_URL: `${simulator.url}/stability`,
    ELEVENLABS_API_KEY: PROVIDER_KEY,
    ELEVENLABS_BASE_URL: `${simulator.url}/elevenlabs`,
    WAVESPEED_API_KEY: PROVIDER_KEY,
    WAVESPEED_BASE_URL: `${simulator.url}/wavespeed`,
    FAL_KEY: PROVIDER_KEY,
    FAL_BASE_URL: `${simulator.url}/fal`,
    REPLICATE_API_TOKEN: PROVIDER_KEY,
    REPLICATE_BASE_URL: `${simulator.url}/replicate`,
    DEEPGRAM_API_KEY: PROVIDER_KEY,
    DEEPGRAM_BASE_URL: `${simulator.url}/deepgram`,
  };
}

/** Starts simulator and gateway; `close` ends both and removes the data. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const simulator = await createSimulator({
    seed: 'lab',
    recordRequests: true,
    latency: { perTokenMs: options.perTokenMs ?? 0 },
  });
  const log: string[] = [];
  const gateway = await startTestGateway({
    environment: {
      GATEWAY_ADMIN_KEY: ADMIN_KEY,
      GATEWAY_API_KEY: SERVICE_KEY,
      ...(options.providers === 'none' ? {} : providerEnvironment(simulator)),
      ...(options.ownSim === true ? { SIM_BASE_URL: `${simulator.url}/sim` } : {}),
      ...options.environment,
    },
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.front === undefined ? {} : { front: options.front }),
    logDestination: { write: (lines) => void log.push(lines) },
  });
  return {
    url: gateway.url,
    port: gateway.gateway.port,
    gateway,
    simulator,
    log,
    call: (path, callOptions = {}) => send(`${gateway.url}${path}`, callOptions),
    async openHolds() {
      await eventually(() => gateway.gateway.gateway.lifecycle.inFlight === 0);
      const { ok, open_holds, mismatches } = await verifyLedger(gateway);
      if (!ok) throw new Error(`The ledger is wrong: ${JSON.stringify(mismatches)}`);
      return open_holds;
    },
    async close() {
      await gateway.stop();
      await simulator.close();
    },
  };
}

/** Priced text models of a provider, as many as a file of tests can use up: a target that failed is spared later. */
export async function modelsOf(lab: Lab, provider: string): Promise<string[]> {
  const { json } = await lab.call('/v1/models');
  const data = Array.isArray(json['data']) ? (json['data'] as { readonly id: string }[]) : [];
  return data.map(({ id }) => id).filter((id) => id.startsWith(`${provider}/`));
}

/** A chat request of one short user turn. */
export function chatBody(model: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { model, messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 200, ...more };
}
