/**
 * Settings from flags, environment, file and defaults, in this order of precedence, each with its origin.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError, configError, type ConfigProblem } from './config-error.ts';
import { nearestName } from './nearest-name.ts';
import { readConfigDocument, type ReadDocument } from './read-document.ts';
import { configSchema, type GatewayConfig } from './schema.ts';
import { flagNameOf, formatPath, knownKeysAt, settingLeaves } from './setting-index.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the value of a setting comes from. */
export type Origin =
  | { readonly type: 'default' }
  | { readonly type: 'file'; readonly path: string; readonly line: number | null }
  | { readonly type: 'environment'; readonly name: string }
  | { readonly type: 'flag'; readonly name: string };

/** Variables that are read elsewhere: keys by `credentials.ts`, the file's path by {@link readConfigFile}. */
export const RESERVED_ENVIRONMENT = {
  GATEWAY_CONFIG: 'Path of the configuration file, like `--config`.',
  GATEWAY_ADMIN_KEY: 'Bootstrap admin key of your choice: at least 20 characters.',
  GATEWAY_API_KEY: 'Bootstrap service key, acting as customer `default`: at least 20 characters.',
  GATEWAY_URL: 'Address of a running gateway, for the command line, like `--url`.',
  GATEWAY_ENCRYPTION_KEY:
    'Encrypts stored provider credentials: at least 20 characters. Losing it loses them.',
} as const;

export interface LoadOptions {
  /** Values given on the command line, by setting path (`dataDir`); undefined ones count as absent. */
  readonly flags?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly environment: Environment;
  /** Text of the configuration file and its name; null without one. */
  readonly file: { readonly path: string; readonly text: string } | null;
  /** Reads a file for `${file:…}`; the loader's default reads beside the configuration file. */
  readonly readFile?: (path: string) => string;
}

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** Path of the file that was read; null without one. */
  readonly file: string | null;
  /** Origin of every value, by dotted path; a path that is missing here is a default. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Sentences for the operator: nothing stops, but something may not be as meant. */
  readonly warnings: readonly string[];
}

/** `gateway.yaml:12`, `environment variable GATEWAY_PORT`, `flag --port`, `default`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.type) {
    case 'default':
      return 'default';
    case 'file':
      return origin.line === null ? origin.path : `${origin.path}:${origin.line}`;
    case 'environment':
      return `environment variable ${origin.name}`;
    case 'flag':
      return `flag ${origin.name}`;
  }
}

/** Origin of the value at a path, else of the closest group around it. */
function nearestOrigin(origins: ReadonlyMap<string, Origin>, path: readonly PropertyKey[]): Origin {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = origins.get(formatPath(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return { type: 'default' };
}

type RawGroup = Record<string, unknown>;

function isGroup(value: unknown): value is RawGroup {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setAt(root: RawGroup, path: string, value: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  let group = root;
  for (const step of steps) {
    const inner = group[step];
    const next: RawGroup = isGroup(inner) ? inner : {};
    group[step] = next;
    group = next;
  }
  group[last] = value;
}

interface Collected {
  readonly raw: RawGroup;
  readonly origins: Map<string, Origin>;
  readonly warnings: string[];
}

function addFile(collected: Collected, path: string, document: ReadDocument): void {
  Object.assign(collected.raw, structuredClone(document.value));
  for (const [setting, line] of document.lines) {
    collected.origins.set(setting, { type: 'file', path, line });
  }
}

function addEnvironment(collected: Collected, environment: Environment): void {
  const known = new Set<string>(Object.keys(RESERVED_ENVIRONMENT));
  for (const leaf of settingLeaves()) {
    const name = leaf.environment;
    if (name === null) continue;
    known.add(name);
    const value = environment[name];
    if (value === undefined || value === '') continue;
    if (name === 'GATEWAY_PORT' && /^[a-z]+:\/\//.test(value)) {
      // Kubernetes sets <SERVICE>_PORT=tcp://… for a service that is called "gateway":
      // https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
      collected.warnings.push(
        `GATEWAY_PORT=${value} looks like a Kubernetes service link and is ignored; use --port, or name the service otherwise.`,
      );
      continue;
    }
    setAt(collected.raw, leaf.path, value);
    collected.origins.set(leaf.path, { type: 'environment', name });
  }
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('GATEWAY_') || known.has(name)) continue;
    const nearest = nearestName(name, known);
    if (nearest !== null) {
      collected.warnings.push(
        `Environment variable ${name} is not a setting and is ignored; did you mean ${nearest}?`,
      );
    }
  }
}

function addFlags(collected: Collected, flags: NonNullable<LoadOptions['flags']>): void {
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    setAt(collected.raw, path, value);
    collected.origins.set(path, { type: 'flag', name: flagNameOf(path) });
  }
}

function unknownKeyMessage(path: readonly PropertyKey[], key: string): string {
  const known = knownKeysAt(path).filter((name) => name !== '$schema');
  const nearest = nearestName(key, known);
  if (nearest !== null) return `is not a setting; did you mean "${nearest}"?`;
  return known.length === 0
    ? 'is not a setting'
    : `is not a setting; here can stand ${known.join(', ')}`;
}

function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  origins: ReadonlyMap<string, Origin>,
): readonly ConfigProblem[] {
  const problem = (path: readonly PropertyKey[], message: string): ConfigProblem => {
    const origin = nearestOrigin(origins, path);
    return {
      path: formatPath(path),
      message,
      origin: origin.type === 'default' ? null : describeOrigin(origin),
    };
  };
  return issues.flatMap((issue) => {
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) =>
          problem([...issue.path, key], unknownKeyMessage(issue.path, key)),
        );
      case 'invalid_key':
        return issue.issues.map((inner) => problem(issue.path, inner.message));
      case 'invalid_type':
        return [
          problem(
            issue.path,
            issue.expected === 'object' || issue.expected === 'record'
              ? 'must be a group of settings ("key: value" lines below it)'
              : issue.input === undefined && issue.message.startsWith('Invalid input')
                ? `is missing or no ${issue.expected}`
                : issue.message,
          ),
        ];
      default:
        return [problem(issue.path, issue.message)];
    }
  });
}

/**
 * Loads the configuration.
 *
 * @throws ConfigError naming every problem with its path and origin
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { environment, file } = options;
  const collected: Collected = { raw: {}, origins: new Map(), warnings: [] };
  const problems: ConfigProblem[] = [];
  if (file !== null) {
    const folder = dirname(file.path);
    const readFile =
      options.readFile ?? ((path: string) => readFileSync(resolve(folder, path), 'utf8'));
    const document = readConfigDocument(file.text, file.path, { environment, readFile });
    problems.push(...document.problems);
    addFile(collected, file.path, document);
  }
  addEnvironment(collected, environment);
  addFlags(collected, options.flags ?? {});
  const parsed = configSchema.safeParse(collected.raw);
  if (!parsed.success) {
    const reported = new Set(problems.map((problem) => problem.path));
    for (const problem of problemsOf(parsed.error.issues, collected.origins)) {
      if (!reported.has(problem.path)) problems.push(problem);
    }
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return {
    config: parsed.data,
    file: file?.path ?? null,
    origins: collected.origins,
    warnings: collected.warnings,
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/**
 * Reads the configuration file: the one named by the flag, else by `GATEWAY_CONFIG`, else `gateway.yaml` in
 * the working directory where there is one.
 *
 * @throws ConfigError when a named file is missing or any cannot be read
 */
export function readConfigFile(options: {
  readonly named: string | null;
  readonly environment: Environment;
  readonly workingDirectory: string;
}): LoadOptions['file'] {
  const fromEnvironment = options.environment['GATEWAY_CONFIG'];
  const named = options.named ?? (fromEnvironment === '' ? undefined : fromEnvironment) ?? null;
  const path = resolve(options.workingDirectory, named ?? 'gateway.yaml');
  try {
    return { path: named ?? path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    if (named === null && isMissing(error)) return null;
    const reason = isMissing(error) ? 'there is no such file' : String(error);
    const origin = options.named === null ? 'environment variable GATEWAY_CONFIG' : 'flag --config';
    throw configError('', `cannot read ${path}: ${reason}`, named === null ? null : origin);
  }
}
