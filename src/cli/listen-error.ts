/**
 * Why a server could not listen, and what to do.
 *
 * @module
 */
import { CliError } from './cli-error.ts';
import { findPortHolder } from './port-holder.ts';

export interface ListenFacts {
  readonly host: string;
  readonly port: number;
  /** The command, to be repeated with another port. */
  readonly invocation: string;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Who has the port, as the subject of a sentence: `node (process 4711)`. */
export function holderText(port: number): string {
  const holder = findPortHolder(port);
  return holder === null ? 'another program' : `${holder.name} (process ${holder.pid})`;
}

/** An error of `listen` as a sentence; other errors as they are. */
export function listenError(error: unknown, facts: ListenFacts): unknown {
  const { host, port, invocation } = facts;
  const anyPort = `${invocation} --port 0    (any free port)`;
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new CliError(`Port ${port} is taken by ${holderText(port)}.`, {
        code: 'port_taken',
        fixes: [anyPort, 'or stop that program'],
        cause: error,
      });
    case 'EACCES':
      return new CliError(`This user may not listen on port ${port}.`, {
        code: 'port_not_allowed',
        fixes: [anyPort, 'or take a port above 1023'],
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliError(`${host} is no address of this machine.`, {
        code: 'host_unknown',
        fixes: [
          `${invocation} --host 127.0.0.1`,
          `${invocation} --host 0.0.0.0    (all addresses)`,
        ],
        cause: error,
      });
    default:
      return error;
  }
}
