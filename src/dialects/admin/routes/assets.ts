/**
 * Stored media as the operator sees it: what is known of it, never its bytes.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { assetSchema, showAsset } from '../asset-shapes.ts';
import { findCustomer } from '../find.ts';
import { customerNameSchema, listSchema, pageOf, pageQuery } from '../shapes.ts';

const listedSchema = assetSchema
  .extend({ customer: z.string().describe('`cus_…`') })
  .meta({ id: 'ListedAsset' });

const params = z.strictObject({ id: z.string().min(1).max(200).describe('`ast_…`') });

function unknownAsset(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no asset "${id}".`, param: 'id' });
}

/** Routes below `/assets`. */
export const assetRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/assets',
    operationId: 'listAssets',
    summary: 'List stored media, newest first',
    description: 'What has expired stands here until it is removed, within a minute.',
    tag: 'assets',
    query: z.strictObject({ ...pageQuery, customer: customerNameSchema.optional() }),
    reply: listSchema(listedSchema),
    errors: ['not_found'],
    async handle({ query }, { store }) {
      const { customer: name } = query;
      const found = name === undefined ? null : await findCustomer(store, name, 'customer');
      const customerId = found?.customer.id ?? null;
      const page = await store.assets.list({ ...pageOf(query), customerId });
      return {
        data: page.data.map((asset) => ({ ...showAsset(asset), customer: asset.customerId })),
        next_cursor: page.nextCursor,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/assets/{id}',
    operationId: 'getStoredAsset',
    summary: 'Read what is known of an asset',
    tag: 'assets',
    params,
    reply: listedSchema,
    errors: ['not_found'],
    async handle(input, { store }) {
      const asset = await store.assets.asset(input.params.id);
      if (asset === null) throw unknownAsset(input.params.id);
      return { ...showAsset(asset), customer: asset.customerId };
    },
  }),
  adminRoute({
    method: 'delete',
    path: '/assets/{id}',
    operationId: 'deleteStoredAsset',
    summary: 'Remove an asset of any customer',
    description: 'Its bytes go with it, unless another asset has the same.',
    tag: 'assets',
    params,
    reply: z.strictObject({ id: z.string(), deleted: z.literal(true) }),
    errors: ['not_found'],
    async handle(input, { removeAsset }) {
      const { id } = input.params;
      if (!(await removeAsset(id))) throw unknownAsset(id);
      return { id, deleted: true as const };
    },
  }),
];
