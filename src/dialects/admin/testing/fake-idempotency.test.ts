import { describeIdempotency } from '../../../metering/idempotency.contract.ts';
import { createFakeIdempotency } from './fake-idempotency.ts';

describeIdempotency({
  name: 'A store in memory',
  create: async (clock) => ({
    store: createFakeIdempotency(clock),
    dispose: async () => undefined,
  }),
});
