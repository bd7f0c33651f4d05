import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';
import { openLab, type Lab } from '../support/lab.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
let folder = '';
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
  folder = mkdtempSync(join(tmpdir(), 'gateway-quote-'));
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(key: string, ...args: string[]) {
  return runCaptured(['quote', ...args], {
    workingDirectory: folder,
    environment: { GATEWAY_URL: lab.url, GATEWAY_API_KEY: key },
  });
}

it('shows costs, verdict and what to do, holds, shows what is left, and frees it', async () => {
  const { apiKey } = await createCustomerKey(lab.gateway, {
    limits: [{ meter: 'images', window: 'period', amount: 2 }],
  });
  const flags = ['--type', 'image.generate', '--model', 'sim/image', '--n', '4'];
  const refused = await run(apiKey, ...flags);
  expect(refused.code).toBe(6);
  expect(refused.out).toContain('$0.008');
  expect(refused.out).toContain('limit_exceeded');
  expect(refused.out).toContain('→ reduce image.n to 2');
  const workflow = [
    'operations:',
    '  - {id: draft, type: text.generate, model: sim/chat, input: {tokens: 1000}, output: {max_tokens: 500}, count: 2}',
    '  - {id: hero, type: image.generate, model: sim/image, image: {n: 2, size: 1024x1024}}',
  ].join('\n');
  writeFileSync(join(folder, 'workflow.yaml'), workflow);
  const held = await run(apiKey, 'workflow.yaml', '--hold', 'all_or_nothing', '--json');
  expect(held.code, held.err).toBe(0);
  const { id } = held.json as { id: string };
  expect(held.json).toMatchObject({ can_proceed: true, total: { max: '0.004600000' } });
  const shown = await run(apiKey, '--show', id);
  expect(shown.out).toContain('uses left: draft 2/2, hero 1/1');
  expect(shown.out).toContain('x-gateway-quote: qh_');
  const released = await run(apiKey, '--release', id);
  expect(released.out).toContain('uses left: draft 0/2, hero 0/1');
  expect(await lab.openHolds()).toBe(0);
});

it('says how to ask when nothing was asked', async () => {
  const asked = await run('agk_any-key-of-twenty-characters');
  expect(asked.code).toBe(2);
  expect(asked.err).toContain('quote workflow.yaml');
});
