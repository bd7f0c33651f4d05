/**
 * `customers limits` over a running gateway.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLineOf, type CommandLine } from '../support/command-line.ts';
import {
  createCustomerKey,
  startTestGateway,
  type TestGateway,
} from '../support/running-gateway.ts';

let gateway: TestGateway;
let line: CommandLine;
beforeAll(async () => {
  gateway = await startTestGateway();
  line = commandLineOf(gateway);
  await createCustomerKey(gateway, {
    externalId: 'user-1',
    limits: [
      { meter: 'requests', window: 'period', amount: 50 },
      { meter: 'cost_usd', window: 'period', amount: '2.00' },
    ],
  });
});
afterAll(async () => {
  line.close();
  await gateway.stop();
});

const limits = (...args: string[]) => line.run('customers', 'limits', ...args);

it('shows how limits stand, and that none is otherwise than the plan says', async () => {
  const { code, out, err } = await limits('list', 'user-1');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^As plan plan-\d+ \(version 1\) says; no overrides\.$/m);
  expect(out).toMatch(/^cost_usd\/period +customer +\$0\.00 +\$0\.00 +\$2\.00 +\$2\.00/m);
});

it('sets several at once, for some time, and adds what the plan lacks', async () => {
  const until = ['--until', '2999-01-01T00:00:00Z'];
  const set = await limits('set', 'user-1', 'cost_usd/period=20.00', 'images/day=10', ...until);
  expect({ code: set.code, err: set.err }).toEqual({ code: 0, err: '' });
  expect(set.out).toMatch(/^Otherwise than plan plan-\d+ \(version 1\) says:$/m);
  expect(set.out).toMatch(/^cost_usd\/period +\$20\.00 +2999-01-01 00:00:00$/m);
  expect(set.out).toMatch(/^images\/day +10 +2999-01-01 00:00:00$/m);
  expect(set.out).toMatch(/^cost_usd\/period +customer +\$0\.00 +\$0\.00 +\$20\.00 +\$20\.00/m);
  const own = ['--meter', 'requests', '--window', 'hour', '--model', 'sim/*'];
  expect((await limits('set', 'user-1', 'sim calls=5', ...own)).out).toMatch(
    /^sim calls +5 +sim\/\* +it is removed$/m,
  );
  const shown = await limits('list', 'user-1', '--json');
  expect(shown.json).toMatchObject({
    schemaVersion: 1,
    overrides: {
      'cost_usd/period': { amount: '20.00', until: '2999-01-01T00:00:00Z' },
      'images/day': { amount: '10' },
      'sim calls': { meter: 'requests', window: 'hour', model: 'sim/*', until: null },
    },
  });
});

it('removes one: the plan’s limit holds again', async () => {
  for (const id of ['images/day', 'sim calls']) await limits('remove', 'user-1', id);
  const { out } = await limits('remove', 'user-1', 'cost_usd/period');
  expect(out).toMatch(/no overrides\.$/m);
  expect(out).toMatch(/^cost_usd\/period .* \$2\.00 +\$2\.00/m);
});

it('says what stands in the way', async () => {
  const shape = await limits('set', 'user-1', 'cost_usd/period');
  expect(shape).toMatchObject({ code: 2, out: '' });
  expect(shape.err).toContain('"cost_usd/period" is no <limit>=<amount>');
  const zero = await limits('set', 'user-1', 'cost_usd/period=0');
  expect(zero.code).not.toBe(0);
  expect(zero.err).toMatch(/overrides.*cost_usd\/period.*say "disabled"/s);
  expect((await limits('set', 'user-1', 'odd=5')).err).toMatch(/state meter and window/);
  expect((await limits('list', 'nobody')).err).toMatch(/nobody/);
});
