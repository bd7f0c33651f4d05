#!/usr/bin/env node
/**
 * The command line's entry: streams, signals, exit code.
 *
 * @module
 */
import { invocationOf, type CliContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { runCli } from './run-cli.ts';

let isServing = false;

/** Settles with the first SIGINT or SIGTERM; the second ends the process. */
function stopRequested(): Promise<void> {
  isServing = true;
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (): void => {
      if (isStopping) process.exit(EXIT_CODES.interrupted);
      isStopping = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // The reader (`| head`) has what it wanted. Calls that are being served go on without it.
    if (!isServing) process.exit(EXIT_CODES.ok);
  });
}

const context: CliContext = {
  environment: process.env,
  workingDirectory: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  invocation: invocationOf(process.argv[1] ?? '', process.env),
  stopRequested,
};

const exitCode = await runCli(process.argv.slice(2), context);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// A start that failed may have left threads behind that would keep the process.
process.exit(exitCode);
