/**
 * Durable jobs in memory, for tests of the control plane: whatever is asked for is held.
 *
 * @module
 */
import {
  isEnded,
  type JobBooking,
  type JobEnding,
  type JobQuery,
  type JobRecord,
  type Jobs,
} from '../../../metering/job-port.ts';
import type { Held, Ledger, Page, Refused, ReserveCommand } from '../../../metering/ports.ts';

async function book(ledger: Ledger, holdId: string, booking: JobBooking): Promise<void> {
  if (booking.type === 'unknown') return;
  if (booking.type === 'settle') await ledger.settle({ holdId, ...booking });
  else await ledger.void({ holdId, ...booking });
}

function pageOf(jobs: readonly JobRecord[], query: JobQuery): Page<JobRecord> {
  const { customerId, state, operation, limit, cursor } = query;
  const prefix = operation?.endsWith('*') === true ? operation.slice(0, -1) : null;
  const all = jobs
    .filter(
      (job) =>
        (customerId === null || job.customerId === customerId) &&
        (state === null || job.state === state) &&
        (operation === null ||
          (prefix === null ? job.operation === operation : job.operation.startsWith(prefix))),
    )
    .toReversed();
  const after = cursor?.startsWith('after:') === true ? cursor.slice('after:'.length) : null;
  const place = all.findIndex(({ id }) => id === after);
  const from =
    cursor === null ? 0 : after === null ? Number(cursor) : place < 0 ? all.length : place + 1;
  const isMore = from + limit < all.length;
  return {
    data: all.slice(from, from + limit),
    nextCursor: isMore ? String(from + limit) : null,
  };
}

export function createFakeJobs(ledger: Ledger, now: () => number): Jobs {
  const jobs = new Map<string, JobRecord>();
  const removed = new Set<string>();
  const seen = (): readonly JobRecord[] => [...jobs.values()].filter(({ id }) => !removed.has(id));
  const write = (job: JobRecord, change: Partial<JobRecord>): JobRecord => {
    const next = { ...job, ...change, version: job.version + 1 };
    jobs.set(job.id, next);
    return next;
  };
  const reserve = async (command: ReserveCommand, job: JobRecord): Promise<Held | Refused> => {
    const answer = await ledger.reserve(command);
    if (answer.type === 'held') jobs.set(job.id, job);
    return answer;
  };
  return {
    reserve,
    reserveQuoted: reserve,
    async change(id, change) {
      const job = jobs.get(id);
      return job === undefined || isEnded(job.state) ? null : write(job, change);
    },
    async end(id, { booking, ...end }: JobEnding) {
      const job = jobs.get(id);
      if (job === undefined || (isEnded(job.state) && job.state !== 'unknown')) return null;
      const ended = write(job, { ...end, endedAtMs: now() });
      await book(ledger, job.holdId, booking);
      return ended;
    },
    open: async () => [...jobs.values()].filter(({ state }) => !isEnded(state)),
    find: async (id) => (removed.has(id) ? null : (jobs.get(id) ?? null)),
    findByRequest: async (requestId) => seen().find((job) => job.requestId === requestId) ?? null,
    findByTicket: async (provider, ticketId) =>
      [...jobs.values()].find((job) => job.provider === provider && job.ticket?.id === ticketId) ??
      null,
    list: async (query) => pageOf(seen(), query),
    async removeExpired(nowMs, limit) {
      const expired = [...jobs.values()].filter(
        ({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs,
      );
      const dropped = expired.slice(0, limit);
      for (const { id } of dropped) jobs.delete(id);
      return dropped.length;
    },
    async remove(id) {
      const job = jobs.get(id);
      if (job === undefined || removed.has(id) || !isEnded(job.state)) return false;
      removed.add(id);
      return true;
    },
  };
}
