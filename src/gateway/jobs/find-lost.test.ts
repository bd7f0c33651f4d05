/**
 * Looking for lost submissions, with the clock of the test and a provider whose list is scripted.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SlotTable } from '../../collections/slot-table.ts';
import type { JobLookUp, ProviderTicket } from '../../contracts/job-provider.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { HeadFields } from '../../http/head-fields.ts';
import type { ReplySink } from '../../http/upstream.ts';
import type { JobRecord } from '../../metering/job-port.ts';
import { jobOf } from '../../metering/jobs.contract.ts';
import type { Gateway } from '../gateway.ts';
import { findLost } from './find-lost.ts';
import { JobListeners } from './job-listeners.ts';
import type { JobOutcome } from './job-settlement.ts';
import { freezeTerms } from './job-terms.ts';
import { Slots } from './slots.ts';

const START_MS = Date.parse('2026-03-10T09:30:00Z');
const SUBMIT_TIMEOUT_MS = 60_000;
const TICKET: ProviderTicket = { id: 'work', paths: {} };

type Page = ProviderTicket | 'none' | 'unclear';

/** What every page of the list says; the provider is asked for one after the other. */
let pages: readonly Page[] = ['none'];
let asked = 0;
let ends: JobOutcome[] = [];

const lookUp: JobLookUp = {
  mark: (request) => ({ request, mark: 'mark' }),
  request: () => ({ method: 'GET', path: '/0', headers: {}, body: null }),
  next: (_lost, { number }) =>
    number < pages.length ? { method: 'GET', path: `/${number}`, headers: {}, body: null } : null,
  read: (_lost, reply) => pages[Number(reply.body.toString('utf8'))] ?? 'none',
};

function gateway(): Gateway {
  const definition = { id: 'sim', jobs: { lookUp } };
  const provider = { definition, baseUrl: 'http://sim', credential: null, settings: {} };
  return {
    clock: { nowMs: () => Date.now() },
    settings: { maxReplyBytes: 1024, jobs: { submitTimeoutMs: SUBMIT_TIMEOUT_MS } },
    providers: new Map([['sim', provider]]),
    wheel: { after: () => ({ cancel: () => undefined }) },
    upstream: {
      call: (_base: string, { path }: WireRequest, sink: ReplySink) => {
        asked += 1;
        queueMicrotask(() => {
          sink.onHead(200, HeadFields.NONE);
          sink.onData(Buffer.from(path.slice(1)));
          sink.onEnd();
        });
        return { cancel: () => undefined };
      },
    },
  } as unknown as Gateway;
}

function lostAt(sentAtMs: number, deadlineAtMs = START_MS + 3_600_000): JobRecord {
  const terms = freezeTerms({
    price: null,
    isPinned: false,
    planId: null,
    dimensions: {},
    spec: { operation: 'video.text_to_video', video: { n: 1 } },
    facts: null,
    mark: 'mark',
  });
  return { ...jobOf('cus_1', 1), sentAtMs, deadlineAtMs, terms };
}

async function look(job: JobRecord, forMs: number): Promise<JobRecord | null | 'looks'> {
  const context = {
    gateway: gateway(),
    listeners: new JobListeners(),
    interrupts: new SlotTable<() => void>(),
    closing: new AbortController().signal,
    part: {
      change: (change: object) => Promise.resolve({ ...job, ...change }),
      end: (outcome: JobOutcome) => void ends.push(outcome),
    },
  };
  let found: JobRecord | null | 'looks' = 'looks';
  void findLost(context, job, new Slots(1)).then((result) => {
    found = result;
  });
  await vi.advanceTimersByTimeAsync(forMs);
  return found;
}

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  pages = ['none'];
  asked = 0;
  ends = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe('work that the list does not have', () => {
  it('is looked for until the list cannot be behind any more, and was never sent', async () => {
    expect(await look(lostAt(START_MS), 4_000)).toBe('looks');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ends).toMatchObject([{ state: 'failed', billable: 'no' }]);
  });

  it('is believed at once where it was sent long ago: processes may live shortly', async () => {
    await look(lostAt(START_MS - SUBMIT_TIMEOUT_MS - 5_000), 0);
    expect(asked).toBe(1);
    expect(ends).toMatchObject([{ state: 'failed', billable: 'no' }]);
  });

  it('costs nothing although its time is over', async () => {
    await look(lostAt(START_MS - 7_200_000, START_MS - 3_600_000), 0);
    expect(ends).toMatchObject([{ state: 'failed', billable: 'no' }]);
  });
});

describe('a list of several pages', () => {
  it('has the work on any of them', async () => {
    pages = ['none', 'none', TICKET];
    expect(await look(lostAt(START_MS), 0)).toMatchObject({ ticket: TICKET });
    expect(asked).toBe(3);
  });

  it('may have it twice, since lists move while they are read', async () => {
    pages = [TICKET, TICKET];
    expect(await look(lostAt(START_MS), 0)).toMatchObject({ ticket: TICKET });
  });

  it.each<[string, readonly Page[]]>([
    ['two that could be it', [TICKET, { id: 'other', paths: {} }]],
    ['a page that is not clear', ['none', 'unclear']],
    ['no end', Array.from({ length: 60 }, () => 'none' as const)],
  ])('tells nothing with %s', async (_, script) => {
    pages = script;
    await look(lostAt(START_MS - SUBMIT_TIMEOUT_MS - 5_000), 0);
    expect(ends).toMatchObject([{ state: 'unknown', billable: 'unknown' }]);
    expect(asked).toBeLessThanOrEqual(50);
  });
});

it('work that is found after its time is followed to its end all the same', async () => {
  pages = [TICKET];
  const late = lostAt(START_MS - 7_200_000, START_MS - 3_600_000);
  expect(await look(late, 0)).toMatchObject({ ticket: TICKET });
});
