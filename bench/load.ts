/**
 * Load generation: Debian's `wrk` for CPU and throughput where it is installed, the own socket client
 * otherwise and for latencies. Every run has a fixed count of requests and a time limit.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { hasWrk, LOAD_CORE, startChild } from './children.ts';
import type { ClientResult } from './socket-client.ts';
import type { UpstreamMessage } from './upstream.ts';
import { readReceivedBytes } from './process-accounting.ts';
import { failureLinesOf, parseWrkOutput } from './wrk-output.ts';
import { requestBytes, type RequestTarget, type Scenario } from './workload.ts';

const RUN_LIMIT_MS = 120_000;
/** The subject still relays the last answers after the upstream has given them: so long must nothing arrive. */
const QUIET_MS = 300;
const QUIET_LIMIT_MS = 10_000;
const QUIET_POLL_MS = 50;

/** The mock provider as the orchestrator sees it. */
export class Upstream {
  readonly origin: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Upstream> {
    const child = startChild({
      core: LOAD_CORE,
      command: process.execPath,
      commandArguments: [join(import.meta.dirname, 'upstream.ts')],
      ipc: true,
    });
    const message = await nextMessage(child, 'listening');
    return new Upstream(child, message.port);
  }

  /** The promise inside resolves when `count` more requests have been answered. */
  async expect(count: number): Promise<{ reached: Promise<{ firstMs: number; lastMs: number }> }> {
    const expecting = nextMessage(this.#child, 'expecting');
    const reached = nextMessage(this.#child, 'reached');
    // A run that fails never waits for it; the end of the child must not count as unhandled then.
    reached.catch(() => undefined);
    this.#child.send({ type: 'expect', count });
    await expecting;
    return { reached };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

async function nextMessage<Type extends UpstreamMessage['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<UpstreamMessage, { type: Type }>> {
  return await new Promise((resolve, reject) => {
    const onMessage = (message: UpstreamMessage): void => {
      if (message.type !== type) return;
      child.removeListener('message', onMessage);
      child.removeListener('exit', onExit);
      resolve(message as Extract<UpstreamMessage, { type: Type }>);
    };
    const onExit = (): void => reject(new Error('the mock provider ended'));
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}

export interface LoadJob {
  readonly scenario: Scenario;
  readonly target: RequestTarget;
  readonly requests: number;
  readonly connections: number;
}

export interface LoadResult {
  readonly completed: number;
  readonly requestsPerSecond: number;
}

/** Where the load tools run and put their files. */
export interface LoadContext {
  readonly upstream: Upstream;
  readonly temporaryDirectory: string;
}

/**
 * Sends exactly `requests` requests and returns when all have been answered.
 *
 * @throws Error when one failed or the time limit passed: figures of failing calls mean nothing
 */
export async function runLoad(job: LoadJob, context: LoadContext): Promise<LoadResult> {
  const requestFile = writeRequest(job, context);
  if (!hasWrk) {
    const result = await runSocketClient(job, context);
    return {
      completed: result.completed,
      requestsPerSecond: result.completed / (result.elapsedMs / 1000),
    };
  }
  const { reached } = await context.upstream.expect(job.requests);
  const wrk = startChild({
    core: LOAD_CORE,
    command: 'wrk',
    // prettier-ignore
    commandArguments: [
      '-t', '1', '-c', String(Math.min(job.connections, job.requests)), '-d', `${RUN_LIMIT_MS / 1000}s`, '--timeout', '30s',
      '-s', join(import.meta.dirname, 'wrk-request.lua'), job.target.origin,
      '--', requestFile, String(job.requests),
    ],
  });
  let output = '';
  wrk.stdout?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const closed = once(wrk, 'close');
  const startMs = performance.now();
  const outcome = await Promise.race([reached, closed.then(() => null)]);
  const answeredMs = performance.now() - startMs;
  await untilQuiet(() => (wrk.pid === undefined ? 0 : readReceivedBytes(wrk.pid)));
  wrk.kill('SIGINT');
  const reminder = setInterval(() => wrk.kill('SIGINT'), 1000);
  await closed;
  clearInterval(reminder);
  const endedMs = performance.now() - startMs;
  const summary = parseWrkOutput(output);
  // The script sends each request once: with every answer there, none was lost, and a connection that
  // the subject closed afterwards for being idle is no failure.
  if (outcome === null || summary.requests !== job.requests || summary.badStatuses > 0) {
    const upstreamSays = outcome === null ? 'fewer' : 'all';
    throw new Error(
      `${job.scenario.title}: expected ${job.requests} good answers; the mock provider gave ${upstreamSays} after ${answeredMs.toFixed(0)} ms, the generator ended after ${endedMs.toFixed(0)} ms; wrk: ${failureLinesOf(output)}`,
    );
  }
  return {
    completed: summary.requests,
    requestsPerSecond: job.requests / ((outcome.lastMs - outcome.firstMs) / 1000),
  };
}

/** Returns when the count has stood still for a while, or after a limit. */
async function untilQuiet(receivedBytes: () => number): Promise<void> {
  let last = receivedBytes();
  let quietMs = 0;
  for (
    let waitedMs = 0;
    quietMs < QUIET_MS && waitedMs < QUIET_LIMIT_MS;
    waitedMs += QUIET_POLL_MS
  ) {
    await delay(QUIET_POLL_MS);
    const now = receivedBytes();
    quietMs = now === last ? quietMs + QUIET_POLL_MS : 0;
    last = now;
  }
}

/** The same with the own client, whose latencies are exact. @throws Error as {@link runLoad} */
export async function runSocketClient(job: LoadJob, context: LoadContext): Promise<ClientResult> {
  const url = new URL(job.target.origin);
  const child = startChild({
    core: LOAD_CORE,
    command: process.execPath,
    commandArguments: [
      join(import.meta.dirname, 'socket-client.ts'),
      url.hostname,
      url.port,
      writeRequest(job, context),
      ...[job.requests, job.connections, RUN_LIMIT_MS].map(String),
    ],
  });
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await once(child, 'close');
  const result = JSON.parse(output) as ClientResult;
  if (result.completed !== job.requests || result.badStatuses + result.socketErrors > 0) {
    throw new Error(
      `${job.scenario.title}: expected ${job.requests} good answers, got ${output.trim()}`,
    );
  }
  return result;
}

function writeRequest(job: LoadJob, context: LoadContext): string {
  const port = new URL(job.target.origin).port;
  const file = join(context.temporaryDirectory, `request-${port}-${job.scenario.id}.bin`);
  writeFileSync(file, requestBytes(job.scenario, job.target), { mode: 0o600 });
  return file;
}
