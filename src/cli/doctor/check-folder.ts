/**
 * The data folder and the keys in it.
 *
 * @module
 */
import { accessSync, constants, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { KEY_LENGTH_MIN } from '../../config/index.ts';
import { CliError } from '../cli-error.ts';
import {
  credentialsPath,
  readStoredCredentials,
  type StoredCredentials,
} from '../stored-credentials.ts';
import { fail, messageOf, ok, warn, type Finding, type Patient } from './finding.ts';

const OTHERS = 0o077;

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOpenToOthers(stats: Stats): boolean {
  return process.platform !== 'win32' && (stats.mode & OTHERS) !== 0;
}

/** Closest folder above a missing one, which has to be written into to make it. */
function parentOf(path: string): string {
  let parent = dirname(path);
  while (statOrNull(parent) === null && dirname(parent) !== parent) parent = dirname(parent);
  return parent;
}

export function checkDataDir({ dataDir, context }: Patient): Finding {
  const elsewhere = `${context.invocation} start --data-dir <another folder>`;
  const stats = statOrNull(dataDir);
  const parent = parentOf(dataDir);
  if (stats === null) {
    const isPossible = statOrNull(parent)?.isDirectory() === true && isWritable(parent);
    if (isPossible) return ok('data folder', `${dataDir} will be made at the first start`);
    return fail('data folder', `${dataDir} does not exist and cannot be made in ${parent}`, {
      why: 'ledger and keys are kept there',
      fix: elsewhere,
    });
  }
  if (!stats.isDirectory()) {
    return fail('data folder', `${dataDir} is no folder`, {
      why: 'ledger and keys are kept there',
      fix: `move that file away, or ${elsewhere}`,
    });
  }
  if (!isWritable(dataDir)) {
    return fail('data folder', `this user may not write to ${dataDir}`, {
      why: 'ledger and keys are kept there',
      fix: `sudo chown -R $(id -u) ${dataDir}`,
    });
  }
  if (isOpenToOthers(stats)) {
    return warn('data folder', `other users may look into ${dataDir}`, {
      why: 'it holds the ledger and the keys',
      fix: `chmod 700 ${dataDir}`,
    });
  }
  return ok('data folder', dataDir);
}

interface EffectiveKeys {
  readonly admin: string | null;
  readonly api: string | null;
}

function effectiveKeys(stored: StoredCredentials | null, patient: Patient): EffectiveKeys {
  const given = (name: string): string | null => {
    const value = patient.context.environment[name];
    return value === undefined || value === '' ? null : value;
  };
  return {
    admin: given('GATEWAY_ADMIN_KEY') ?? stored?.adminKey ?? null,
    api: given('GATEWAY_API_KEY') ?? stored?.apiKey ?? null,
  };
}

function checkKeyText({ admin, api }: EffectiveKeys): Finding | null {
  for (const [key, name] of [
    [admin, 'GATEWAY_ADMIN_KEY'],
    [api, 'GATEWAY_API_KEY'],
  ] as const) {
    if (key !== null && key.length < KEY_LENGTH_MIN) {
      return fail('keys', `${name} has ${key.length} characters`, {
        why: `a key has at least ${KEY_LENGTH_MIN}; a shorter one can be guessed, and the gateway will not start`,
        fix: `export ${name}=agk_$(openssl rand -hex 24)`,
      });
    }
  }
  if (admin !== null && admin === api) {
    return fail('keys', 'GATEWAY_ADMIN_KEY and GATEWAY_API_KEY are the same key', {
      why: 'whoever may call models could change plans and keys; the gateway will not start',
      fix: 'export GATEWAY_ADMIN_KEY=agk_$(openssl rand -hex 24)',
    });
  }
  return null;
}

export function checkKeys(patient: Patient): Finding {
  const path = credentialsPath(patient.dataDir);
  let stored: StoredCredentials | null;
  try {
    stored = readStoredCredentials(patient.dataDir);
  } catch (error) {
    return fail('keys', messageOf(error), {
      why: 'the gateway cannot start without its keys',
      fix: error instanceof CliError ? (error.fixes[0] ?? '') : `restore ${path}`,
    });
  }
  const broken = checkKeyText(effectiveKeys(stored, patient));
  if (broken !== null) return broken;
  if (stored === null) return ok('keys', 'will be made at the first start');
  const stats = statOrNull(path);
  if (stats !== null && isOpenToOthers(stats)) {
    return warn('keys', `other users may read ${path}`, {
      why: 'it holds the admin key',
      fix: `chmod 600 ${path}`,
    });
  }
  return ok('keys', path);
}
