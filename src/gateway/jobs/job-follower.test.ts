/**
 * Following over minutes and hours, with the clock of the test: providers that fail for long, work that never ends, and a disk
 * that is full for a while.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SlotTable } from '../../collections/slot-table.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { JobProtocol, JobReading } from '../../contracts/job-provider.ts';
import { providerFailure } from '../../contracts/provider-failure.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { HeadFields } from '../../http/head-fields.ts';
import type { ReplySink } from '../../http/upstream.ts';
import { noRoom } from '../../media/storage-error.ts';
import type { JobChange, JobEnding, JobRecord } from '../../metering/job-port.ts';
import { jobOf } from '../../metering/jobs.contract.ts';
import type { Gateway } from '../gateway.ts';
import { JobFollower } from './job-follower.ts';
import { JobListeners } from './job-listeners.ts';
import { freezeTerms } from './job-terms.ts';
import { Slots } from './slots.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.parse('2026-03-10T09:30:00Z');

const pending: JobReading = {
  type: 'pending',
  stage: 'running',
  progress: null,
  ticket: null,
  waitMs: null,
};
const finished: JobReading = {
  type: 'succeeded',
  result: {
    outputs: [
      {
        bytes: Buffer.from('clip'),
        url: null,
        needsCredential: false,
        mediaType: 'video/mp4',
        isFlagged: null,
      },
    ],
    transcript: null,
    facts: null,
  },
};

/** Polls answer with what stands in `world.reading` at that moment. */
const protocol: JobProtocol = {
  pollEveryMs: { min: 500, usual: 2_000 },
  poll: () => ({ method: 'GET', path: '/poll', headers: {}, body: null }),
  readPoll: (_ticket, reply) => JSON.parse(reply.body.toString('utf8'), reviveBytes) as JobReading,
  cancel: () => ({ method: 'POST', path: '/cancel', headers: {}, body: null }),
};

function reviveBytes(_name: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'data' in value && 'type' in value;
  return isBytes ? Buffer.from(value.data as number[]) : value;
}

class World {
  status = 200;
  reading: JobReading = pending;
  receives: () => Promise<void> = () => Promise.resolve();
  /** Called while a question is on its way. */
  onAsked: () => void = () => undefined;
  readonly asked: { readonly path: string; readonly atMs: number }[] = [];
  readonly kept: string[] = [];
  readonly ends: JobEnding[] = [];
  job: JobRecord = {
    ...jobOf('cus_1', 1),
    ticket: { id: 'work', paths: {} },
    state: 'running',
    sentAtMs: START_MS,
    deadlineAtMs: START_MS + HOUR_MS,
    terms: freezeTerms({
      price: null,
      isPinned: false,
      planId: null,
      dimensions: {},
      spec: { operation: 'video.text_to_video', video: { n: 1 } },
      facts: { usage: { video_clips: 1 }, modelServed: null, dimensions: {} },
      mark: null,
    }),
  };

  #call(request: WireRequest, sink: ReplySink): { cancel(): void } {
    this.asked.push({ path: request.path, atMs: Date.now() });
    this.onAsked();
    queueMicrotask(() => {
      sink.onHead(this.status, HeadFields.NONE);
      sink.onData(Buffer.from(JSON.stringify(this.reading)));
      sink.onEnd();
    });
    return { cancel: () => undefined };
  }

  gateway(): Gateway {
    const definition = {
      id: 'sim',
      jobs: protocol,
      readError: ({ status }: { readonly status: number }) =>
        providerFailure({ kind: 'server_error', status, message: 'Out of order.' }),
    };
    const provider = { definition, baseUrl: 'http://sim', credential: null, settings: {} };
    return {
      clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
      random: () => 0.5,
      review: null,
      recorder: { fault: () => undefined, requestEnded: () => undefined },
      settings: { maxReplyBytes: 1024 * 1024, generatedBy: null, jobs: { keepMs: null } },
      providers: new Map([['sim', provider]]),
      directory: { keyById: () => null, customer: () => null },
      wheel: {
        after: (ms: number, then: () => void) => {
          const timer = setTimeout(then, ms);
          return { cancel: () => clearTimeout(timer) };
        },
      },
      upstream: {
        call: (_base: string, request: WireRequest, sink: ReplySink) => this.#call(request, sink),
      },
      assets: {
        maxBytes: 1024,
        keptMs: () => Promise.resolve(null),
        receive: async () => {
          await this.receives();
          return { kind: 'video', bytes: 4 };
        },
        keep: () => {
          this.kept.push('ast_1');
          return Promise.resolve({ id: 'ast_1', type: 'video/mp4', bytes: 4 });
        },
      },
      store: {
        jobs: {
          change: (_id: string, change: JobChange) => {
            this.job = { ...this.job, ...change, version: this.job.version + 1 };
            return Promise.resolve(this.job);
          },
          end: (_id: string, ending: JobEnding) => {
            this.ends.push(ending);
            return Promise.resolve({ ...this.job, ...ending });
          },
        },
      },
    } as unknown as Gateway;
  }

  follow(): Promise<void> {
    return this.follower().run(null);
  }

  follower(): JobFollower {
    const context = {
      gateway: this.gateway(),
      listeners: new JobListeners(),
      interrupts: new SlotTable<() => void>(),
      closing: new AbortController().signal,
    };
    const slots = { polls: new Slots(4), downloads: new Slots(2) };
    return new JobFollower(context, slots, this.job);
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a provider that answers with errors for minutes', () => {
  it('is asked ever more slowly, and then as before', async () => {
    const following = world.follow();
    world.status = 503;
    await vi.advanceTimersByTimeAsync(8 * MINUTE_MS);
    expect(world.ends).toEqual([]);
    const waits = world.asked.slice(1).map(({ atMs }, at) => atMs - (world.asked[at]?.atMs ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(36 * SECOND_MS);
    expect(waits.at(-1)).toBeGreaterThan(waits[0] ?? 0);
    expect(world.asked.length).toBeLessThan(40);
    world.status = 200;
    world.reading = finished;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    await following;
    expect(world.ends).toMatchObject([{ state: 'succeeded', outputs: [{ assetId: 'ast_1' }] }]);
  });
});

describe('a message', () => {
  it('is heard that comes while a question is on its way', async () => {
    const follower = world.follower();
    world.status = 503;
    world.onAsked = () => {
      world.onAsked = () => undefined;
      follower.tell(finished);
    };
    const following = follower.run(null);
    await vi.advanceTimersByTimeAsync(10 * SECOND_MS);
    await following;
    expect(world.ends).toMatchObject([{ state: 'succeeded' }]);
    expect(world.asked).toHaveLength(1);
  });
});

describe('the deadline', () => {
  it('ends work that never ends, once it was stopped and asked for a last time', async () => {
    const following = world.follow();
    await vi.advanceTimersByTimeAsync(HOUR_MS + MINUTE_MS);
    await following;
    expect(world.ends).toMatchObject([
      {
        state: 'expired',
        booking: { type: 'unknown' },
        error: { code: 'provider_timeout' },
        costNanoUsd: null,
      },
    ]);
    const paths = world.asked.slice(-2).map(({ path }) => path);
    expect(paths).toEqual(['/cancel', '/poll']);
    expect(world.asked.at(-1)?.atMs).toBe(START_MS + HOUR_MS);
  });

  it('still takes what was ready by then', async () => {
    const following = world.follow();
    await vi.advanceTimersByTimeAsync(HOUR_MS - 1);
    world.reading = finished;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    await following;
    expect(world.ends).toMatchObject([{ state: 'succeeded' }]);
  });
});

describe('a full disk', () => {
  beforeEach(() => {
    world.reading = finished;
    world.receives = () => Promise.reject(noRoom());
  });

  it('leaves the result where it is until there is room again', async () => {
    const following = world.follow();
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect(world.ends).toEqual([]);
    world.receives = () => Promise.resolve();
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    await following;
    expect(world.ends).toMatchObject([{ state: 'succeeded', outputs: [{ assetId: 'ast_1' }] }]);
    expect(world.kept).toHaveLength(1);
  });

  it('until the deadline: then the job has failed, and what was made is charged', async () => {
    const following = world.follow();
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    await following;
    expect(world.ends).toMatchObject([
      { state: 'failed', booking: { type: 'settle' }, usage: { video_clips: 1 }, outputs: [] },
    ]);
  });

  it('is no excuse for what is no file', async () => {
    world.receives = () =>
      Promise.reject(new GatewayError('unsupported_media_type', { message: 'It is a page.' }));
    const following = world.follow();
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS);
    await following;
    expect(world.ends).toMatchObject([{ state: 'failed', error: { code: 'provider_error' } }]);
  });
});
