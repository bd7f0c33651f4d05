/**
 * The gateway as a process of its own, started the way an operator starts it, so that it can be killed.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
export const ADMIN_KEY = 'agk_chaos-admin-key-00000000000000000';
export const SERVICE_KEY = 'agk_chaos-service-key-000000000000000';
const COMPLAINT_MAX_CHARACTERS = 8000;

export interface GatewayProcessOptions {
  readonly dataDir: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** `gateway.yaml` as an object; it is written into `configDir`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Folder for the configuration file and the compile cache; outlives the process. */
  readonly workDir: string;
  /** Origin of the upstream that plays OpenAI, and of the one that plays Gemini. */
  readonly openaiUrl?: string;
  readonly geminiUrl?: string;
  /** Base URL of the upstream that plays the built-in simulator. */
  readonly simUrl?: string;
  /** More of the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Entry of another copy of the gateway's source. */
  readonly mainFile?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ShownVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly open_holds: number;
  readonly mismatches: readonly unknown[];
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

function environmentOf(options: GatewayProcessOptions): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    // Starts are most of what a loop of kills waits for; a process that ends in order fills this cache.
    NODE_COMPILE_CACHE: join(options.workDir, 'compile-cache'),
    GATEWAY_ADMIN_KEY: ADMIN_KEY,
    GATEWAY_API_KEY: SERVICE_KEY,
    ...(options.openaiUrl === undefined
      ? {}
      : { OPENAI_API_KEY: 'sk-chaos', OPENAI_BASE_URL: options.openaiUrl }),
    ...(options.simUrl === undefined ? {} : { SIM_BASE_URL: options.simUrl }),
    ...(options.geminiUrl === undefined
      ? {}
      : { GEMINI_API_KEY: 'chaos', GEMINI_BASE_URL: options.geminiUrl }),
    ...options.environment,
  };
}

export class GatewayProcess {
  readonly exited: Promise<Exit>;
  /** Settles with the gateway's origin, or with null when the process ended first. */
  readonly listening: Promise<string | null>;
  readonly #child: ChildProcess;
  #complaint = '';
  #url: string | null = null;

  constructor(options: GatewayProcessOptions) {
    const config = join(options.workDir, 'gateway.yaml');
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(options.config));
    const flags = ['--port', String(options.port), '--data-dir', options.dataDir];
    this.#child = spawn(
      process.execPath,
      [options.mainFile ?? MAIN, 'start', ...flags, '--config', config, '--json'],
      {
        cwd: options.workDir,
        env: environmentOf(options),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString()).slice(-COMPLAINT_MAX_CHARACTERS);
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.listening = Promise.race([this.#firstLine(), this.exited.then(() => null)]);
  }

  /** Last part of what the process wrote to standard error. */
  get complaint(): string {
    return this.#complaint;
  }

  /** Origin, once listening. */
  get url(): string {
    if (this.#url === null) throw new Error(`The gateway does not listen: ${this.#complaint}`);
    return this.#url;
  }

  /** As the system numbers it. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('The gateway was not started.');
    return pid;
  }

  get isListening(): boolean {
    return this.#url !== null;
  }

  /** Settles once the gateway listens. @throws Error with what it wrote when it ended first */
  async ready(): Promise<this> {
    if ((await this.listening) === null) {
      throw new Error(`The gateway did not start: ${this.#complaint}`);
    }
    return this;
  }

  /** Ends it without any warning. */
  async kill(): Promise<Exit> {
    this.#child.kill('SIGKILL');
    return await this.exited;
  }

  /** Ends it in order. */
  async stop(): Promise<Exit> {
    this.#child.kill('SIGTERM');
    return await this.exited;
  }

  /** Calls the control plane. @throws Error for any status but 2xx */
  async admin<Reply>(call: `${'GET' | 'POST'} /${string}`, body?: unknown): Promise<Reply> {
    const [method = 'GET', path = '/'] = call.split(' ');
    const response = await fetch(`${this.url}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${call} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Reply;
  }

  verify(): Promise<ShownVerification> {
    return this.admin('POST /ledger/verify', {});
  }

  #firstLine(): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        if (this.#url !== null) return;
        text += chunk.toString();
        const end = text.indexOf('\n');
        if (end < 0) return;
        const line = JSON.parse(text.slice(0, end)) as { readonly url: string };
        this.#url = line.url;
        resolve(line.url);
      });
    });
  }
}

/** Waits until `holds` is true; throws after `withinMs`, which no healthy machine needs. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`Never came true: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A plan but for its id and name. */
export interface PlanShape {
  readonly limits: readonly Readonly<Record<string, unknown>>[];
  readonly funding?: 'wallet' | 'plan_then_wallet';
}

/** Makes a plan, a customer on it and a key of that customer. @returns the key */
export async function makeCustomer(
  gateway: GatewayProcess,
  name: string,
  shape: PlanShape | PlanShape['limits'],
): Promise<string> {
  await gateway.admin('POST /plans', {
    id: name,
    name,
    ...('limits' in shape ? shape : { limits: shape }),
  });
  await gateway.admin('POST /customers', { externalId: name, plan: name });
  const { key } = await gateway.admin<{ readonly key: string }>('POST /keys', {
    customer: name,
    name,
  });
  return key;
}
