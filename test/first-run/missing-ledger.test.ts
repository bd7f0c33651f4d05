import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestGateway } from '../support/running-gateway.ts';

let dataDir = '';

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'alwrity-gateway-missing-'));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

async function warningsOfStart(): Promise<readonly string[]> {
  const running = await startTestGateway({ dataDir });
  await running.stop();
  return running.gateway.warnings;
}

it('F79 says when the database of an existing installation is missing', async () => {
  expect(await warningsOfStart()).toEqual([]);
  expect(await warningsOfStart()).toEqual([]);
  for (const file of readdirSync(dataDir)) {
    if (file.startsWith('gateway.db')) rmSync(join(dataDir, file));
  }
  expect((await warningsOfStart())[0]).toContain('was missing beside an existing credentials.json');
});
