import { afterEach, beforeEach, expect, it } from 'vitest';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import type { Ledger, Settled } from '../../metering/ports.ts';
import type { CallEnd } from '../../metering/unbooked-port.ts';
import { Bookings } from './bookings.ts';

type Reply = 'booked' | 'refused' | 'lost' | 'not_found' | 'broken';

const SETTLED: Settled = { type: 'settled', replayed: false, overrunNanoUsd: 0n };

/** A ledger that books one end a hold, and does with each command what its script says; then all is well. */
class ScriptedLedger implements Pick<Ledger, 'settle' | 'void'> {
  readonly script: Reply[] = [];
  /** What is answered once the script is over. */
  rest: Reply = 'booked';
  readonly booked: string[] = [];
  commands = 0;
  readonly refusedHolds = new Set<string>();

  settle({ holdId }: { readonly holdId: string }): Promise<Settled> {
    return this.#end(holdId);
  }

  void({ holdId }: { readonly holdId: string }): Promise<Settled> {
    return this.#end(holdId);
  }

  async #end(holdId: string): Promise<Settled> {
    this.commands += 1;
    const reply = this.refusedHolds.has(holdId) ? 'refused' : (this.script.shift() ?? this.rest);
    const replayed = this.booked.includes(holdId);
    if ((reply === 'booked' || reply === 'lost') && !replayed) this.booked.push(holdId);
    switch (reply) {
      case 'booked':
        return { ...SETTLED, replayed };
      case 'not_found':
        throw new GatewayError('not_found', { message: 'no such hold' });
      case 'broken':
        throw new TypeError('a fault of our own');
      default:
        throw new GatewayError('metering_unavailable', { message: 'no' });
    }
  }
}

let nowMs = 0;
let ledger: ScriptedLedger;
let told: string[] = [];
let bookings: Bookings;

function endOf(name: string): CallEnd {
  const command = reserveOf('cus_1', name);
  return { type: 'settle', command: settleOf(command, nowMs) };
}

function keep(name: string): void {
  const error = new GatewayError('metering_unavailable', { message: 'no' });
  bookings.keep(endOf(name), error, () => told.push(`${name} done`));
}

beforeEach(() => {
  nowMs = 0;
  ledger = new ScriptedLedger();
  told = [];
  bookings = new Bookings({
    ledger: () => ledger,
    monotonicMs: () => nowMs,
    random: () => 1,
    capacity: 3,
    report: {
      kept: ({ command }) => told.push(`${command.holdId} kept`),
      booked: ({ command }) => told.push(`${command.holdId} booked`),
      unknown: ({ command }) => told.push(`${command.holdId} unknown`),
    },
  });
});
afterEach(async () => {
  await bookings.close(0);
});

const same = <Value>(value: Value): Value => value;

it('repeats what the store refuses for a caller who waits', async () => {
  ledger.script.push('refused', 'refused');
  expect(await bookings.book(endOf('a'), same)).toEqual(SETTLED);
  expect(ledger).toMatchObject({ booked: ['hold_a'], commands: 3 });
});

it('finds what was booked when only the answer was lost', async () => {
  ledger.script.push('lost');
  expect(await bookings.book(endOf('a'), same)).toEqual({ ...SETTLED, replayed: true });
  expect(ledger.booked).toEqual(['hold_a']);
});

it('ends its patience, and repeats no fault of its own', async () => {
  ledger.rest = 'refused';
  await expect(bookings.book(endOf('a'), same)).rejects.toMatchObject({
    code: 'metering_unavailable',
  });
  expect(ledger.commands).toBe(4);
  ledger.rest = 'broken';
  await expect(bookings.book(endOf('b'), same)).rejects.toThrow('a fault of our own');
  expect(ledger.commands).toBe(5);
});

it('books what waits once, with waits that grow', async () => {
  ledger.rest = 'lost';
  keep('a');
  expect(bookings).toMatchObject({ waiting: 1, isFull: false });
  expect(bookings.has('hold_a')).toBe(true);
  const attemptsAtMs: number[] = [];
  for (nowMs = 0; nowMs < 120_000; nowMs += 50) {
    const before = ledger.commands;
    await bookings.round();
    if (ledger.commands > before) attemptsAtMs.push(nowMs);
  }
  expect(attemptsAtMs).toEqual([250, 750, 1750, 3750, 7750, 15_750, 31_750, 61_750, 91_750]);
  expect(bookings.oldestMs).toBe(120_000);
  ledger.rest = 'booked';
  nowMs += 30_000;
  await bookings.round();
  await bookings.round();
  expect(bookings.waiting).toBe(0);
  expect(ledger.booked).toEqual(['hold_a']);
  expect(told).toEqual(['hold_a kept', 'hold_a booked', 'a done']);
});

it('is full at its capacity, and still takes what runs', () => {
  for (const name of ['a', 'b', 'c']) keep(name);
  expect(bookings.isFull).toBe(true);
  keep('d');
  expect(bookings.waiting).toBe(4);
});

it('asks a store that is down a few times a round, and lets none that it cannot take keep out the others', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) keep(name);
  for (const name of ['a', 'b', 'c']) ledger.refusedHolds.add(`hold_${name}`);
  nowMs = 1000;
  await bookings.round();
  expect(ledger.commands).toBe(3);
  await bookings.round();
  expect(ledger.booked).toEqual(['hold_d', 'hold_e']);
  expect(bookings.waiting).toBe(3);
});

it('gives up an end whose hold nobody knows', async () => {
  keep('a');
  ledger.rest = 'not_found';
  nowMs = 1000;
  await bookings.round();
  expect(told).toEqual(['hold_a kept', 'hold_a unknown']);
  expect(bookings.waiting).toBe(0);
});

it('books a release as well', async () => {
  const command = voidOf(reserveOf('cus_1', 'a'), 0);
  bookings.keep({ type: 'void', command }, null, () => told.push('a done'));
  nowMs = 1000;
  await bookings.round();
  expect(told.at(-1)).toBe('a done');
});

it('hands back at the end what the store never took', async () => {
  keep('a');
  keep('b');
  ledger.refusedHolds.add('hold_b');
  const left = bookings.close(150);
  // Real time passes between the rounds of a shutdown.
  const clock = setInterval(() => {
    nowMs += 100;
  }, 5);
  expect((await left).map(({ command }) => command.holdId)).toEqual(['hold_b']);
  clearInterval(clock);
  expect(ledger.booked).toEqual(['hold_a']);
});
