import { expect, test } from 'vitest';
import { faultsOf, modelFaults } from './fault-grammar.ts';

test.each([
  ['429', { type: 'error', error: 'rate_limit', status: 429, wait: { form: 'none' } }],
  ['429-retry-after-7', { error: 'rate_limit', wait: { form: 'seconds', seconds: 7 } }],
  ['429-retry-after-ms-1500', { wait: { form: 'milliseconds', ms: 1500 } }],
  ['429-retry-date-7', { wait: { form: 'date', seconds: 7 } }],
  ['429-reset-6m0s', { wait: { form: 'reset', duration: '6m0s' } }],
  ['429-retry-info-34.4s', { wait: { form: 'retry_info', delay: '34.4s' } }],
  ['429-negative', { wait: { form: 'raw', text: '-5' } }],
  ['429-huge', { wait: { form: 'raw', text: '1000000000' } }],
  ['429-insufficient-quota', { error: 'insufficient_quota' }],
  ['429-per-day-retry-after-9', { error: 'quota_per_day', wait: { form: 'seconds', seconds: 9 } }],
  ['400-context-length', { error: 'context_length' }],
  ['520', { error: 'bad_gateway', status: 520 }],
  ['overloaded', { error: 'overloaded' }],
  ['eof-after-40', { type: 'break', how: 'eof', afterEvents: 40 }],
  ['stall-headers', { type: 'stall', at: 'headers', ms: null }],
  ['stall-first-20000', { type: 'stall', at: 'first-event', ms: 20_000 }],
  ['stall-after-20-30000-eof', { type: 'stall', afterEvents: 20, ms: 30_000, next: 'eof' }],
  ['drip-1000', { type: 'drip', bytes: 1, ms: 1000 }],
  ['gzip-bomb-64', { type: 'encoding', encoding: 'gzip', how: 'bomb', megabytes: 64 }],
  ['br', { type: 'encoding', encoding: 'br', how: 'true' }],
  [
    'error-after-3-429',
    { type: 'in-band-error', afterEvents: 3, error: 'rate_limit', bare: false },
  ],
  ['bare-error-after-3', { type: 'in-band-error', afterEvents: 3, bare: true }],
  ['error-200', { type: 'in-band-error', afterEvents: -1 }],
  ['redirect-307', { type: 'redirect', status: 307 }],
  ['served-gpt-4o-2024-08-06', { type: 'served-model', model: 'gpt-4o-2024-08-06' }],
  ['served-tier-priority', { type: 'served-tier', tier: 'priority' }],
  ['framing-crlf', { type: 'framing', how: 'crlf' }],
])('reads %s', (words, fault) => {
  expect(faultsOf(words)).toEqual([expect.objectContaining(fault)]);
  expect(modelFaults(`fault-${words}`).faults).toEqual(faultsOf(words));
  expect(modelFaults(`org/base--fault-${words}`).faults).toEqual(faultsOf(words));
});

test('reads several words, objects and their JSON', () => {
  const both = [{ type: 'no-done' }, { type: 'usage', how: 'none' }];
  expect(faultsOf('no-done--no-usage')).toEqual(both);
  expect(faultsOf(both)).toEqual(both);
  expect(faultsOf(JSON.stringify(both))).toEqual(both);
  expect(faultsOf('"no-done"')).toEqual([{ type: 'no-done' }]);
  expect(faultsOf('healthy')).toEqual([]);
});

test('reads conditions from a model name and leaves other names alone', () => {
  const named = modelFaults('gpt-4o--fault-503--times-2--for-6000--percent-30');
  expect(named).toMatchObject({ times: 2, forMs: 6000, percent: 30 });
  expect(named.faults).toHaveLength(1);
  expect(modelFaults('gpt-4o--tokens-60').faults).toEqual([]);
  expect(modelFaults('default-model').faults).toEqual([]);
});

test.each(['no-such-thing', '200', '429-retry-after-soon', 'framing-odd'])(
  'refuses %s',
  (words) => {
    expect(() => faultsOf(words)).toThrow(TypeError);
  },
);

test('refuses what is no fault', () => {
  expect(() => faultsOf({ type: 'flood' })).toThrow(/flood/);
  expect(() => faultsOf(7)).toThrow(TypeError);
});
