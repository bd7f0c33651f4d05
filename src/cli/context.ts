/**
 * What a command sees of the world: arguments, so that tests can stand in for a terminal.
 *
 * @module
 */
import type { Environment } from '../config/index.ts';

export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface CliContext {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: AsyncIterable<Buffer | string>;
  /** How this command line was called, so that suggested commands can be pasted: `npm run gateway --`. */
  readonly invocation: string;
  /** Settles when the user asks a serving command to stop. */
  stopRequested(): Promise<void>;
}

/**
 * How to call this command line again: by its name where it is installed, else through the package's script, which
 * brings the right Node with it.
 */
export function invocationOf(scriptPath: string, environment: Environment): string {
  if (scriptPath.endsWith('.ts')) return 'npm run -s gateway --';
  return environment['npm_command'] === 'exec' ? 'npx alwrity-gateway' : 'alwrity-gateway';
}

/** Everything that standard input holds. */
export async function readStdin(context: CliContext): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
