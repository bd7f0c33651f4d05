/**
 * The gateway as a user starts it: a process of its own, in an environment that holds nothing of the test's.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/cli/main.ts');
/** Bounds a process that hangs; far more than any needs. */
const TIMEOUT_MS = 50_000;

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly text: { out: string; err: string };
  readonly finished: Promise<Finished>;
}

/** No variable of the test's process but what a program needs to be found. */
export function cleanEnvironment(
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', ...extra };
}

function begin(
  args: readonly string[],
  options: { readonly cwd: string; readonly environment?: Readonly<Record<string, string>> },
): Started {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options.environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => void (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => void (text.err += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const finished = once(child, 'close').then(([code]: unknown[]) => {
    clearTimeout(timer);
    return { code: typeof code === 'number' ? code : null, ...text };
  });
  return { child, text, finished };
}

/** Runs a command to its end. */
export function runCommand(
  args: readonly string[],
  options: { readonly cwd: string; readonly environment?: Readonly<Record<string, string>> },
): Promise<Finished> {
  return begin(args, options).finished;
}

export interface GatewayProcess {
  readonly url: string;
  readonly pid: number;
  readonly text: { readonly out: string; readonly err: string };
  /** SIGTERM, and the end it leads to. */
  stop(): Promise<Finished>;
}

/** Starts a gateway (or what `command` serves) on a free port and waits until it says where it listens. */
export async function startProcess(options: {
  readonly cwd: string;
  readonly args?: readonly string[];
  /** The whole command line instead. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}): Promise<GatewayProcess> {
  const args = options.command ?? ['start', '--port', '0', '--json', ...(options.args ?? [])];
  const { child, text, finished } = begin(args, options);
  const line = await new Promise<string>((resolve, reject) => {
    const look = (): void => {
      const end = text.out.indexOf('\n');
      if (end !== -1) resolve(text.out.slice(0, end));
    };
    child.stdout?.on('data', look);
    void finished.then((ended) => {
      reject(new Error(`the gateway ended with ${ended.code}: ${ended.err}`));
    });
  });
  const { event, url, pid } = JSON.parse(line) as { event: string; url: string; pid: number };
  if (event !== 'listening') throw new Error(`the first line is ${line}`);
  return {
    url,
    pid,
    text,
    stop() {
      child.kill('SIGTERM');
      return finished;
    },
  };
}
