/**
 * All checks, in the order in which one would look.
 *
 * @module
 */
import { readFileSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, type LoadedConfig } from '../../config/index.ts';
import type { CliContext } from '../context.ts';
import { dataDirOf, loadSettings, type SettingFlags } from '../settings.ts';
import { checkDatabase, isDataDirLocked } from './check-database.ts';
import { checkDataDir, checkKeys } from './check-folder.ts';
import { checkGateway } from './check-gateway.ts';
import { checkClock, checkDisk, checkNode, checkOpenFiles } from './check-machine.ts';
import { checkProviders } from './check-providers.ts';
import { fail, ok, warn, type DoctorProbe, type Finding, type Patient } from './finding.ts';

/** The machine itself. */
export const machineProbe: DoctorProbe = {
  nodeVersion: process.versions.node,
  nowMs: () => Date.now(),
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  openFilesMax() {
    try {
      // https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html: name, soft limit, hard limit.
      const text = readFileSync('/proc/self/limits', 'utf8');
      const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
      return soft === undefined ? null : Number(soft);
    } catch {
      return null;
    }
  },
};

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Null when the configuration is invalid. */
  readonly loaded: LoadedConfig | null;
  readonly dataDir: string;
}

type Settings =
  | { readonly loaded: LoadedConfig; readonly findings: readonly Finding[] }
  | { readonly loaded: null; readonly findings: readonly Finding[] };

function checkSettings(context: CliContext, flags: SettingFlags): Settings {
  try {
    const loaded = loadSettings(context, flags);
    const warnings = loaded.warnings.map((warning) =>
      warn('settings', warning, {
        why: 'something may not be as meant',
        fix: `${context.invocation} config print --changed    (shows every origin)`,
      }),
    );
    const whole = ok('settings', loaded.file ?? 'no gateway.yaml; environment and defaults');
    return { loaded, findings: warnings.length > 0 ? warnings : [whole] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.problems.map((problem) =>
      fail('settings', `${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`, {
        why: 'the gateway will not start',
        fix: `correct ${problem.origin ?? 'it'}; docs/config.md lists every setting`,
      }),
    );
    return { loaded: null, findings };
  }
}

/** The data folder, also when the configuration that would name it is invalid. */
function folderOf(context: CliContext, flags: SettingFlags, loaded: LoadedConfig | null): string {
  if (loaded !== null) return dataDirOf(context, loaded);
  const named = flags.dataDir ?? context.environment['GATEWAY_DATA_DIR'];
  return resolve(context.workingDirectory, named === undefined || named === '' ? './data' : named);
}

/** Looks at everything a gateway needs; changes nothing. */
export async function runDoctor(
  context: CliContext,
  flags: SettingFlags,
  probe: DoctorProbe = machineProbe,
): Promise<Diagnosis> {
  const { loaded, findings } = checkSettings(context, flags);
  const dataDir = folderOf(context, flags, loaded);
  const folderFlag = flags.dataDir === undefined ? '' : ` --data-dir ${flags.dataDir}`;
  const patient: Patient = { context, probe, loaded, dataDir, folderFlag };
  const isRunning = isDataDirLocked(dataDir);
  const database = isRunning
    ? { findings: [ok('database', 'in use by the running gateway')], newestBookingMs: null }
    : await checkDatabase(patient);
  const [gateway, providers] = await Promise.all([checkGateway(patient), checkProviders(patient)]);
  return {
    loaded,
    dataDir,
    findings: [
      checkNode(patient),
      ...findings,
      checkDataDir(patient),
      checkKeys(patient),
      checkDisk(patient),
      checkOpenFiles(patient),
      ...database.findings,
      checkClock(patient, database.newestBookingMs),
      ...gateway,
      ...providers,
    ],
  };
}
