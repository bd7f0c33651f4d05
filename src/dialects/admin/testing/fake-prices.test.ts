import { describePriceArchive } from '../../../metering/price-archive.contract.ts';
import { createFakePrices } from './fake-prices.ts';

describePriceArchive('the fake archive of prices', async (clock) => ({
  prices: createFakePrices(clock),
  dispose: () => Promise.resolve(),
}));
