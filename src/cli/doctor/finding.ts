/**
 * What the doctor finds, and what it is given to look with.
 *
 * @module
 */
import type { LoadedConfig } from '../../config/index.ts';
import type { CliContext } from '../context.ts';

export type FindingStatus = 'ok' | 'warn' | 'fail';

export interface Finding {
  /** Short name of the check, such as `disk`. */
  readonly check: string;
  readonly status: FindingStatus;
  /** What is the case. */
  readonly what: string;
  /** Why it matters; null where nothing is wrong. */
  readonly why: string | null;
  /** The command or the change that fixes it; null where nothing is wrong. */
  readonly fix: string | null;
}

/** The machine, as far as tests have to stand in for it. */
export interface DoctorProbe {
  readonly nodeVersion: string;
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Bytes that this user may still write where the folder is. */
  freeBytes(folder: string): number;
  /** Descriptors that a process may have open; null where the system does not say. */
  openFilesMax(): number | null;
}

/** What all checks are given. */
export interface Patient {
  readonly context: CliContext;
  readonly probe: DoctorProbe;
  /** Null when the configuration is invalid. */
  readonly loaded: LoadedConfig | null;
  /** Absolute path. */
  readonly dataDir: string;
  /** Ends suggested commands where the folder is not the usual one. */
  readonly folderFlag: string;
}

export function ok(check: string, what: string): Finding {
  return { check, status: 'ok', what, why: null, fix: null };
}

export function warn(check: string, what: string, remedy: { why: string; fix: string }): Finding {
  return { check, status: 'warn', what, ...remedy };
}

export function fail(check: string, what: string, remedy: { why: string; fix: string }): Finding {
  return { check, status: 'fail', what, ...remedy };
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
