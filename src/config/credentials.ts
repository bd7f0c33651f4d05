/**
 * The gateway's own keys: from the environment, else generated once into `<data-dir>/credentials.json`.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configError } from './config-error.ts';
import type { Environment } from './load.ts';

/** Characters of a key that a person chose. */
export const KEY_LENGTH_MIN = 20;

const FILE_NAME = 'credentials.json';

const fileSchema = z.object({
  admin_key: z.string().min(KEY_LENGTH_MIN).optional(),
  api_key: z.string().min(KEY_LENGTH_MIN).optional(),
  encryption_key: z.string().min(KEY_LENGTH_MIN).optional(),
});
type CredentialFile = z.infer<typeof fileSchema>;
type Member = keyof CredentialFile;

const VARIABLES: Readonly<Record<Member, string>> = {
  admin_key: 'GATEWAY_ADMIN_KEY',
  api_key: 'GATEWAY_API_KEY',
  encryption_key: 'GATEWAY_ENCRYPTION_KEY',
};

export type CredentialOrigin = 'environment' | 'file' | 'generated';

/** The three bootstrap secrets. Never log, print to a non-terminal or serve this object. */
export interface Credentials {
  /** Key of the control plane. */
  readonly adminKey: string;
  /** Service key whose default customer is `default`. */
  readonly apiKey: string;
  /** Input of the key derivation for stored provider credentials; text of any form. */
  readonly encryptionKey: string;
  readonly origins: {
    readonly adminKey: CredentialOrigin;
    readonly apiKey: CredentialOrigin;
    readonly encryptionKey: CredentialOrigin;
  };
  /** Path of the credentials file, whether or not it was needed. */
  readonly path: string;
  readonly warnings: readonly string[];
}

export interface CredentialOptions {
  readonly dataDir: string;
  readonly environment: Environment;
  /** Source of randomness; the system's by default. */
  readonly random?: (bytes: number) => Buffer;
}

const KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A gateway key: `agk_` and 32 characters of 6 random bits each (192 bits). */
export function generateKey(random: (bytes: number) => Uint8Array): string {
  let rest = '';
  for (const byte of random(32)) rest += KEY_ALPHABET.charAt(byte & 63);
  return `agk_${rest}`;
}

function fromEnvironment(environment: Environment, member: Member): string | null {
  const name = VARIABLES[member];
  const value = environment[name];
  if (value === undefined || value === '') return null;
  const origin = `environment variable ${name}`;
  if (value.length < KEY_LENGTH_MIN) {
    const message = `is too short: a key has at least ${KEY_LENGTH_MIN} characters, this one has ${value.length}`;
    throw configError('', `${name} ${message}`, origin);
  }
  // A key travels in a header: field values are visible characters and inner spaces (RFC 9110 §5.5).
  if (member !== 'encryption_key' && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    const message =
      'holds characters that no HTTP header can carry; use letters, digits and punctuation';
    throw configError('', `${name} ${message}`, origin);
  }
  return value;
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function readCredentialFile(path: string): CredentialFile | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return null;
    throw configError('', `cannot read ${path}: ${String(error)}`, null);
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    // The text itself is not quoted: it holds keys.
    const message = `${path} is damaged: it must be {"admin_key", "api_key", "encryption_key"} as JSON. Restore it, or move it away to have new keys made (stored provider credentials then have to be entered again)`;
    throw configError('', message, null);
  }
}

function writePrivately(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function createInPlace(path: string, file: CredentialFile): boolean {
  try {
    writePrivately(path, `${JSON.stringify(file, null, 2)}\n`);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    throw configError('', `cannot write ${path}: ${String(error)}`, null);
  }
}

/** Puts the file in place at once and whole; false when another process was first. */
function store(path: string, file: CredentialFile, replace: boolean): boolean {
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  writePrivately(temporary, `${JSON.stringify(file, null, 2)}\n`);
  try {
    if (replace) renameSync(temporary, path);
    // A link, unlike a rename, fails when the name is taken: two first starts agree on one set of keys.
    else linkSync(temporary, path);
    return true;
  } catch (error) {
    if (!replace && isErrorCode(error, 'EEXIST')) return false;
    // Some file systems know no hard links; there the name is taken by creating it.
    if (!replace && ['EPERM', 'ENOTSUP', 'ENOSYS'].some((code) => isErrorCode(error, code))) {
      return createInPlace(path, file);
    }
    throw configError('', `cannot write ${path}: ${String(error)}`, null);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function tightenMode(path: string): readonly string[] {
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return [];
  chmodSync(path, 0o600);
  return [`${path} could be read by other users; its mode is now 0600.`];
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw configError('dataDir', `cannot create ${dataDir}: ${String(error)}`, null);
  }
}

/**
 * The keys in force, generating and storing those that neither environment nor file has. Keys from the
 * environment are not written to disk.
 *
 * @throws ConfigError when a key is too short or no header can carry it, when admin and service key are
 * the same, or when the file is damaged or cannot be read or written
 */
export function loadCredentials(options: CredentialOptions): Credentials {
  const random = options.random ?? randomBytes;
  const path = join(options.dataDir, FILE_NAME);
  makeFolder(options.dataDir);
  let stored = readCredentialFile(path);
  const warnings = stored === null ? [] : tightenMode(path);
  const origins: Record<Member, CredentialOrigin> = {
    admin_key: 'file',
    api_key: 'file',
    encryption_key: 'file',
  };
  const given: Record<Member, string | null> = {
    admin_key: fromEnvironment(options.environment, 'admin_key'),
    api_key: fromEnvironment(options.environment, 'api_key'),
    encryption_key: fromEnvironment(options.environment, 'encryption_key'),
  };
  const missing = (Object.keys(given) as Member[]).filter(
    (member) => given[member] === null && stored?.[member] === undefined,
  );
  if (missing.length > 0) {
    const made: CredentialFile = { ...stored };
    for (const member of missing) {
      made[member] =
        member === 'encryption_key' ? random(32).toString('base64url') : generateKey(random);
      origins[member] = 'generated';
    }
    if (store(path, made, stored !== null)) stored = made;
    else return loadCredentials(options);
  }
  const pick = (member: Member): string => {
    const fromGiven = given[member];
    if (fromGiven !== null) {
      origins[member] = 'environment';
      return fromGiven;
    }
    return stored?.[member] ?? '';
  };
  const adminKey = pick('admin_key');
  const apiKey = pick('api_key');
  if (adminKey === apiKey) {
    throw configError('', 'GATEWAY_ADMIN_KEY and GATEWAY_API_KEY must be different keys', null);
  }
  const encryptionKey = pick('encryption_key');
  return {
    adminKey,
    apiKey,
    encryptionKey,
    origins: {
      adminKey: origins.admin_key,
      apiKey: origins.api_key,
      encryptionKey: origins.encryption_key,
    },
    path,
    warnings,
  };
}
