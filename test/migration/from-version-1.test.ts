/**
 * A gateway on a database of version 1: what was booked there counts on.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { METERS } from '../../src/contracts/metering.ts';
import { databasePath } from '../../src/store/sqlite/database.ts';
import { migrate } from '../../src/store/sqlite/migrations.ts';
import { chatBody, readReply, type Reply } from '../support/lab.ts';
import {
  callAdmin,
  createCustomerKey,
  startTestGateway,
  verifyLedger,
  type CustomerKey,
  type TestGateway,
} from '../support/running-gateway.ts';

let oldDir = '';
let newDir = '';
let customer: CustomerKey;
let before: { readonly limits: unknown; readonly totals: unknown; readonly byModel: unknown };
let gateway: TestGateway | null = null;

function chat({ url }: TestGateway): Promise<Reply> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${customer.apiKey}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(chatBody('sim/chat')),
  }).then(readReply);
}

async function standingOf(at: TestGateway): Promise<typeof before> {
  const headers = { authorization: `Bearer ${customer.apiKey}` };
  const { json } = await readReply(await fetch(`${at.url}/v1/limits`, { headers }));
  const path = `GET /usage?customer=${customer.externalId}&group_by=model` as const;
  const usage = await callAdmin<{ totals: unknown; groups: unknown }>(at, path);
  return { limits: json['limits'], totals: usage.totals, byModel: usage.groups };
}

/** Where the rows of a table of version 1 stand now, for tables that have other columns since. */
const LATER_SOURCES: Readonly<Record<string, string>> = {
  request: 'later.request JOIN later.request_owner ON no = owner_no',
};

/** Writes the rows of a database as version 1 had them, with version 1's own tables. */
function writeVersion1(path: string, later: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA foreign_keys = OFF');
    migrate(database, path, 1);
    database.prepare('ATTACH ? AS later').run(later);
    const tables = database
      .prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      .all()
      .map(({ name }) => String(name))
      .filter((name) => !name.startsWith('usage_'));
    for (const table of tables) {
      const columns = database
        .prepare(`PRAGMA main.table_info(${table})`)
        .all()
        .map(({ name }) => `"${String(name)}"`)
        .join(', ');
      database.exec(`DELETE FROM main.${table}`);
      const source = LATER_SOURCES[table] ?? `later.${table}`;
      database.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM ${source}`);
    }
    database.exec(`
      INSERT INTO main.usage_dim (id, customer_id, key_id, operation, provider, model)
        SELECT id, customer_id, key_id, operation, provider, model FROM later.usage_subject WHERE grain = 0;
      INSERT INTO main.usage_hour (dim_id, hour, ${METERS.join(', ')})
        SELECT subject_id, hour, ${METERS.join(', ')} FROM later.usage_hourly
        WHERE subject_id IN (SELECT id FROM main.usage_dim);
      DETACH later;`);
  } finally {
    database.close();
  }
}

beforeAll(async () => {
  oldDir = mkdtempSync(join(tmpdir(), 'gateway-source-'));
  newDir = mkdtempSync(join(tmpdir(), 'gateway-version-1-'));
  const source = await startTestGateway({ dataDir: oldDir });
  customer = await createCustomerKey(source, {
    limits: [
      { meter: 'requests', window: 'period', amount: 5 },
      { meter: 'cost_usd', window: 'period', amount: '1.00' },
      { meter: 'total_tokens', window: 'lifetime', amount: 1_000_000 },
    ],
  });
  for (let call = 0; call < 3; call += 1) expect((await chat(source)).status).toBe(200);
  before = await standingOf(source);
  await source.stop();
  copyFileSync(join(oldDir, 'credentials.json'), join(newDir, 'credentials.json'));
  writeVersion1(databasePath(newDir), databasePath(oldDir));
});
afterAll(async () => {
  await gateway?.stop();
  rmSync(oldDir, { recursive: true, force: true });
  rmSync(newDir, { recursive: true, force: true });
});

it('opens with its ledger sound, and limits, usage and keys as they were', async () => {
  const file = new DatabaseSync(databasePath(newDir), { readOnly: true });
  expect(file.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
  file.close();
  gateway = await startTestGateway({ dataDir: newDir });
  expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
  expect(await standingOf(gateway)).toEqual(before);

  expect((await chat(gateway)).status).toBe(200);
  expect((await chat(gateway)).status).toBe(200);
  const refused = await chat(gateway);
  expect(refused.status).toBe(429);
  expect(refused.error['limits']).toMatchObject([
    { id: 'requests/period', used: '5', remaining: '0' },
  ]);
  expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
});
