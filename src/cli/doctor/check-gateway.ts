/**
 * The port, and the gateway that runs on it.
 *
 * @module
 */
import { createServer } from 'node:net';
import { CliError } from '../cli-error.ts';
import { GatewayClient, parseReply } from '../client.ts';
import { localUrl } from '../connection.ts';
import { z } from 'zod';
import { holderText } from '../listen-error.ts';
import { readRunning } from '../running-file.ts';
import { readStoredCredentials } from '../stored-credentials.ts';
import { isDataDirLocked } from './check-database.ts';
import { fail, messageOf, ok, warn, type Finding, type Patient } from './finding.ts';

const HEALTH_TIMEOUT_MS = 5_000;

/** Code of the error that listening ends in; null when it works. */
function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function checkHost(host: string): Finding | null {
  if (['127.0.0.1', 'localhost', '::1'].includes(host) || host.startsWith('127.')) return null;
  return warn('host', `${host} opens the gateway to the network`, {
    why: 'keys travel unencrypted unless a TLS proxy stands in front',
    fix: 'put a TLS proxy in front, or take host 127.0.0.1',
  });
}

async function checkPort(patient: Patient, host: string, port: number): Promise<Finding> {
  const start = `${patient.context.invocation} start`;
  const code = await tryListen(host, port);
  switch (code) {
    case null:
      return ok('port', port === 0 ? 'any free one' : `${port} is free`);
    case 'EADDRINUSE':
      return fail('port', `${port} is taken by ${holderText(port)}`, {
        why: 'the gateway cannot start there',
        fix: `${start} --port 0    (any free port), or stop that program`,
      });
    case 'EACCES':
      return fail('port', `this user may not listen on ${port}`, {
        why: 'ports below 1024 are for privileged users',
        fix: `${start} --port 8790`,
      });
    default:
      return fail('port', `${host} is no address of this machine (${code})`, {
        why: 'the gateway cannot listen there',
        fix: `${start} --host 127.0.0.1`,
      });
  }
}

function adminKeyOf(patient: Patient): string | null {
  const given = patient.context.environment['GATEWAY_ADMIN_KEY'];
  if (given !== undefined && given !== '') return given;
  try {
    return readStoredCredentials(patient.dataDir)?.adminKey ?? null;
  } catch {
    return null;
  }
}

const configReply = z.looseObject({ warnings: z.array(z.string()), durability: z.string() });

async function checkHealth(patient: Patient, url: string): Promise<readonly Finding[]> {
  const { context, folderFlag } = patient;
  const client = new GatewayClient(context, url, adminKeyOf(patient) ?? 'none');
  try {
    await client.call('GET', '/health/ready', { timeoutMs: HEALTH_TIMEOUT_MS });
  } catch (error) {
    const isAway = error instanceof CliError && error.code === 'unreachable';
    return [
      fail('gateway', messageOf(error), {
        why: isAway ? 'its process runs but does not answer' : 'it is not ready to serve',
        fix: isAway
          ? 'look into its log, then stop that process and start again'
          : `wait, then repeat ${context.invocation} doctor${folderFlag}`,
      }),
    ];
  }
  const ready = ok('gateway', `ready at ${url}`);
  try {
    const body = await client.admin('GET', '/config', { timeoutMs: HEALTH_TIMEOUT_MS });
    const { warnings } = parseReply(configReply, body);
    return [
      ready,
      ...warnings.map((warning) =>
        warn('running settings', warning, {
          why: 'something may not be as meant',
          fix: `correct it, then start again; ${context.invocation} config print --changed shows origins`,
        }),
      ),
    ];
  } catch (error) {
    return [
      ready,
      fail('admin key', messageOf(error), {
        why: 'the running gateway does not accept the admin key found here',
        fix: 'name the folder it was started with (--data-dir), or set GATEWAY_ADMIN_KEY as it has it',
      }),
    ];
  }
}

/**
 * Address of the gateway that has the data folder; null when none runs.
 */
export function runningUrl(patient: Patient): string | null {
  const said = readRunning(patient.dataDir);
  if (said !== null) return said.url;
  if (!isDataDirLocked(patient.dataDir) || patient.loaded === null) return null;
  const { host, port } = patient.loaded.config;
  return localUrl(host, port);
}

/** Port and health: of the gateway that runs, or for the one that would be started. */
export async function checkGateway(patient: Patient): Promise<readonly Finding[]> {
  const { loaded, context, folderFlag } = patient;
  if (loaded === null) return [];
  const { host, port } = loaded.config;
  const exposed = checkHost(host);
  const found = exposed === null ? [] : [exposed];
  const url = runningUrl(patient);
  if (url !== null) return [...found, ...(await checkHealth(patient, url))];
  const free = await checkPort(patient, host, port);
  const idle = ok('gateway', `not running; ${context.invocation} start${folderFlag} starts it`);
  return [...found, free, idle];
}
