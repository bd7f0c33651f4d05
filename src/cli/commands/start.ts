/**
 * `alwrity-gateway start`: runs the gateway until it is told to stop.
 *
 * @module
 */
import type { Command } from 'commander';
import { loadCredentials, type LoadedConfig } from '../../config/index.ts';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import type { RunningGateway } from '../../server/start-gateway.ts';
import { renderBanner } from '../banner.ts';
import { CliError } from '../cli-error.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import { listenError } from '../listen-error.ts';
import { Output, type OutputFlags } from '../output.ts';
import { removeRunning, writeRunning } from '../running-file.ts';
import { credentialsPath } from '../stored-credentials.ts';
import { dataDirOf, loadSettings, type SettingFlags } from '../settings.ts';

export type StartFlags = OutputFlags & SettingFlags;

/** What kept the gateway from starting, as a sentence with its remedy. */
function startError(error: unknown, loaded: LoadedConfig, scope: CommandScope): unknown {
  const { host, port, dataDir } = loaded.config;
  const invocation = `${scope.context.invocation} start`;
  const explained = listenError(error, { host, port, invocation });
  if (explained !== error || !(error instanceof Error)) return explained;
  if (/is in use by another gateway/.test(error.message)) {
    return new CliError(error.message, {
      code: 'data_dir_in_use',
      fixes: [`${invocation} --port 0 --data-dir <another folder>`],
      cause: error,
    });
  }
  if (isGatewayError(error) && error.code === 'conflict') {
    return new CliError(
      'The API key or the admin key to start with is known here already: as one that was revoked, or as a key of another kind.',
      {
        code: 'bootstrap_key_known',
        fixes: [
          `remove "api_key" (or "admin_key") from ${credentialsPath(dataDir)}, or set another GATEWAY_API_KEY (or GATEWAY_ADMIN_KEY), then start again: a missing key is made anew`,
        ],
        cause: error,
      },
    );
  }
  if (error.name !== 'Error' || 'code' in error) return error;
  // The store's own sentence: a newer schema, a ledger that does not match.
  return new CliError(error.message, {
    code: 'store',
    fixes: [`${scope.context.invocation} doctor --data-dir ${dataDir}`],
    cause: error,
  });
}

async function runUntilStopped(running: RunningGateway, scope: CommandScope): Promise<void> {
  await scope.context.stopRequested();
  scope.context.stderr.write('  stopping: no new calls; running ones may finish\n');
  await running.stop();
}

async function runStart(scope: CommandScope, flags: StartFlags): Promise<void> {
  const { context } = scope;
  const { environment } = context;
  const loaded = loadSettings(context, flags);
  const dataDir = dataDirOf(context, loaded);
  const credentials = loadCredentials({ dataDir: loaded.config.dataDir, environment });
  // Loaded here, so that the commands that only ask a gateway do not wait for it.
  const { startGateway } = await import('../../server/start-gateway.ts');
  const running = await startGateway({ loaded, credentials, environment }).catch(
    (error: unknown) => {
      throw startError(error, loaded, scope);
    },
  );
  writeRunning(dataDir, { url: running.url, pid: process.pid });
  const output = new Output(context, flags);
  for (const warning of [...credentials.warnings, ...running.warnings]) output.warning(warning);
  if (output.json) output.line({ event: 'listening', url: running.url, pid: process.pid });
  else if (!output.quiet) {
    const { colors } = output;
    output.raw(`${renderBanner({ running, loaded, credentials, context, colors })}\n`);
  }
  try {
    await runUntilStopped(running, scope);
  } finally {
    removeRunning(dataDir);
  }
}

export function registerStart(program: Command, scope: CommandScope): void {
  const start = program
    .command('start')
    .description('start the gateway (also without any command)')
    .option('--host <address>', 'address to listen on (127.0.0.1)')
    .option('--port <number>', 'port to listen on (8790); 0 takes any free one')
    .option('--data-dir <folder>', 'folder of the database and credentials (./data)')
    .option('--config <file>', 'configuration file (gateway.yaml where present)')
    .option('--workers <number>', 'processes that answer requests (1)')
    .action((flags: StartFlags) => runStart(scope, flags));
  addExamples(addOutputOptions(start), scope, [
    ['start', 'on http://127.0.0.1:8790, with nothing else needed'],
    [
      'start --port 0 --json',
      'any free port; first line of standard output is {"event":"listening",…}',
    ],
    ['start --host 0.0.0.0 --data-dir /var/lib/gateway', 'reachable from the network'],
  ]);
}
