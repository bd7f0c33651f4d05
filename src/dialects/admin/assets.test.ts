import { expect, it } from 'vitest';
import { assetOf } from '../../media/asset-records.contract.ts';
import { createSuite, cursorOf, dataOf, expectProblem } from './testing/admin-suite.ts';
import { createFakeStore } from './testing/fake-store.ts';

const suite = createSuite(async (options) => createFakeStore(options));

it('lists assets by customer and page, shows one, and removes it', async () => {
  const made = await suite.starter();
  const customerId = String(made.body['id']);
  const { store } = suite.harness;
  await store.assets.add(assetOf(1, { customerId }));
  await store.assets.add(assetOf(2, { customerId, name: 'b.png' }));
  await store.assets.add(assetOf(3, { customerId: 'cus_9' }));
  const first = await suite.get('/assets?limit=2');
  expect(dataOf(first).map(({ id }) => id)).toEqual(['ast_3', 'ast_2']);
  const next = await suite.get(`/assets?limit=2&cursor=${cursorOf(first)}`);
  expect(dataOf(next).map(({ id }) => id)).toEqual(['ast_1']);
  const own = await suite.get('/assets?customer=user-1');
  expect(dataOf(own)).toMatchObject([
    { id: 'ast_2', name: 'b.png', customer: customerId },
    { id: 'ast_1' },
  ]);
  expect((await suite.get('/assets/ast_1')).body).toMatchObject({
    id: 'ast_1',
    sha256: assetOf(1).hash,
  });
  const gone = await suite.harness.call('DELETE', '/assets/ast_1');
  expect(gone.body).toEqual({ id: 'ast_1', deleted: true });
  expectProblem(await suite.get('/assets/ast_1'), { status: 404, code: 'not_found', param: 'id' });
  expectProblem(await suite.harness.call('DELETE', '/assets/ast_1'), {
    status: 404,
    code: 'not_found',
  });
  expectProblem(await suite.get('/assets?customer=nobody'), {
    status: 404,
    code: 'not_found',
    param: 'customer',
  });
});
