/**
 * Scenarios of what stands beside the ledger: price books and rules, reports on invoices, stored media.
 *
 * @module
 */
import type { AssetRecord } from '../../src/media/asset-port.ts';
import type { Scenario, Step } from './crash-points.ts';
import { DAY_MS, reserve, restart, settle, wait } from './scenario-steps.ts';

const putBook =
  (id: string, rates: readonly number[]): Step =>
  ({ store }) =>
    store.prices.putBook({
      id,
      prices: rates.map((rate) => ({ id: `pi_${rate}`, row: JSON.stringify({ rate }) })),
    });

const putRule: Step = ({ store, clock, customerId }) =>
  store.prices.putRule({
    id: 'rule_1',
    customerId,
    body: '{"markup":"1.2"}',
    createdAtMs: clock.nowMs,
    retiredAtMs: null,
  });

const retireRule: Step = ({ store, clock }) => store.prices.retireRule('rule_1', clock.nowMs);

const putReport =
  (lines: string): Step =>
  ({ store, clock }) =>
    store.reconciliations.put({ id: 'rep_1', createdAtMs: clock.nowMs, head: '{}', lines });

function assetOf(id: string, hash: string, at: { customerId: string; nowMs: number }): AssetRecord {
  return {
    id,
    customerId: at.customerId,
    hash: hash.repeat(64),
    bytes: 12,
    type: 'image/png',
    width: 2,
    height: 1,
    name: null,
    createdAtMs: at.nowMs,
    expiresAtMs: at.nowMs + DAY_MS,
    requestId: 'req_a',
  };
}

const addAsset =
  (id: string, hash: string): Step =>
  ({ store, clock, customerId }) =>
    store.assets.add(assetOf(id, hash, { customerId, nowMs: clock.nowMs }));

export const RECORD_SCENARIOS: readonly Scenario[] = [
  {
    name: 'price books and rules follow one another under a call, and a report is kept twice',
    steps: [
      putBook('pb_1', [1, 2]),
      putBook('pb_1', [1, 2]),
      reserve('a'),
      putRule,
      putBook('pb_2', [2, 3]),
      settle('a'),
      restart,
      retireRule,
      putBook('pb_1', [1, 2]),
      putReport('[]'),
      putReport('[1]'),
    ],
  },
  {
    name: 'assets share a content, one is removed, the others expire, a lost content goes with its assets',
    steps: [
      addAsset('ast_1', 'a'),
      addAsset('ast_2', 'a'),
      ({ store }) => store.assets.remove('ast_1'),
      restart,
      wait(DAY_MS),
      ({ store, clock }) => store.assets.removeExpired(clock.nowMs, 10),
      addAsset('ast_3', 'b'),
      addAsset('ast_4', 'b'),
      ({ store }) => store.assets.removeContent('b'.repeat(64)),
    ],
  },
];
