import { beforeEach, expect, it } from 'vitest';
import type { OpenHoldView } from '../../metering/ledger-operations-port.ts';
import { InFlight } from './in-flight.ts';
import { LeakWatch } from './leak-watch.ts';

const GRACE_MS = 1000;
let nowMs = 0;
let open: OpenHoldView[] = [];
let marked: string[] = [];
let told: string[] = [];
let inFlight: InFlight;
let watch: LeakWatch;

function holdOf(
  name: string,
  state: OpenHoldView['state'] = 'dispatched',
  createdAtMs = 0,
): OpenHoldView {
  return {
    holdId: `hold_${name}`,
    state,
    customerId: 'cus_1',
    keyId: 'key_1',
    requestId: `req_${name}`,
    operation: 'text.generate',
    createdAtMs,
    expiresAtMs: null,
    unknownSinceMs: null,
    costNanoUsd: 1n,
    models: [],
    planId: 'pro',
    providerRequestId: null,
    tags: null,
  };
}

beforeEach(() => {
  nowMs = 10_000;
  open = [];
  marked = [];
  told = [];
  inFlight = new InFlight();
  watch = new LeakWatch({
    operations: () => ({
      openHolds: async () => open,
      async markUnknown(holdIds) {
        const known = holdIds.filter((id) => open.some(({ holdId }) => holdId === id));
        marked.push(...known);
        return known;
      },
    }),
    inFlight,
    nowMs: () => nowMs,
    graceMs: GRACE_MS,
    onLeak: (holds) => told.push(holds.map(({ holdId }) => holdId).join()),
  });
});

it('marks what belongs to no call in two rounds, once', async () => {
  open = [holdOf('a'), holdOf('b')];
  inFlight.begin('hold_b');
  expect(await watch.round()).toEqual([]);
  expect((await watch.round()).map(({ holdId }) => holdId)).toEqual(['hold_a']);
  expect(told).toEqual(['hold_a']);
  open = [holdOf('a', 'unknown'), holdOf('b')];
  await watch.round();
  expect(marked).toEqual(['hold_a']);
});

it('never marks a call that is known, however long it takes', async () => {
  open = [holdOf('a')];
  const call = inFlight.begin('hold_a');
  for (let day = 0; day < 30; day += 1) {
    nowMs += 86_400_000;
    await watch.round();
  }
  expect(marked).toEqual([]);
  inFlight.end(call);
  await watch.round();
  await watch.round();
  expect(marked).toEqual(['hold_a']);
});

it('asks every source', async () => {
  const jobs = new Set(['hold_job']);
  inFlight.register((holdId) => jobs.has(holdId));
  open = [holdOf('job')];
  await watch.round();
  await watch.round();
  expect(marked).toEqual([]);
});

it('leaves young holds, held legs of quotes and calls that came back alone', async () => {
  open = [holdOf('young', 'dispatched', nowMs - GRACE_MS + 1), holdOf('quoted', 'held')];
  await watch.round();
  await watch.round();
  expect(marked).toEqual([]);
  open = [holdOf('a')];
  await watch.round();
  const call = inFlight.begin('hold_a');
  await watch.round();
  inFlight.end(call);
  await watch.round();
  expect(marked).toEqual([]);
});

it('tells nothing of a hold that has ended meanwhile', async () => {
  open = [holdOf('a')];
  await watch.round();
  const list = open;
  watch = new LeakWatch({
    operations: () => ({ openHolds: async () => list, markUnknown: async () => [] }),
    inFlight,
    nowMs: () => nowMs,
    graceMs: 0,
    onLeak: () => told.push('told'),
  });
  await watch.round();
  expect(await watch.round()).toEqual([]);
  expect(told).toEqual([]);
});
