import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeQuotes } from '../../metering/quotes.contract.ts';
import { quotedReserve } from '../../metering/testing/quote-samples.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { sqliteSuite } from './testing/sqlite-suite.ts';

describeQuotes(sqliteSuite);

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gateway-quotes-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

it('a held quote outlives a killed process, and what it had given away stays given', async () => {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { openSqliteStore } from ${from('./open-sqlite-store.ts')};
    import { quoteCommand, quotedOperation, quotedReserve } from ${from('../../metering/testing/quote-samples.ts')};
    const store = await openSqliteStore({ dataDir: ${JSON.stringify(dataDir)}, durability: 'process' });
    const customerId = (await store.directory.customer('default')).customer.id;
    const operation = quotedOperation('qt_1', 'a', { count: 3 });
    await store.quotes.create({ ...quoteCommand(customerId, 'qt_1', [operation]), ttlMs: 600_000 });
    await store.quotes.reserve(quotedReserve(customerId, 'qt_1', 1));
    process.stdout.write('done');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  child.kill('SIGKILL');
  await exited;
  const store = await openSqliteStore({ dataDir, durability: 'process' });
  try {
    const customerId = (await store.directory.customer('default'))?.customer.id ?? '';
    expect(await store.quotes.standing('qt_1')).toMatchObject({
      legs: [{ uses: 3, usesLeft: 2, state: 'open' }],
    });
    const answers = await Promise.all(
      [2, 3, 4].map((n) => store.quotes.reserve(quotedReserve(customerId, 'qt_1', n))),
    );
    expect(answers.map(({ type }) => type)).toEqual(['held', 'held', 'no_leg']);
    expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 3 });
  } finally {
    await store.close();
  }
});
