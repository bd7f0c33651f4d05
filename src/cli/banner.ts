/**
 * What a started gateway says on its terminal: where it is, its keys, what it can do, what comes next.
 *
 * @module
 */
import { relative } from 'node:path';
import type { Credentials, CredentialOrigin, LoadedConfig } from '../config/index.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { RunningGateway } from '../server/start-gateway.ts';
import { VERSION } from '../version.ts';
import type { CliContext } from './context.ts';
import { maskKey } from './format.ts';
import type { Colors } from './output.ts';

export interface BannerFacts {
  readonly running: Pick<RunningGateway, 'url' | 'providers' | 'simulated' | 'durability'>;
  readonly loaded: LoadedConfig;
  readonly credentials: Credentials;
  readonly context: CliContext;
  readonly colors: Colors;
}

const INDENT = '  ';
const LABEL_WIDTH = 11;
/** Variables of unconfigured providers that are named as examples. */
const UNSET_SHOWN = 3;

function row(colors: Colors, label: string, text: string): string {
  return `${INDENT}${colors.bold(label.padEnd(LABEL_WIDTH))} ${text}`;
}

function rows(colors: Colors, label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => row(colors, index === 0 ? label : '', line));
}

/** In full on a terminal, and only when it was made just now: what is printed elsewhere ends up in logs. */
function shownKey(key: string, origin: CredentialOrigin, isTerminal: boolean): string {
  return isTerminal && origin === 'generated' ? key : maskKey(key);
}

function shortPath(path: string, context: CliContext): string {
  const inside = relative(context.workingDirectory, path);
  return inside === '' || inside.startsWith('..') ? path : `./${inside}`;
}

/** `--data-dir …` for suggested commands, where the folder is not the usual one. */
function folderFlag(facts: BannerFacts): string {
  const { dataDir } = facts.loaded.config;
  const origin = facts.loaded.origins.get('dataDir');
  return origin?.type === 'flag' ? ` --data-dir ${dataDir}` : '';
}

function keyLines(facts: BannerFacts): readonly string[] {
  const { credentials, context, colors } = facts;
  const isTerminal = context.stdout.isTTY === true;
  const show = `${context.invocation} keys show`;
  const line = (
    label: string,
    origin: CredentialOrigin,
    parts: readonly [string, string, string, string],
  ) => {
    const [key, role, variable, name] = parts;
    const source =
      origin === 'environment'
        ? `from ${variable}`
        : `${origin === 'generated' ? 'saved to' : 'in'} ${shortPath(credentials.path, context)} (0600); show again: ${show} ${name}${folderFlag(facts)}`;
    return row(colors, label, `${shownKey(key, origin, isTerminal)}   ${role}; ${source}`);
  };
  const { origins } = credentials;
  return [
    line('API key', origins.apiKey, [
      credentials.apiKey,
      'acts as customer default',
      'GATEWAY_API_KEY',
      'default',
    ]),
    line('Admin key', origins.adminKey, [
      credentials.adminKey,
      'for /admin/v1',
      'GATEWAY_ADMIN_KEY',
      'admin',
    ]),
  ];
}

function variableOf(definition: ProviderDefinition): string | undefined {
  return definition.environment.credential[0];
}

function providerLines(facts: BannerFacts): readonly string[] {
  const { providers, simulated } = facts.running;
  const ready = providers.configured.map(
    (provider) => `${provider.origin} found -> ${provider.definition.id} ready`,
  );
  const unset = providers.unconfigured
    .flatMap(({ definition }) => variableOf(definition) ?? [])
    .slice(0, UNSET_SHOWN)
    .join(', ');
  const none = `none configured: set ${unset} … or write gateway.yaml, then start again`;
  return [
    ...(ready.length === 0 ? [none] : ready),
    ...(simulated ? ['the built-in simulator answers as sim/chat'] : []),
  ];
}

function tryLines(facts: BannerFacts): readonly string[] {
  const { running, credentials, context } = facts;
  const isNew = credentials.origins.apiKey === 'generated' && context.stdout.isTTY === true;
  const { definition } = running.providers.configured[0] ?? {};
  const model =
    running.simulated || definition === undefined ? 'sim/chat' : `${definition.id}/<model>`;
  const key = isNew ? credentials.apiKey : '$GATEWAY_API_KEY';
  const body = `{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}`;
  const curl = `curl ${running.url}/v1/chat/completions -H "Authorization: Bearer ${key}" -H "content-type: application/json" -d '${body}'`;
  if (isNew || credentials.origins.apiKey === 'environment') return [curl];
  return [
    `export GATEWAY_API_KEY=$(${context.invocation} keys show default${folderFlag(facts)})`,
    curl,
  ];
}

/** Sentences about settings that are valid and yet may not be meant. */
export function startWarnings(loaded: LoadedConfig): readonly string[] {
  const { host, workers } = loaded.config;
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return [
    ...loaded.warnings,
    ...(isLocal
      ? []
      : [
          `Reachable from the network (host ${host}): every call needs a key, and keys travel unencrypted unless a TLS proxy stands in front.`,
        ]),
    ...(workers > 1
      ? [`workers: ${workers} has no effect: one process answers all requests.`]
      : []),
  ];
}

/** The start-up block. */
export function renderBanner(facts: BannerFacts): string {
  const { running, loaded, context, colors } = facts;
  const { invocation } = context;
  const dataDir = loaded.config.dataDir;
  const flag = folderFlag(facts);
  return [
    '',
    `${INDENT}${colors.green('alwrity-gateway')} ${VERSION}   ${colors.bold(running.url)}   data ${dataDir}   config ${loaded.file === null ? '(none)' : shortPath(loaded.file, context)}`,
    '',
    ...keyLines(facts),
    ...rows(colors, 'Providers', providerLines(facts)),
    row(colors, 'Durability', running.durability),
    '',
    ...rows(colors, 'Try', tryLines(facts)),
    ...rows(colors, 'Next', [
      `${invocation} doctor${flag}`,
      `${invocation} call chat "Hello"${flag}`,
      `${invocation} plans list${flag}`,
    ]),
    '',
    ...startWarnings(loaded).map((warning) => `${INDENT}${colors.yellow('!')} ${warning}`),
  ].join('\n');
}
