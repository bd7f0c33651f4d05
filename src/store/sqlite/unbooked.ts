/**
 * Ends that the ledger would not take, written where the next start finds them: into the emergency file, behind what
 * the writer has put there itself.
 *
 * @module
 */
import type { CallEnd, UnbookedEnds } from '../../metering/unbooked-port.ts';
import { lockDataDir } from './database.ts';
import { deferredRecord, EmergencyJournal } from './emergency-journal.ts';
import { encodeAttempts, encodeRequest } from './row-codec.ts';
import { isStorageFault } from './sqlite-errors.ts';
import type { SettleOrder } from './wire.ts';

function orderOf(end: CallEnd): SettleOrder {
  const { holdId, attempts, request } = end.command;
  return {
    kind: end.type,
    holdId,
    charges: end.type === 'settle' ? end.command.charges : [],
    reason: end.type === 'void' ? end.command.reason : '',
    attemptsText: encodeAttempts(attempts),
    requestText: encodeRequest(request),
    startedAtMs: request.startedAtMs,
  };
}

/** Writes one by one, so that a long one that finds no room keeps no short one out. @returns those left over */
function append(dataDir: string, ends: readonly CallEnd[], nowMs: number): readonly CallEnd[] {
  let left = ends;
  let journal: EmergencyJournal | null = null;
  try {
    journal = new EmergencyJournal(dataDir);
    // Finds the end of what is there.
    journal.read();
    for (const end of ends) {
      if (journal.append([deferredRecord(orderOf(end), nowMs)])) {
        left = left.filter((other) => other !== end);
      }
    }
  } catch (error) {
    if (!isStorageFault(error)) throw error;
  } finally {
    journal?.close();
  }
  return left;
}

/** Only once the writer has let go of the folder, closed or dead. */
export function unbookedOver(dataDir: string, now: () => number): UnbookedEnds {
  return {
    async keep(ends) {
      if (ends.length === 0) return ends;
      const lock = lockDataDir(dataDir);
      try {
        return append(dataDir, ends, now());
      } finally {
        lock.release();
      }
    },
  };
}
