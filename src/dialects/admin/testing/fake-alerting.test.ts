import { createIdSource } from '../../../contracts/ids.ts';
import { describeAlerting } from '../../../metering/alerts.contract.ts';
import { createFakeStore } from './fake-store.ts';

describeAlerting({
  name: 'the store in memory',
  async create(now) {
    const ids = createIdSource(now, (target) => void crypto.getRandomValues(target));
    const store = createFakeStore({ now, ids });
    return { store, dispose: () => store.close() };
  },
});
