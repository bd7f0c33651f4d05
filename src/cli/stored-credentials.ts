/**
 * `<data-dir>/credentials.json` as commands read it: nothing is made or changed.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { EXIT_CODES } from './exit-codes.ts';

const schema = z.object({
  admin_key: z.string().optional(),
  api_key: z.string().optional(),
  encryption_key: z.string().optional(),
});

export interface StoredCredentials {
  readonly path: string;
  readonly adminKey: string | null;
  readonly apiKey: string | null;
  readonly encryptionKey: string | null;
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}

export function credentialsPath(dataDir: string): string {
  return join(dataDir, 'credentials.json');
}

/**
 * The stored keys; null when the file does not exist.
 *
 * @throws CliError when it cannot be read or is damaged; its text is never quoted
 */
export function readStoredCredentials(dataDir: string): StoredCredentials | null {
  const path = credentialsPath(dataDir);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw new CliError(`${path} cannot be read: ${String(error)}`, {
      exitCode: EXIT_CODES.auth,
      code: 'credentials_unreadable',
      fixes: ['run as the user that started the gateway, or set GATEWAY_ADMIN_KEY'],
    });
  }
  try {
    const file = schema.parse(JSON.parse(text));
    return {
      path,
      adminKey: file.admin_key ?? null,
      apiKey: file.api_key ?? null,
      encryptionKey: file.encryption_key ?? null,
    };
  } catch {
    throw new CliError(`${path} is damaged: it is no JSON of {"admin_key", "api_key", …}.`, {
      exitCode: EXIT_CODES.invalidConfig,
      code: 'credentials_damaged',
      fixes: [
        'restore it from a backup, or move it away and start the gateway to have new keys made',
      ],
    });
  }
}
