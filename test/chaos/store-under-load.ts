/**
 * A process that keeps a store busy until it is killed. Every answer is noted in a file the moment it is
 * known: what that file names must be in the ledger afterwards.
 *
 * Arguments: data directory, notes file, name of this run, durability.
 */
import { appendFileSync } from 'node:fs';
import { reserveOf, settleOf } from '../../src/metering/testing/store-samples.ts';
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts';

const [, , dataDir = '', notes = '', run = '', durability = 'process'] = process.argv;
const IN_FLIGHT = 24;

const store = await openSqliteStore({
  dataDir,
  durability: durability === 'power' ? 'power' : 'process',
});
const found = await store.directory.customer('default');
const customerId = found?.customer.id ?? '';

async function work(lane: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const command = reserveOf(customerId, `${run}_${lane}_${n}`, 2000n);
    const held = await store.ledger.reserve(command);
    if (held.type !== 'held') throw new Error(held.message);
    appendFileSync(notes, `R ${command.holdId}\n`);
    if (n % 7 === 3) {
      store.ledger.progress(command.holdId, [
        { model: 'openai/gpt-4o-mini', amounts: { requests: 1n, cost_usd: 1500n } },
      ]);
    }
    if (n % 11 === 5) continue;
    await store.ledger.settle(settleOf(command, Date.now(), 1000n));
    appendFileSync(notes, `S ${command.holdId}\n`);
  }
}

process.stdout.write('busy\n');
await Promise.all(Array.from({ length: IN_FLIGHT }, (_, lane) => work(lane)));
