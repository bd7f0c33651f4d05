/**
 * A command line in the test's process, its output captured.
 *
 * @module
 */
import type { Environment } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { runCli } from '../run-cli.ts';

export interface Captured {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Standard output parsed; undefined where it is no JSON document. */
  readonly json: unknown;
}

export interface CapturedOptions {
  readonly environment?: Environment;
  readonly workingDirectory?: string;
  readonly stdin?: string;
  readonly isTTY?: boolean;
  readonly stopRequested?: () => Promise<void>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A context whose streams collect what is written. */
export function capturingContext(options: CapturedOptions = {}): {
  readonly context: CliContext;
  readonly text: { out: string; err: string };
} {
  const text = { out: '', err: '' };
  const {
    environment = {},
    workingDirectory = '/nonexistent',
    stdin = '',
    isTTY = false,
  } = options;
  async function* input(): AsyncGenerator<string> {
    yield stdin;
  }
  const context: CliContext = {
    environment,
    workingDirectory,
    stdin: input(),
    stdout: { isTTY, write: (chunk) => void (text.out += chunk) },
    stderr: { isTTY, write: (chunk) => void (text.err += chunk) },
    invocation: 'alwrity-gateway',
    stopRequested: options.stopRequested ?? (() => Promise.resolve()),
  };
  return { context, text };
}

/** Runs a command line. */
export async function runCaptured(
  args: readonly string[],
  options: CapturedOptions = {},
): Promise<Captured> {
  const { context, text } = capturingContext(options);
  const code = await runCli(args, context);
  return { code, out: text.out, err: text.err, json: parsed(text.out) };
}
