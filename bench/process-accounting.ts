/**
 * What the kernel accounts to a process: CPU time of all its threads and resident memory.
 * Formats: proc_pid_stat(5), proc_pid_status(5), proc_pid_task(5).
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: clock ticks per second of /proc/<pid>/stat, 100 on every Linux architecture Node supports. */
const TICKS_PER_SECOND = 100;

/**
 * User plus system time of a whole process (all threads) in microseconds, from the text of `/proc/<pid>/stat`.
 *
 * @throws Error when the text has not the documented shape
 */
export function cpuMicrosOf(statText: string): number {
  // The command name may itself contain spaces and brackets: fields are counted from its last bracket.
  const afterName = statText.lastIndexOf(')');
  const fields = statText.slice(afterName + 2).split(' ');
  const userTicks = Number(fields[11]);
  const systemTicks = Number(fields[12]);
  if (afterName < 0 || !Number.isFinite(userTicks + systemTicks)) {
    throw new Error('not the text of /proc/<pid>/stat');
  }
  return ((userTicks + systemTicks) * 1_000_000) / TICKS_PER_SECOND;
}

/** Resident set in bytes, from the text of `/proc/<pid>/status`. @throws Error when there is no VmRSS line */
export function residentBytesOf(statusText: string): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(statusText);
  if (match === null) throw new Error('no VmRSS line');
  return Number(match[1]) * 1024;
}

/**
 * Microseconds for which a core was busy since boot, from the text of `/proc/stat` (proc_stat(5)): all but
 * idling and waiting for disks; time stolen by the host counts as busy.
 *
 * @throws Error when there is no such core
 */
export function coreBusyMicrosOf(statText: string, core: number): number {
  const match = new RegExp(`^cpu${core} (.+)$`, 'm').exec(statText);
  if (match === null) throw new Error(`no core ${core} in /proc/stat`);
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = (
    match[1] ?? ''
  )
    .trim()
    .split(/\s+/)
    .map(Number);
  const ticks = user + nice + system + interrupts + softInterrupts + stolen;
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}

/** Busy time of one core of this machine. */
export function readCoreBusyMicros(core: number): number {
  return coreBusyMicrosOf(readFileSync('/proc/stat', 'utf8'), core);
}

/** The process and its living descendants (a gateway may run cluster workers). */
function processTree(pid: number): number[] {
  const pids = [pid];
  for (let index = 0; index < pids.length && pids.length < 64; index += 1) {
    for (const child of childrenOf(pids[index] ?? 0)) pids.push(child);
  }
  return pids;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    );
  } catch {
    // Without CONFIG_PROC_CHILDREN, or when a thread ended meanwhile: the process itself still counts.
    return [];
  }
}

/** CPU time in microseconds that the process and its descendants have used until now. */
export function readCpuMicros(pid: number): number {
  return processTree(pid).reduce(
    (sum, each) => sum + cpuMicrosOf(readFileSync(`/proc/${each}/stat`, 'utf8')),
    0,
  );
}

/**
 * CPU microseconds by kind of thread of one process: the names that Node gives its threads, such as
 * `node-V8Worker` for the collector's and compiler's helpers, summed over threads of one name.
 */
export function readThreadMicros(pid: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const name = threadNameOf(text, thread === String(pid));
    sums.set(name, (sums.get(name) ?? 0) + cpuMicrosOf(text));
  }
  return sums;
}

/** Name of a thread from the text of its `stat` file. */
export function threadNameOf(statText: string, isMain: boolean): string {
  return isMain
    ? 'main thread'
    : statText.slice(statText.indexOf('(') + 1, statText.lastIndexOf(')'));
}

/** Resident memory in bytes of the process and its descendants. */
export function readResidentBytes(pid: number): number {
  return processTree(pid).reduce(
    (sum, each) => sum + residentBytesOf(readFileSync(`/proc/${each}/status`, 'utf8')),
    0,
  );
}

/** Bytes that a process has read, from the text of `/proc/<pid>/io` (proc_pid_io(5)): `read` on sockets counts. @throws Error when there is no rchar line */
export function receivedBytesOf(ioText: string): number {
  const match = /^rchar: (\d+)$/m.exec(ioText);
  if (match === null) throw new Error('no rchar line');
  return Number(match[1]);
}

/** Bytes read so far by a process; 0 where the kernel keeps no such account or the process has ended. */
export function readReceivedBytes(pid: number): number {
  try {
    return receivedBytesOf(readFileSync(`/proc/${pid}/io`, 'utf8'));
  } catch {
    return 0;
  }
}
