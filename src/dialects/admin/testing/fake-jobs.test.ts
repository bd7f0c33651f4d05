import { createIdSource } from '../../../contracts/ids.ts';
import { describeJobs } from '../../../metering/jobs.contract.ts';
import { createFakeStore } from './fake-store.ts';

describeJobs({
  name: 'the store of these tests',
  judges: false,
  async create(now) {
    const ids = createIdSource(now, (target) => crypto.getRandomValues(target));
    const store = createFakeStore({ now, ids });
    await store.directory.createCustomer({
      externalId: 'default',
      name: null,
      planId: 'enterprise',
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    return { store, dispose: () => store.close() };
  },
});
