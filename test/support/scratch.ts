/**
 * Where tests that write and copy thousands of small databases keep them.
 *
 * @module
 */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const SHARED_MEMORY = '/dev/shm';
const ROOM_BYTES = 512 * 1024 * 1024;

/**
 * Shared memory where the system has it with room, else the folder for temporary files. Only for tests that play the
 * process's death themselves: what a real kill or a real disk does must be tried on one.
 */
export function scratchDir(): string {
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    return bavail * bsize >= ROOM_BYTES ? SHARED_MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
