/**
 * `assets` over a running gateway.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLineOf, type CommandLine } from '../support/command-line.ts';
import { ADMIN_KEY, openLab, type Lab } from '../support/lab.ts';
import { pngOf } from '../support/media-samples.ts';
import { createCustomerKey } from '../support/running-gateway.ts';

let lab: Lab;
let line: CommandLine;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
  line = commandLineOf(lab.gateway, { GATEWAY_ADMIN_KEY: ADMIN_KEY });
});
afterAll(async () => {
  line.close();
  await lab.close();
});

const assets = (...args: string[]) => line.run('assets', ...args);

async function upload(key: string, name: string): Promise<string> {
  const { json } = await lab.call(`/v1/assets?name=${name}`, {
    method: 'POST',
    key,
    body: pngOf(3, 2),
    headers: { 'content-type': 'image/png' },
  });
  return String(json['id']);
}

it('lists, shows and deletes what customers stored', async () => {
  expect(await assets('list')).toMatchObject({ code: 0, out: '', err: 'No assets.\n' });
  const [one, other] = await Promise.all([
    createCustomerKey(lab.gateway),
    createCustomerKey(lab.gateway),
  ]);
  const first = await upload(one.apiKey, 'a.png');
  const second = await upload(other.apiKey, 'b.png');

  const all = await assets('list');
  expect(all).toMatchObject({ code: 0, err: '' });
  expect(all.out).toMatch(new RegExp(`${first} +image/png .* 3 × 2 .*${one.customerId}`));
  expect(all.out).toContain(second);
  const own = await assets('list', '--customer', one.externalId, '--json');
  expect(own.json).toMatchObject({ data: [{ id: first, customer: one.customerId }] });

  const shown = await assets('show', first);
  expect(shown.out).toMatch(/^pixels +3 × 2$/m);
  expect(shown.out).toMatch(/^sha256 +[0-9a-f]{64}$/m);
  expect(await assets('delete', first)).toMatchObject({ code: 0, out: `${first} is removed.\n` });
  expect((await lab.call(`/v1/assets/${first}`, { key: one.apiKey })).status).toBe(404);
  // The other customer's asset has the same bytes.
  expect((await lab.call(`/v1/assets/${second}`, { key: other.apiKey })).status).toBe(200);
});

it('says which asset there is not', async () => {
  for (const verb of ['show', 'delete']) {
    const { code, err } = await assets(verb, 'ast_nothing');
    expect(code).not.toBe(0);
    expect(err).toContain('There is no asset "ast_nothing".');
  }
  expect((await assets('list', '--customer', 'nobody')).err).toContain('nobody');
});
