import { beforeEach, expect, it } from 'vitest';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { EndHoldCommand, OpenHoldView } from '../../metering/ledger-operations-port.ts';
import type { Charge, SettleCommand } from '../../metering/ports.ts';
import type { Verdict } from './ask-providers.ts';
import { UnknownHolds } from './unknown-holds.ts';

const MINUTE_MS = 60_000;
const LOOK_UP_FOR_MS = 60 * MINUTE_MS;
const CHARGES: readonly Charge[] = [{ model: 'sim/chat', amounts: { cost_usd: 5n } }];

let nowMs = 0;
let open: OpenHoldView[] = [];
let estimated: OpenHoldView[] = [];
let verdict: Verdict = { type: 'later' };
let asked: number[] = [];
let ended: EndHoldCommand[] = [];
let settled: SettleCommand[] = [];
let told: string[] = [];
let refuses: Error | null = null;
let holds: UnknownHolds;

const HOLD: OpenHoldView = {
  holdId: 'hold_a',
  state: 'unknown',
  customerId: 'cus_1',
  keyId: 'key_1',
  requestId: 'req_a',
  operation: 'text.generate',
  createdAtMs: 0,
  expiresAtMs: null,
  unknownSinceMs: 0,
  costNanoUsd: 10n,
  models: ['sim/chat'],
  planId: 'pro',
  providerRequestId: null,
  tags: null,
};

/** What the policy does in the store. */
function endByPolicy(): void {
  estimated = open;
  open = [];
}

async function rounds(forMs: number): Promise<void> {
  for (const untilMs = nowMs + forMs; nowMs < untilMs; nowMs += 1000) await holds.round();
}

function holdsFor(lookUpForMs: number): UnknownHolds {
  return new UnknownHolds({
    store: () => ({
      ledger: {
        async settle(command) {
          settled.push(command);
          return { type: 'settled', replayed: false, overrunNanoUsd: 0n };
        },
      },
      ledgerOperations: {
        openHolds: async () => open,
        estimatedHolds: async () => estimated.map((hold) => ({ hold, estimatedAtMs: 0 })),
        async endUnknown(command) {
          if (refuses !== null) throw refuses;
          ended.push(command);
          open = [];
          const type = command.outcome.type === 'release' ? 'voided' : 'settled';
          return { type, replayed: false, overrunNanoUsd: 0n };
        },
        async forgetEstimated(holdIds) {
          estimated = estimated.filter(({ holdId }) => !holdIds.includes(holdId));
        },
      },
    }),
    async ask() {
      asked.push(nowMs);
      return verdict;
    },
    nowMs: () => nowMs,
    lookUpForMs,
    notFoundAfterMs: 2 * MINUTE_MS,
    onResult: ({ holdId }, result) => told.push(`${holdId} ${result}`),
    onFault: (error) => told.push(String(error)),
  });
}

beforeEach(() => {
  nowMs = 0;
  open = [HOLD];
  estimated = [];
  verdict = { type: 'later' };
  asked = [];
  ended = [];
  settled = [];
  told = [];
  refuses = null;
  holds = holdsFor(LOOK_UP_FOR_MS);
});

it('books what the provider billed, once', async () => {
  verdict = { type: 'billed', charges: CHARGES };
  await rounds(10_000);
  expect(ended).toMatchObject([
    { holdId: 'hold_a', outcome: { type: 'settle', charges: CHARGES }, by: 'provider' },
  ]);
  expect(told).toEqual(['hold_a settled']);
  expect(asked).toEqual([0]);
});

it('releases what the provider says it did not bill', async () => {
  verdict = { type: 'not_billed' };
  await holds.round();
  expect(ended).toMatchObject([{ outcome: { type: 'release' }, by: 'provider' }]);
  expect(told).toEqual(['hold_a voided']);
});

it('takes no record for proof only once records have caught up', async () => {
  verdict = { type: 'not_found' };
  await rounds(2 * MINUTE_MS - 1);
  expect(ended).toEqual([]);
  await rounds(2 * MINUTE_MS);
  expect(told).toEqual(['hold_a voided']);
});

it('asks again with waits that grow', async () => {
  await rounds(5 * MINUTE_MS);
  expect(asked).toEqual([0, 15_000, 45_000, 105_000, 225_000]);
});

it('corrects the estimate of the policy when the provider answers after it', async () => {
  await rounds(MINUTE_MS);
  endByPolicy();
  await rounds(MINUTE_MS);
  verdict = { type: 'billed', charges: CHARGES };
  await rounds(10 * MINUTE_MS);
  expect(settled).toMatchObject([{ holdId: 'hold_a', charges: CHARGES }]);
  expect(settled[0]?.request).toMatchObject({
    requestId: 'req_a',
    costNanoUsd: 5n,
    estimated: false,
  });
  expect(told).toEqual(['hold_a corrected']);
  expect(estimated).toEqual([]);
});

it('takes the estimate back where nothing was billed', async () => {
  endByPolicy();
  verdict = { type: 'not_billed' };
  await holds.round();
  expect(settled).toMatchObject([{ charges: [], request: { costNanoUsd: 0n } }]);
});

it('leaves to the policy what cannot be asked, and lets its estimate stand', async () => {
  verdict = { type: 'cannot' };
  await rounds(10 * MINUTE_MS);
  expect(asked).toHaveLength(1);
  expect(told).toEqual([]);
  endByPolicy();
  await rounds(MINUTE_MS);
  expect(told).toEqual(['hold_a given_up']);
  expect(estimated).toEqual([]);
});

it('gives up in the end', async () => {
  await rounds(MINUTE_MS);
  endByPolicy();
  await rounds(3 * LOOK_UP_FOR_MS);
  expect(told).toEqual(['hold_a given_up']);
});

it('tells a fault and goes on asking', async () => {
  verdict = { type: 'billed', charges: CHARGES };
  refuses = new GatewayError('metering_unavailable', { message: 'no' });
  await holds.round();
  expect(told).toEqual(['GatewayError: no']);
  refuses = new GatewayError('not_found', { message: 'ended meanwhile' });
  await rounds(MINUTE_MS);
  expect(told).toHaveLength(1);
  refuses = null;
  await rounds(10 * MINUTE_MS);
  expect(told.at(-1)).toBe('hold_a settled');
});

it('asks nobody where it is told not to, and of no hold whose call is known', async () => {
  holds = holdsFor(0);
  await rounds(10_000);
  holds = holdsFor(LOOK_UP_FOR_MS);
  open = [{ ...HOLD, state: 'dispatched' }];
  await rounds(10_000);
  expect(asked).toEqual([]);
});
