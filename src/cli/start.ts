/**
 * `alwrity-gateway start`: runs the gateway until it is told to stop.
 *
 * @module
 */
import { relative } from 'node:path';
import picocolors from 'picocolors';
import {
  ConfigError,
  loadConfig,
  loadCredentials,
  readConfigFile,
  type Credentials,
  type LoadedConfig,
} from '../config/index.ts';
import { startGateway, type RunningGateway } from '../server/start-gateway.ts';
import { VERSION } from '../version.ts';
import { EXIT_CODES } from './exit-codes.ts';

export interface StartFlags {
  readonly host?: string;
  readonly port?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly workers?: string;
  readonly json?: boolean;
}

function load(flags: StartFlags): LoadedConfig {
  return loadConfig({
    flags: { host: flags.host, port: flags.port, dataDir: flags.dataDir, workers: flags.workers },
    environment: process.env,
    file: readConfigFile({
      named: flags.config ?? null,
      environment: process.env,
      workingDirectory: process.cwd(),
    }),
  });
}

function maskKey(key: string): string {
  return `${key.slice(0, 4)}…${key.slice(-4)}`;
}

function providerLines(running: RunningGateway): string[] {
  const ready = running.providers.configured.map(
    (provider) => `${provider.origin} found -> ${provider.definition.id} ready`,
  );
  const lines =
    ready.length === 0
      ? ['none configured: set GEMINI_API_KEY, HF_TOKEN, OPENAI_API_KEY … or edit gateway.yaml']
      : ready;
  if (running.simulated) lines.push('the built-in simulator answers as sim/chat');
  return lines;
}

/** The start-up block. Whole keys are shown on a terminal only, and only when they were made just now. */
function banner(running: RunningGateway, loaded: LoadedConfig, credentials: Credentials): string {
  const isTerminal = process.stdout.isTTY === true;
  const isNew = credentials.origins.apiKey === 'generated';
  const key = isTerminal && isNew ? credentials.apiKey : maskKey(credentials.apiKey);
  const keyOrigin =
    credentials.origins.apiKey === 'environment'
      ? 'from GATEWAY_API_KEY'
      : `saved to ${relative(process.cwd(), credentials.path) || credentials.path} (0600)`;
  const model = running.simulated
    ? 'sim/chat'
    : `${running.providers.configured[0]?.definition.id ?? 'provider'}/<model>`;
  const row = (label: string, text: string): string =>
    `  ${picocolors.bold(label.padEnd(11))} ${text}`;
  const [firstProvider = '', ...moreProviders] = providerLines(running);
  return [
    '',
    `  ${picocolors.green('alwrity-gateway')} ${VERSION}   ${running.url}   data ${loaded.config.dataDir}   config ${loaded.file ?? '(none)'}`,
    '',
    row(
      'API key',
      `${key}   acts as customer default; ${keyOrigin}; show again: npm run gateway -- keys show default`,
    ),
    row('Providers', firstProvider),
    ...moreProviders.map((line) => row('', line)),
    row('Durability', running.durability),
    '',
    row(
      'Try',
      `curl ${running.url}/v1/chat/completions -H "Authorization: Bearer ${isTerminal && isNew ? credentials.apiKey : '$GATEWAY_API_KEY'}" -H "content-type: application/json" -d '{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}'`,
    ),
    row(
      'Next',
      'npm run gateway -- doctor     npm run gateway -- call chat "Hello"     npm run gateway -- plans list',
    ),
    '',
    ...loaded.warnings.map((warning) => picocolors.yellow(`  ! ${warning}`)),
  ].join('\n');
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

/** One or two sentences for the operator: what happened, and what to do. */
function explain(
  error: unknown,
  loaded: LoadedConfig | null,
): { readonly text: string; readonly code: number } {
  if (error instanceof ConfigError) return { text: error.message, code: EXIT_CODES.invalidConfig };
  if (isErrno(error) && error.code === 'EADDRINUSE') {
    const port = loaded?.config.port ?? 0;
    return {
      text: `Port ${port} is taken by another program. Stop it (\`ss -ltnp sport = :${port}\` shows it), or start with --port 0 for any free port.`,
      code: EXIT_CODES.failure,
    };
  }
  if (isErrno(error) && error.code === 'EACCES')
    return {
      text: `${error.message}. Choose another --port or --data-dir.`,
      code: EXIT_CODES.failure,
    };
  return { text: error instanceof Error ? error.message : String(error), code: EXIT_CODES.failure };
}

function stopOnSignals(running: RunningGateway): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(EXIT_CODES.interrupted);
    stopping = true;
    process.stderr.write('  stopping: no new calls; running ones may finish\n');
    running.stop().then(
      () => process.exit(EXIT_CODES.ok),
      (error: unknown) => {
        process.stderr.write(`${explain(error, null).text}\n`);
        process.exit(EXIT_CODES.failure);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

export async function runStart(flags: StartFlags): Promise<void> {
  let loaded: LoadedConfig | null = null;
  try {
    loaded = load(flags);
    const credentials = loadCredentials({
      dataDir: loaded.config.dataDir,
      environment: process.env,
    });
    const running = await startGateway({ loaded, credentials, environment: process.env });
    stopOnSignals(running);
    if (flags.json === true) {
      process.stdout.write(
        `${JSON.stringify({ event: 'listening', url: running.url, pid: process.pid })}\n`,
      );
    } else {
      process.stdout.write(`${banner(running, loaded, credentials)}\n`);
    }
  } catch (error) {
    const { text, code } = explain(error, loaded);
    process.stderr.write(`alwrity-gateway: ${text}\n`);
    process.exitCode = code;
  }
}
