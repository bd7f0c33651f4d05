/**
 * Node, disk, descriptors, clock.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatBytes } from '../format.ts';
import { fail, messageOf, ok, warn, type Finding, type Patient } from './finding.ts';

/** As `engines` of the package says. */
const NODE_WANTED = [24, 15] as const;
const MIB = 1024 * 1024;
const DISK_FAIL_BYTES = 100 * MIB;
const DISK_WARN_BYTES = 1024 * MIB;
/** A call holds one connection of its client and one to a provider, and a few are needed besides. */
const DESCRIPTORS_PER_CALL = 2;
const DESCRIPTORS_BESIDES = 64;
/** No clock that is right shows an earlier time: this version did not exist. */
const EARLIEST_MS = Date.UTC(2026, 10, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

export function checkNode({ probe }: Patient): Finding {
  const [major = 0, minor = 0] = probe.nodeVersion.split('.').map(Number);
  const wanted = NODE_WANTED.join('.');
  const isEnough = major > NODE_WANTED[0] || (major === NODE_WANTED[0] && minor >= NODE_WANTED[1]);
  if (isEnough) return ok('node', `Node ${probe.nodeVersion}`);
  return fail('node', `Node ${probe.nodeVersion} is too old`, {
    why: `the embedded database needs Node ${wanted} or newer`,
    fix: 'install Node 24 from https://nodejs.org, or start through npm, which brings it: npm start',
  });
}

/** The folder, else the closest one above it that exists. */
function existing(folder: string): string {
  let current = folder;
  while (!existsSync(current) && dirname(current) !== current) current = dirname(current);
  return current;
}

export function checkDisk({ probe, dataDir, context }: Patient): Finding {
  let free: number;
  try {
    free = probe.freeBytes(existing(dataDir));
  } catch (error) {
    return warn('disk', `free space is unknown: ${messageOf(error)}`, {
      why: 'a full disk stops bookings, and without bookings no call is served',
      fix: `df -h ${dataDir}`,
    });
  }
  const what = `${formatBytes(free)} free for ${dataDir}`;
  if (free >= DISK_WARN_BYTES) return ok('disk', what);
  const remedy = {
    why: 'a full disk stops bookings, and without bookings no call is served',
    fix: `free space on that disk, or move the folder: ${context.invocation} start --data-dir <folder>`,
  };
  return free < DISK_FAIL_BYTES ? fail('disk', what, remedy) : warn('disk', what, remedy);
}

export function checkOpenFiles({ probe, loaded }: Patient): Finding {
  const max = probe.openFilesMax();
  if (max === null) return ok('open files', 'the system does not say how many');
  const calls = loaded?.config.limits.maxInFlight ?? 0;
  const needed = calls * DESCRIPTORS_PER_CALL + DESCRIPTORS_BESIDES;
  if (max >= needed) return ok('open files', `${max} allowed`);
  return warn('open files', `${max} allowed, ${needed} needed for ${calls} calls at once`, {
    why: 'beyond it connections fail although limits.maxInFlight would allow the calls',
    fix: `ulimit -n ${needed} before the start, or lower limits.maxInFlight`,
  });
}

export function checkClock({ probe }: Patient, newestBookingMs: number | null): Finding {
  const nowMs = probe.nowMs();
  const now = new Date(nowMs).toISOString();
  const remedy = {
    why: 'billing periods, key expiry and TLS certificates follow the clock',
    fix: 'set the clock: timedatectl set-ntp true',
  };
  if (nowMs < EARLIEST_MS || nowMs > LATEST_MS) {
    return fail('clock', `the clock shows ${now}`, remedy);
  }
  if (newestBookingMs !== null && newestBookingMs - nowMs > 60_000) {
    const booked = new Date(newestBookingMs).toISOString();
    return fail('clock', `the clock shows ${now}, but a call was booked at ${booked}`, remedy);
  }
  return ok('clock', now);
}
