/**
 * Starting, pinning and stopping the processes of a run. Only processes started here are ever signalled.
 *
 * @module
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
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
  /** Folder for `stdout.log` and `stderr.log`, as under a service manager; else stdout is piped, stderr inherited. */
  readonly logDirectory?: string;
  /** Opens an IPC channel for `send` and `message`. */
  readonly ipc?: boolean;
}

const startedChildren = new Set<ChildProcess>();
// Whatever ends the bench, its children end with it.
process.on('exit', () => {
  for (const child of startedChildren) child.kill('SIGKILL');
});

/** Starts a child, pinned when the machine allows it. */
export function startChild(options: ChildOptions): ChildProcess {
  const line = hasTaskset
    ? ['taskset', '-c', options.core, options.command, ...options.commandArguments]
    : [options.command, ...options.commandArguments];
  const logs = openLogs(options.logDirectory);
  const child = spawn(line[0] ?? '', line.slice(1), {
    stdio: [
      'ignore',
      logs?.stdout ?? 'pipe',
      logs?.stderr ?? 'inherit',
      ...(options.ipc === true ? (['ipc'] as const) : []),
    ],
    env: { ...process.env, ...options.environment },
    ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
  });
  if (logs !== null) {
    closeSync(logs.stdout);
    closeSync(logs.stderr);
  }
  startedChildren.add(child);
  child.once('exit', () => startedChildren.delete(child));
  return child;
}

function openLogs(directory: string | undefined): { stdout: number; stderr: number } | null {
  if (directory === undefined) return null;
  return {
    stdout: openSync(join(directory, 'stdout.log'), 'w'),
    stderr: openSync(join(directory, 'stderr.log'), 'w'),
  };
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

/**
 * Waits for the first line of `stdout.log` that is a JSON object with `event: "listening"`.
 *
 * @throws Error with the gist of `stderr.log` when the child ends or `timeoutMs` pass
 */
export async function listeningEvent(
  child: ChildProcess,
  options: { readonly logDirectory: string; readonly timeoutMs: number },
): Promise<ListeningEvent> {
  const read = (name: string): string => readFileSync(join(options.logDirectory, name), 'utf8');
  const stopAtMs = performance.now() + options.timeoutMs;
  while (performance.now() < stopAtMs) {
    for (const line of read('stdout.log').split('\n')) {
      const event = parseListening(line);
      if (event !== null) return event;
    }
    if (child.exitCode !== null || child.signalCode !== null) break;
    await delay(50);
  }
  const end = child.exitCode ?? child.signalCode;
  const how = end === null ? `not listening after ${options.timeoutMs} ms` : `ended with ${end}`;
  throw new Error(`${how}: ${gistOf(read('stderr.log'))}`);
}

/** The line of an error output that names the error, else its end. */
export function gistOf(errorOutput: string): string {
  const lines = errorOutput.trim().split('\n');
  const named = lines.find((line) => /^\s*(?:\w*Error\b|error:)/.test(line));
  return (named ?? lines.slice(-3).join(' ')).trim().slice(0, 400);
}

export interface ListeningEvent {
  /** Without a slash at its end. */
  readonly url: string;
  readonly pid: number;
}

/** @returns null for a line that is something else */
export function parseListening(line: string): ListeningEvent | null {
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
