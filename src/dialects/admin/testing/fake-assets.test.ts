import { describeAssetRecords } from '../../../media/asset-records.contract.ts';
import { createFakeAssets } from './fake-assets.ts';

describeAssetRecords({
  name: 'the fake store',
  create: async () => ({ records: createFakeAssets(), dispose: async () => undefined }),
});
