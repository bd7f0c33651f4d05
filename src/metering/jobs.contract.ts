/**
 * What every store of jobs must do. `reopen` is given by stores that survive their process.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobBooking, JobEnding, JobRecord } from './job-port.ts';
import type { MeteringStore } from './ports.ts';
import { quoteCommand, quotedOperation, quotedReserve } from './testing/quote-samples.ts';
import { reserveOf, settleOf, voidOf } from './testing/store-samples.ts';

export interface JobStoreUnderTest {
  readonly store: MeteringStore;
  dispose(): Promise<void>;
  /** Ends the process as a crash would, and opens the store again; absent: it does not survive. */
  readonly reopen?: () => Promise<MeteringStore>;
}

export interface JobStoreSuite {
  readonly name: string;
  /** Whether it judges calls and holds quotes; a store of tests may not. */
  readonly judges: boolean;
  create(clock: () => number): Promise<JobStoreUnderTest>;
}

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-03-10T09:30:00Z');

/** Job `n`, of hold `hold_<n>`. */
export function jobOf(customerId: string, n: number | string): JobRecord {
  return {
    id: `job_${n}`,
    holdId: `hold_${n}`,
    requestId: `req_${n}`,
    customerId,
    keyId: 'key_1',
    operation: 'video.text_to_video',
    modelAsked: 'sim/video',
    provider: 'sim',
    model: 'video',
    simulated: true,
    state: 'queued',
    version: 1,
    progress: null,
    ticket: null,
    parts: [],
    createdAtMs: START_MS,
    sentAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    deadlineAtMs: START_MS + 600_000,
    expiresAtMs: null,
    cancelAskedAtMs: null,
    attempts: [],
    warnings: [],
    tags: { project: 'blog' },
    terms: 'terms',
    outputs: [],
    result: null,
    error: null,
    usage: {},
    costNanoUsd: null,
  };
}

function settled(customerId: string, n: number | string): JobBooking {
  const { charges, attempts, request } = settleOf(reserveOf(customerId, n), START_MS);
  return { type: 'settle', charges, attempts, request };
}

function voided(customerId: string, n: number | string): JobBooking {
  const { reason, attempts, request } = voidOf(reserveOf(customerId, n), START_MS);
  return { type: 'void', reason, attempts, request };
}

function ending(booking: JobBooking, state: JobEnding['state'] = 'succeeded'): JobEnding {
  return {
    state,
    booking,
    outputs: [{ assetId: 'ast_1', type: 'video/mp4', bytes: 7 }],
    result: null,
    error: null,
    usage: { video_clips: 1 },
    costNanoUsd: 4_000_000n,
    warnings: [],
    expiresAtMs: START_MS + DAY_MS,
  };
}

/** Runs the suite. */
export function describeJobs(suite: JobStoreSuite): void {
  describe(`${suite.name} keeps jobs`, () => {
    let nowMs = START_MS;
    let test: JobStoreUnderTest;
    let store: MeteringStore;
    let customerId = '';

    beforeEach(async () => {
      nowMs = START_MS;
      test = await suite.create(() => nowMs);
      ({ store } = test);
      customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    });
    afterEach(() => test.dispose());

    const begin = async (n: number | string): Promise<JobRecord> => {
      const job = jobOf(customerId, n);
      expect(await store.jobs.reserve(reserveOf(customerId, n), job)).toMatchObject({
        type: 'held',
      });
      return job;
    };
    it('finds the job of a call', async () => {
      const job = await begin(1);
      expect(await store.jobs.findByRequest(job.requestId)).toMatchObject({ id: job.id });
      expect(await store.jobs.findByRequest('req_none')).toBeNull();
    });

    it('removes those whose time is over, and nothing that was booked', async () => {
      for (const n of [1, 2, 3]) await begin(n);
      for (const n of [1, 2]) await store.jobs.end(`job_${n}`, ending(settled(customerId, n)));
      expect(await store.jobs.removeExpired(START_MS + DAY_MS - 1, 10)).toBe(0);
      expect(await store.jobs.removeExpired(START_MS + DAY_MS, 1)).toBe(1);
      expect(await store.jobs.removeExpired(START_MS + DAY_MS, 10)).toBe(1);
      expect(await store.jobs.find('job_1')).toBeNull();
      expect(await store.jobs.find('job_3')).not.toBeNull();
      expect(await verify()).toMatchObject({ ok: true, open_holds: 1 });
    });

    const verify = () => store.ledger.verify();
    const page = { customerId: null, state: null, operation: null, limit: 10, cursor: null };

    it('records a job with its hold', async () => {
      const job = await begin(1);
      expect(await store.jobs.find(job.id)).toEqual(job);
      expect(await store.jobs.open()).toEqual([job]);
      expect(await verify()).toMatchObject({ ok: true, open_holds: 1 });
    });

    it('records none without a hold', async (context) => {
      if (!suite.judges) return context.skip('this store admits every call');
      const command = { ...reserveOf(customerId, 1), pricing: 'unpriced_model' as const };
      const answer = await store.jobs.reserve(command, jobOf(customerId, 1));
      expect(answer.type).toBe('refused');
      expect(await store.jobs.find('job_1')).toBeNull();
    });

    it('changes what is open, and counts the changes', async () => {
      const job = await begin(1);
      const ticket = { id: 'p-1', paths: { poll: '/p/1' } };
      const changed = { state: 'running' as const, ticket, progress: 0.25, sentAtMs: 5 };
      expect(await store.jobs.change(job.id, changed)).toEqual({ ...job, ...changed, version: 2 });
      expect(await store.jobs.findByTicket('sim', 'p-1')).toMatchObject({ id: job.id, version: 2 });
      expect(await store.jobs.findByTicket('other', 'p-1')).toBeNull();
      expect(await store.jobs.change('job_none', changed)).toBeNull();
    });

    it('ends a job and its hold once', async () => {
      const job = await begin(1);
      nowMs += 60_000;
      const first = await store.jobs.end(job.id, ending(settled(customerId, 1)));
      expect(first).toMatchObject({
        state: 'succeeded',
        endedAtMs: nowMs,
        costNanoUsd: 4_000_000n,
      });
      expect(await store.jobs.end(job.id, ending(voided(customerId, 1), 'failed'))).toBeNull();
      expect(await store.jobs.change(job.id, { progress: 1 })).toBeNull();
      expect(await store.jobs.find(job.id)).toEqual(first);
      expect(await store.jobs.open()).toEqual([]);
      expect(await verify()).toMatchObject({ ok: true, open_holds: 0 });
      expect(await store.reader.request('req_1')).toMatchObject({ costNanoUsd: 4_000_000n });
    });

    it('ends one of many that end it at once', async () => {
      const job = await begin(1);
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => store.jobs.end(job.id, ending(settled(customerId, 1)))),
      );
      expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
      expect(await verify()).toMatchObject({ ok: true, open_holds: 0 });
    });

    it('releases what was not billed', async () => {
      const job = await begin(1);
      const end = ending(voided(customerId, 1), 'failed');
      expect(await store.jobs.end(job.id, end)).toMatchObject({ state: 'failed' });
      expect(await verify()).toMatchObject({ ok: true, open_holds: 0 });
    });

    it('lets one that is unknown end when its end is learned', async () => {
      const job = await begin(1);
      const lost = { ...ending({ type: 'unknown' }, 'unknown'), costNanoUsd: null };
      expect(await store.jobs.end(job.id, lost)).toMatchObject({ state: 'unknown' });
      expect(await store.jobs.open()).toEqual([]);
      const end = ending(settled(customerId, 1));
      expect(await store.jobs.end(job.id, end)).toMatchObject({ state: 'succeeded' });
      expect(await store.jobs.end(job.id, end)).toBeNull();
      expect(await verify()).toMatchObject({ ok: true, open_holds: 0 });
    });

    it('lists newest first, by customer, state and operation', async () => {
      for (const n of [1, 2, 3]) await begin(n);
      await store.jobs.end('job_2', ending(settled(customerId, 2)));
      const ids = async (query: Partial<typeof page> | { state: 'queued' }): Promise<string[]> =>
        (await store.jobs.list({ ...page, ...query })).data.map(({ id }) => id);
      expect(await ids({})).toEqual(['job_3', 'job_2', 'job_1']);
      expect(await ids({ state: 'queued' })).toEqual(['job_3', 'job_1']);
      expect(await ids({ operation: 'video.*' as never })).toHaveLength(3);
      expect(await ids({ operation: 'image.*' as never })).toEqual([]);
      expect(await ids({ customerId: 'cus_other' as never })).toEqual([]);
      const first = await store.jobs.list({ ...page, limit: 2 });
      const second = await store.jobs.list({ ...page, limit: 2, cursor: first.nextCursor });
      expect(second).toMatchObject({ data: [{ id: 'job_1' }], nextCursor: null });
      const after = (cursor: string) => store.jobs.list({ ...page, cursor: `after:${cursor}` });
      expect((await after('job_2')).data.map(({ id }) => id)).toEqual(['job_1']);
      expect((await after('job_none')).data).toEqual([]);
    });

    it('removes from sight what has ended, and that alone', async () => {
      const job = await begin(1);
      expect(await store.jobs.remove(job.id)).toBe(false);
      await store.jobs.end(job.id, ending(settled(customerId, 1)));
      expect(await store.jobs.remove(job.id)).toBe(true);
      expect(await store.jobs.remove(job.id)).toBe(false);
      expect(await store.jobs.find(job.id)).toBeNull();
      expect((await store.jobs.list(page)).data).toEqual([]);
    });

    it('takes the hold out of a quote', async (context) => {
      if (!suite.judges) return context.skip('this store has no quotes');
      const operations = [quotedOperation('qt_1', 'a')];
      await store.quotes.create(quoteCommand(customerId, 'qt_1', operations));
      const command = quotedReserve(customerId, 'qt_1', 1);
      const job = jobOf(customerId, 1);
      const answer = await store.jobs.reserveQuoted(command, job);
      expect(answer.type).toBe('held');
      expect(await store.jobs.find(job.id)).toEqual(job);
      const used = quotedReserve(customerId, 'qt_1', 2);
      expect(await store.jobs.reserveQuoted(used, jobOf(customerId, 2))).toMatchObject({
        type: 'no_leg',
      });
      expect(await store.jobs.find('job_2')).toBeNull();
    });

    it('keeps open jobs and their holds over a crash', async (context) => {
      const { reopen } = test;
      if (reopen === undefined) return context.skip('this store does not survive its process');
      const job = await begin(1);
      await store.ledger.reserve(reserveOf(customerId, 'call'));
      store = await reopen();
      expect(await store.jobs.open()).toEqual([job]);
      const holds = await store.ledgerOperations.openHolds();
      const states = Object.fromEntries(holds.map(({ holdId, state }) => [holdId, state]));
      expect(states).toEqual({ hold_1: 'dispatched', hold_call: 'unknown' });
      expect(await store.jobs.end(job.id, ending(settled(customerId, 1)))).not.toBeNull();
      expect(await verify()).toMatchObject({ ok: true, open_holds: 1 });
    });
  });
}
