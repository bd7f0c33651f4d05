/**
 * `<data-dir>/running.json`: where the gateway of a data folder listens, so that commands find it also on a free port.
 *
 * @module
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const FILE_NAME = 'running.json';

const schema = z.object({ url: z.url({ protocol: /^http$/ }), pid: z.int().positive() });

/** A gateway that said where it listens. */
export type RunningProcess = z.infer<typeof schema>;

/** True while a process has that id; also one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The gateway that uses the folder; null when none said so or its process has ended. */
export function readRunning(dataDir: string): RunningProcess | null {
  try {
    const running = schema.parse(JSON.parse(readFileSync(join(dataDir, FILE_NAME), 'utf8')));
    return isAlive(running.pid) ? running : null;
  } catch {
    // Missing, or half written by a process that died: then nothing is known.
    return null;
  }
}

/** Says where this process listens. */
export function writeRunning(dataDir: string, running: RunningProcess): void {
  try {
    writeFileSync(join(dataDir, FILE_NAME), `${JSON.stringify(running)}\n`, { mode: 0o600 });
  } catch {
    // Only the convenience of commands depends on it.
  }
}

export function removeRunning(dataDir: string): void {
  rmSync(join(dataDir, FILE_NAME), { force: true });
}
