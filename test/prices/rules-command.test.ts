/**
 * `prices rules` over a running gateway.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';
import { callAdmin, startTestGateway, type TestGateway } from '../support/running-gateway.ts';

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'gateway-rules-'));
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const rules = (...args: string[]) =>
  runCaptured(['prices', 'rules', ...args, '--data-dir', gateway.dataDir], {
    workingDirectory: folder,
    environment: { GATEWAY_URL: gateway.url },
  });

it('lists, adds and retires rules', async () => {
  expect(await rules('list')).toMatchObject({ code: 0, out: '' });
  const added = await rules('add', '--markup', '12.5', '--plan', 'basic', '--match', 'sim/*');
  expect(added).toMatchObject({ code: 0, err: '' });
  const id = /^(rule_\S+): plan basic pays \+12.5 % on sim\/\*$/m.exec(added.out)?.[1] ?? '';
  await callAdmin(gateway, 'POST /customers', { externalId: 'user-1', plan: 'basic' });
  const whom = ['--customer', 'user-1', '--unit', 'images', '--unit', 'inputs'];
  const own = await rules('add', '--markup', '-10', ...whom);
  expect(own.out).toMatch(/^rule_\S+: cus_\S+ pays -10 % on every model \(images, inputs\)$/m);

  const retired = await rules('retire', id);
  expect(retired.out).toMatch(new RegExp(`^${id} ended at \\d{4}-`, 'm'));
  const listed = await rules('list', '--json');
  const { data } = JSON.parse(listed.out) as { data: { id: string; retired_at: string | null }[] };
  expect(data.map((rule) => rule.retired_at !== null)).toEqual([true, false]);
  expect((await rules('list')).out).toMatch(
    new RegExp(`^${id} +plan basic +sim/\\* +\\+12.5 % `, 'm'),
  );
});

it('says what stands in the way', async () => {
  const unknown = await rules('add', '--markup', '20', '--plan', 'nope');
  expect(unknown.code).not.toBe(0);
  expect(unknown.err).toContain('There is no plan "nope".');
  expect((await rules('add')).err).toContain('--markup');
});
