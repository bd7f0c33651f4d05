import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { describeAdmin } from './admin.contract.ts';
import { createFakeStore } from './testing/fake-store.ts';
import { createHarness } from './testing/harness.ts';

describeAdmin('a store in memory', async (options) => createFakeStore(options));

describe('faults below the control plane', () => {
  it('answers metering_unavailable with the wait and internal_error without a reason', async () => {
    const harness = await createHarness(async (options) => {
      const store = createFakeStore(options);
      return {
        ...store,
        directory: {
          ...store.directory,
          plans: async () => {
            throw new GatewayError('metering_unavailable', {
              message: 'The ledger cannot be written.',
              retryAfterMs: 1500,
            });
          },
          customers: async () => {
            throw new Error('secret path /var/lib/gateway');
          },
        },
      };
    });
    const down = await harness.call('GET', '/plans');
    expect(down.status).toBe(503);
    expect(down.headers.get('retry-after')).toBe('2');
    expect(down.headers.get('retry-after-ms')).toBe('1500');
    expect(down.headers.get('x-should-retry')).toBe('true');
    const broken = await harness.call('GET', '/customers');
    expect(broken.status).toBe(500);
    expect(broken.body['code']).toBe('internal_error');
    expect(broken.text).not.toContain('secret');
    expect(harness.internalErrors).toEqual([new Error('secret path /var/lib/gateway')]);
  });
});
