import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ConfigError, createGateway } from '../index.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('answers under its keys until it is stopped', async () => {
  const gateway = await createGateway({
    settings: { port: 0, dataDir: temporaryFolder(), 'logging.level': 'silent' },
    environment: {},
  });
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim/chat', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const plans = await fetch(`${gateway.url}/admin/v1/plans`, {
    headers: { authorization: `Bearer ${gateway.adminKey}` },
  });
  await gateway.stop();
  expect(await reply.json()).toMatchObject({ choices: [{ message: { role: 'assistant' } }] });
  expect(plans.status).toBe(200);
  await expect(fetch(`${gateway.url}/health/live`)).rejects.toThrow();
});

it('refuses settings that cannot be, by their path', async () => {
  const starting = createGateway({
    settings: { port: 'eighty', dataDir: temporaryFolder() },
    environment: {},
  });
  await expect(starting).rejects.toThrow(ConfigError);
  await expect(starting).rejects.toThrow(/port/);
});
