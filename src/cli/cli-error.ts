/**
 * The one error of the command line: what happened and why, and the command that fixes it.
 *
 * @module
 */
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

export interface CliErrorOptions {
  readonly exitCode?: ExitCode;
  /** A short word for programs: a code of the gateway's error table, or one of this command line. */
  readonly code?: string;
  /** What to do next, each one a command or a short sentence. */
  readonly fixes?: readonly string[];
  /** Further lines for people, such as the limits that refused a call. */
  readonly details?: readonly string[];
  /** Further members for programs. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Thrown by commands; `runCli` prints it and exits with its code. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly fixes: readonly string[];
  readonly details: readonly string[];
  readonly members: Readonly<Record<string, unknown>>;

  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? EXIT_CODES.failure;
    this.code = options.code ?? 'failure';
    this.fixes = options.fixes ?? [];
    this.details = options.details ?? [];
    this.members = options.members ?? {};
  }
}

/** Wrong usage: exit code 2. */
export function usageError(message: string, fixes: readonly string[] = []): CliError {
  return new CliError(message, { exitCode: EXIT_CODES.usage, code: 'usage', fixes });
}
