import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import { deferredRecord, EmergencyJournal, readDeferredOrder } from './emergency-journal.ts';

const BYTES = 4096;
let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-emergency-'));
  file = join(directory, 'settlements.journal');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it('owns its space from the start and never grows', () => {
  const journal = new EmergencyJournal(directory, { bytes: BYTES });
  expect(statSync(file).size).toBe(BYTES);
  expect(statSync(file).blocks * 512).toBeGreaterThanOrEqual(BYTES);
  let appended = 0;
  while (journal.append([{ n: appended }])) appended += 1;
  expect(appended).toBeGreaterThan(50);
  expect(statSync(file).size).toBe(BYTES);
  expect(journal.read()).toHaveLength(appended);
  journal.close();
});

it('gives back what was appended, after a restart too, until it is cleared', () => {
  const first = new EmergencyJournal(directory, { bytes: BYTES });
  expect(first.read()).toEqual([]);
  first.append([{ n: 1 }, { n: 2 }]);
  first.append([{ n: 3 }]);
  first.close();
  const second = new EmergencyJournal(directory, { bytes: BYTES });
  expect(second.read()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  second.append([{ n: 4 }]);
  expect(second.read()).toHaveLength(4);
  second.clear();
  expect(second.read()).toEqual([]);
  second.append([{ n: 5 }]);
  expect(second.read()).toEqual([{ n: 5 }]);
  second.close();
});

it('ends at a record that a crash left half written', () => {
  const journal = new EmergencyJournal(directory, { bytes: BYTES });
  journal.append([{ text: 'whole' }, { text: 'torn' }]);
  journal.close();
  const at = readFileSync(file).indexOf('torn');
  writeSync(openSync(file, 'r+'), 'T', at);
  const again = new EmergencyJournal(directory, { bytes: BYTES });
  expect(again.read()).toEqual([{ text: 'whole' }]);
  again.close();
});

it('keeps a settlement as it was', () => {
  const { charges } = settleOf(reserveOf('cus_1', 1), 5);
  const order = {
    kind: 'settle',
    holdId: 'hold_1',
    charges,
    reason: '',
    attemptsText: '[]',
    requestText: '[]',
    startedAtMs: 5,
  } as const;
  const stored: unknown = JSON.parse(JSON.stringify(deferredRecord(order, 9)));
  expect(readDeferredOrder(stored)).toMatchObject(order);
});
