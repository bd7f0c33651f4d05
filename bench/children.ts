/**
 * Starting, pinning and stopping the processes of a run. Only processes started here are ever signalled.
 *
 * @module
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Core of the subject under measurement, and core of everything else. */
export const SUBJECT_CORE = '0';
export const LOAD_CORE = '1';

function commandExists(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: 'ignore', timeout: 5000 });
    return true;
  } catch (error) {
    // wrk answers every flag it does not know with its usage and status 1: it exists all the same.
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

export const hasTaskset: boolean =
  process.platform === 'linux' &&
  availableParallelism() > 1 &&
  commandExists('taskset', '--version');
export const hasWrk: boolean = commandExists('wrk', '--version');

export interface ChildOptions {
  readonly core: string;
  readonly command: string;
  readonly commandArguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Opens an IPC channel for `send` and `message`. */
  readonly ipc?: boolean;
}

/** Starts a child, pinned when the machine allows it. stdout is piped; stderr is inherited. */
export function startChild(options: ChildOptions): ChildProcess {
  const line = hasTaskset
    ? ['taskset', '-c', options.core, options.command, ...options.commandArguments]
    : [options.command, ...options.commandArguments];
  return spawn(line[0] ?? '', line.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit', ...(options.ipc === true ? (['ipc'] as const) : [])],
    env: { ...process.env, ...options.environment },
    ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
  });
}

/** Moves every thread of a process to the given cores; nothing where `taskset` is missing. */
export function moveToCores(pid: number, cores: string): void {
  if (!hasTaskset) return;
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], {
    stdio: 'ignore',
    timeout: 5000,
  });
}

/** SIGTERM, then SIGKILL when the process has not gone after `graceMs`. */
export async function stopChild(child: ChildProcess, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const grace = new AbortController();
  const timedOut = delay(graceMs, 'late', { signal: grace.signal }).catch(() => 'exited');
  if ((await Promise.race([exited, timedOut])) === 'late') child.kill('SIGKILL');
  await exited;
  grace.abort();
}

/** First line of stdout that is a JSON object with `event: "listening"`. @throws Error on exit or after `timeoutMs` */
export async function listeningUrl(
  child: ChildProcess,
  timeoutMs: number,
): Promise<{ url: string; pid: number }> {
  const output = child.stdout;
  if (output === null) throw new Error('child without stdout');
  let text = '';
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not listening after ${timeoutMs} ms`)),
      timeoutMs,
    );
    const settle = (): void => {
      clearTimeout(timer);
      output.removeListener('data', onData);
      child.removeListener('exit', onExit);
      child.removeListener('error', onError);
      // What it prints later must still be read, or the pipe fills and blocks it.
      output.resume();
    };
    const onData = (bytes: Buffer): void => {
      text += bytes.toString();
      for (const line of text.split('\n').slice(0, -1)) {
        const event = parseListening(line);
        if (event !== null) {
          settle();
          resolve(event);
          return;
        }
      }
    };
    const onExit = (code: number | null): void => {
      settle();
      reject(new Error(`ended with code ${code} before it listened`));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    output.on('data', onData);
    child.on('exit', onExit);
    child.on('error', onError);
  });
}

/** @returns null for a line that is something else */
export function parseListening(line: string): { url: string; pid: number } | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return null;
    const { event, url, pid } = value as Record<string, unknown>;
    if (event !== 'listening' || typeof url !== 'string' || typeof pid !== 'number') return null;
    return { url: url.replace(/\/+$/, ''), pid };
  } catch {
    return null;
  }
}
