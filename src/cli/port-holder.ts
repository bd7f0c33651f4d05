/**
 * Who listens on a port, from `/proc` (Linux): no other program is started for it.
 * https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
 *
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

const LISTEN = '0A';
/** Processes and descriptors looked at; a machine with more gets the answer without a name. */
const LOOKED_AT_MAX = 200_000;

export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

/** Inodes of the sockets that listen on a port, from the text of `/proc/net/tcp` or `tcp6`. */
export function listeningInodes(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === LISTEN && local.endsWith(`:${hexPort}`))
    .flatMap((fields) => fields.slice(9, 10));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Processes of other users keep their descriptors to themselves, and any may end meanwhile.
    return [];
  }
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/**
 * `node main.ts` from `/proc/<pid>/cmdline`, whose arguments end with NUL: the program and the script it was given.
 * Further arguments are nobody's business; they may hold secrets.
 */
export function programName(commandLine: string): string {
  const [program = '', script = ''] = commandLine.split('\0');
  const name = basename(program);
  if (name === '') return 'a program';
  return /\.(?:[cm]?[jt]s|py|rb)$/.test(script) ? `${name} ${basename(script)}` : name;
}

/** The process that listens on a port; null where the system does not tell. */
export function findPortHolder(port: number): PortHolder | null {
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((path) => listeningInodes(readText(path), port))
      .map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return null;
  let lookedAt = 0;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of entries(`/proc/${pid}/fd`)) {
      lookedAt += 1;
      if (lookedAt > LOOKED_AT_MAX) return null;
      if (!sockets.has(target(`/proc/${pid}/fd/${descriptor}`))) continue;
      return { pid: Number(pid), name: programName(readText(`/proc/${pid}/cmdline`)) };
    }
  }
  return null;
}
