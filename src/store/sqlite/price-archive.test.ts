import { describePriceArchive } from '../../metering/price-archive.contract.ts';
import { sqliteSuite } from './testing/sqlite-suite.ts';

describePriceArchive(sqliteSuite.name, async (clock) => {
  const test = await sqliteSuite.create(clock);
  return { prices: test.store.prices, dispose: () => test.dispose() };
});
