/**
 * Which gateway a command talks to, and with which key. Keys come from the environment or the data folder, never
 * from the command line, where every user of the machine could read them.
 *
 * @module
 */
import { resolve } from 'node:path';
import { CliError, usageError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { readRunning } from './running-file.ts';
import { dataDirOf, loadSettings } from './settings.ts';
import { credentialsPath, readStoredCredentials } from './stored-credentials.ts';

export interface ConnectionFlags {
  readonly url?: string;
  readonly dataDir?: string;
}

export type KeyKind = 'admin' | 'api';

const VARIABLES = { admin: 'GATEWAY_ADMIN_KEY', api: 'GATEWAY_API_KEY' } as const;
const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::', ''];

/** The data folder that flags, environment and file name. */
export function findDataDir(context: CliContext, flags: ConnectionFlags): string {
  if (flags.dataDir !== undefined) return resolve(context.workingDirectory, flags.dataDir);
  return dataDirOf(context, loadSettings(context, {}));
}

function checkedUrl(text: string, origin: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(
      `${origin} must be an address such as http://127.0.0.1:8790; it is "${text}".`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Address under which a gateway with these settings is reached from here. */
export function localUrl(host: string, port: number): string {
  const reachable = ANY_ADDRESS.includes(host) ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/**
 * Address of the gateway: `--url`, else `GATEWAY_URL`, else where the gateway of the data folder said it listens,
 * else what the settings say.
 *
 * @throws CliError for an address that is none; ConfigError when the settings are needed and invalid
 */
export function findUrl(context: CliContext, flags: ConnectionFlags): string {
  if (flags.url !== undefined) return checkedUrl(flags.url, '--url');
  const fromEnvironment = context.environment['GATEWAY_URL'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return checkedUrl(fromEnvironment, 'GATEWAY_URL');
  }
  const running = readRunning(findDataDir(context, flags));
  if (running !== null) return running.url;
  const { host, port } = loadSettings(context, { ...flags }).config;
  return localUrl(host, port);
}

/**
 * The key to call with.
 *
 * @throws CliError with exit code `auth` when there is none
 */
export function findKey(context: CliContext, flags: ConnectionFlags, kind: KeyKind): string {
  const variable = VARIABLES[kind];
  const fromEnvironment = context.environment[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const dataDir = findDataDir(context, flags);
  const stored = readStoredCredentials(dataDir);
  const key = kind === 'admin' ? stored?.adminKey : stored?.apiKey;
  if (key !== null && key !== undefined) return key;
  const what = kind === 'admin' ? 'admin key' : 'API key';
  throw new CliError(
    `There is no ${what}: ${variable} is not set and ${credentialsPath(dataDir)} has none.`,
    {
      exitCode: EXIT_CODES.auth,
      code: 'no_key',
      fixes: [
        `${context.invocation} start    (makes the keys in its data folder)`,
        `set ${variable}, or name the folder of the running gateway with --data-dir`,
      ],
    },
  );
}
