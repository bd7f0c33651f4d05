/**
 * The configuration as commands see it, from flags, environment and file.
 *
 * @module
 */
import { resolve } from 'node:path';
import {
  loadConfig,
  readConfigFile,
  type Environment,
  type LoadedConfig,
} from '../config/index.ts';
import type { CliContext } from './context.ts';

/** Variables of the command line itself, which are no settings of a gateway. */
const OWN_VARIABLES: readonly string[] = ['GATEWAY_URL'];

export interface SettingFlags {
  readonly host?: string;
  readonly port?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly workers?: string;
}

function settingsEnvironment(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !OWN_VARIABLES.includes(name)),
  );
}

/** @throws ConfigError naming every problem with its path and origin */
export function loadSettings(context: CliContext, flags: SettingFlags): LoadedConfig {
  const environment = settingsEnvironment(context.environment);
  return loadConfig({
    flags: { host: flags.host, port: flags.port, dataDir: flags.dataDir, workers: flags.workers },
    environment,
    file: readConfigFile({
      named: flags.config ?? null,
      environment,
      workingDirectory: context.workingDirectory,
    }),
  });
}

/** Data folder as an absolute path. */
export function dataDirOf(context: CliContext, loaded: LoadedConfig): string {
  return resolve(context.workingDirectory, loaded.config.dataDir);
}
