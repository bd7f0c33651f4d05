/**
 * A small file system of its own, to be filled up.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command: string, args: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return null;
  return error?.message ?? ((stderr ?? '').trim() || `${command} failed`);
}

function mountTmpfs(directory: string, megabytes: number): string | null {
  return run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
}

/** Why no file system can be mounted here; null when one can. */
export function whyNoMount(): string | null {
  const probe = mkdtempSync(join(tmpdir(), 'gateway-mount-'));
  const reason = mountTmpfs(probe, 1);
  if (reason === null) run('umount', [probe]);
  rmSync(probe, { recursive: true, force: true });
  return reason;
}

export class SmallDisk {
  readonly directory: string;

  constructor(directory: string, megabytes: number) {
    this.directory = directory;
    const reason = mountTmpfs(directory, megabytes);
    if (reason !== null) throw new Error(`no small disk: ${reason}`);
  }

  get #filler(): string {
    return join(this.directory, 'filler');
  }

  /** Takes every block there is. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (let size = 1 << 20; size >= 512; size >>= 1) {
        try {
          while (writeSync(file, Buffer.alloc(size, 1)) === size);
        } catch {
          // Full for this size: a smaller one may still fit.
        }
      }
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    unlinkSync(this.#filler);
  }

  /** Lets nothing be written any more, whoever asks. @returns why not, or null */
  makeReadOnly(): string | null {
    return run('mount', ['-o', 'remount,ro', this.directory]);
  }

  remove(): void {
    run('umount', ['-l', this.directory]);
  }
}
