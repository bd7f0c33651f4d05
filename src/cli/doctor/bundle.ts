/**
 * What a bug report needs, in one file that can be read before it is sent, without any secret.
 *
 * @module
 */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { viewConfig } from '../../config/index.ts';
import { PROVIDERS } from '../../providers/registry.ts';
import { versions } from '../commands/version.ts';
import type { CliContext } from '../context.ts';
import { SCHEMA_VERSION } from '../output.ts';
import { readStoredCredentials } from '../stored-credentials.ts';
import type { Diagnosis } from './run-doctor.ts';

const SECRET_NAMES = /KEY|TOKEN|SECRET|PASSWORD/;
/** Shorter values are too likely to be a part of other words. */
const SECRET_LENGTH_MIN = 8;

function storedSecrets(dataDir: string): readonly (string | null)[] {
  try {
    const stored = readStoredCredentials(dataDir);
    return [stored?.adminKey ?? null, stored?.apiKey ?? null, stored?.encryptionKey ?? null];
  } catch {
    return [];
  }
}

/** Every secret that this process can know of. */
function secretsOf(context: CliContext, diagnosis: Diagnosis): readonly string[] {
  const named = new Set(PROVIDERS.flatMap((provider) => provider.environment.credential));
  const fromEnvironment = Object.entries(context.environment)
    .filter(([name]) => SECRET_NAMES.test(name) || named.has(name))
    .map(([, value]) => value ?? null);
  const fromFile = Object.values(diagnosis.loaded?.config.providers ?? {}).map(
    (entry) => entry.apiKey ?? null,
  );
  return [...fromEnvironment, ...fromFile, ...storedSecrets(diagnosis.dataDir)]
    .map((secret) => secret?.trim() ?? '')
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN);
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    // As it stands inside JSON text.
    clean = clean.replaceAll(JSON.stringify(secret).slice(1, -1), '[redacted]');
  }
  return clean;
}

function filesOf(dataDir: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    return readdirSync(dataDir).map((name) => {
      const stats = statSync(join(dataDir, name));
      return { name, bytes: stats.size, mode: (stats.mode & 0o777).toString(8) };
    });
  } catch {
    return [];
  }
}

/** Text of the bundle: findings, settings, versions, names of variables. */
export function renderBundle(context: CliContext, diagnosis: Diagnosis, nowMs: number): string {
  const relevant = new Set(
    PROVIDERS.flatMap(({ environment }) => [...environment.credential, environment.baseUrl]),
  );
  const document = {
    schemaVersion: SCHEMA_VERSION,
    made_at: new Date(nowMs).toISOString(),
    versions: versions(),
    findings: diagnosis.findings,
    config: diagnosis.loaded === null ? null : viewConfig(diagnosis.loaded),
    data_dir: { path: diagnosis.dataDir, files: filesOf(diagnosis.dataDir) },
    variables_set: Object.keys(context.environment)
      .filter((name) => name.startsWith('GATEWAY_') || relevant.has(name))
      .toSorted(),
  };
  return withoutSecrets(`${JSON.stringify(document, null, 2)}\n`, secretsOf(context, diagnosis));
}

/** Writes the bundle; fails when the file exists. */
export function writeBundle(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
}
