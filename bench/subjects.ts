/**
 * What is measured: each subject as a started process with an address and the headers it wants.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { listeningEvent, startChild, stopChild, SUBJECT_CORE } from './children.ts';
import { GatewayControl } from './gateway-control.ts';
import { MODEL, type RequestTarget } from './workload.ts';

const START_LIMIT_MS = 30_000;
export const PORTKEY_VERSION = '1.15.2';

export type SubjectId = 'relay' | 'gateway' | 'portkey';

export interface Subject {
  readonly id: SubjectId;
  readonly title: string;
  readonly pid: number;
  readonly target: RequestTarget;
  /** Only for this gateway. */
  readonly control: GatewayControl | null;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  readonly upstreamOrigin: string;
  /** Empty folder for files of the subject; on a real disk, since durability is part of the measurement. */
  readonly directory: string;
  /** Folder for `.cpuprofile` files; null measures without a profiler. */
  readonly profileDirectory: string | null;
}

const repository = join(import.meta.dirname, '..');

/** In the environment rather than as flags: so it also reaches workers that do not take over the flags. */
function profileEnvironment(options: SubjectOptions): Record<string, string> {
  return options.profileDirectory === null
    ? {}
    : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.profileDirectory}` };
}

export async function startRelay(options: SubjectOptions): Promise<Subject> {
  const child = startChild({
    core: SUBJECT_CORE,
    logDirectory: options.directory,
    command: process.execPath,
    commandArguments: [join(import.meta.dirname, 'relay.ts'), options.upstreamOrigin],
    environment: profileEnvironment(options),
  });
  const { url, pid } = await listeningEvent(child, {
    logDirectory: options.directory,
    timeoutMs: START_LIMIT_MS,
  });
  return {
    id: 'relay',
    title: 'bare relay',
    pid,
    target: { origin: url, model: MODEL, headers: { authorization: 'Bearer sk-bench-upstream' } },
    control: null,
    stop: async () => await stopChild(child),
  };
}

/** @throws Error when the gateway does not start, or refuses its set-up */
export async function startGateway(options: SubjectOptions): Promise<Subject> {
  const entry = join(repository, 'src/cli/main.ts');
  if (!existsSync(entry)) throw new Error('src/cli/main.ts does not exist');
  const adminKey = `bench-admin-${randomBytes(16).toString('hex')}`;
  const dataDirectory = join(options.directory, 'data');
  mkdirSync(dataDirectory, { recursive: true });
  const child = startChild({
    core: SUBJECT_CORE,
    logDirectory: options.directory,
    command: process.execPath,
    commandArguments: [entry, 'start', '--port=0', `--data-dir=${dataDirectory}`, '--json'],
    // Its own folder as working directory: a gateway.yaml or .env of the developer must not take part.
    workingDirectory: options.directory,
    environment: {
      ...profileEnvironment(options),
      GATEWAY_API_KEY: `bench-service-${randomBytes(16).toString('hex')}`,
      GATEWAY_ADMIN_KEY: adminKey,
      OPENAI_API_KEY: 'sk-bench-upstream',
      OPENAI_BASE_URL: options.upstreamOrigin,
    },
  });
  try {
    const { url, pid } = await listeningEvent(child, {
      logDirectory: options.directory,
      timeoutMs: START_LIMIT_MS,
    });
    const control = new GatewayControl(url, adminKey);
    const key = await control.setUp();
    return {
      id: 'gateway',
      title: 'this gateway, everything on',
      pid,
      target: {
        origin: url,
        model: `openai/${MODEL}`,
        headers: { authorization: `Bearer ${key}` },
      },
      control,
      stop: async () => await stopChild(child, 30_000),
    };
  } catch (error) {
    await stopChild(child);
    throw error;
  }
}

/**
 * Portkey's open gateway from npm, installed outside the repository.
 *
 * Without the override to 1.13.7 of its HTTP adapter every streamed answer is a 500.
 *
 * @throws Error when the registry is out of reach or it does not start
 */
export async function startPortkey(options: SubjectOptions): Promise<Subject> {
  writeFileSync(
    join(options.directory, 'package.json'),
    JSON.stringify({
      name: 'bench-portkey',
      private: true,
      dependencies: { '@portkey-ai/gateway': PORTKEY_VERSION },
      overrides: { '@hono/node-server': '1.13.7' },
    }),
  );
  await promisify(execFile)(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      '--fetch-retries=1',
    ],
    { cwd: options.directory, timeout: 180_000 },
  );
  const port = await freePort();
  const child = startChild({
    core: SUBJECT_CORE,
    logDirectory: options.directory,
    command: process.execPath,
    commandArguments: [
      join(options.directory, 'node_modules/@portkey-ai/gateway/build/start-server.js'),
      `--port=${port}`,
      '--headless',
    ],
    workingDirectory: options.directory,
    environment: { NODE_ENV: 'production' },
  });
  try {
    await untilAccepting(port);
  } catch (error) {
    await stopChild(child);
    throw error;
  }
  return {
    id: 'portkey',
    title: `Portkey ${PORTKEY_VERSION}`,
    pid: child.pid ?? 0,
    target: {
      origin: `http://127.0.0.1:${port}`,
      model: MODEL,
      headers: {
        authorization: 'Bearer sk-bench-upstream',
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': `${options.upstreamOrigin}/v1`,
      },
    },
    control: null,
    stop: async () => await stopChild(child, 2000),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object'
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });
}

async function untilAccepting(port: number): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => socket.destroy());
      setTimeout(() => socket.destroy(), 1000).unref();
    });
    if (accepted) return;
    await delay(200);
  }
  throw new Error(`nothing listens on port ${port}`);
}
