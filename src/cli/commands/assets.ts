/**
 * `alwrity-gateway assets …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatBytes, formatCount, formatInstant, printable } from '../format.ts';
import type { Colors } from '../output.ts';
import { renderPairs } from '../table.ts';

const assetReply = z.looseObject({
  id: z.string(),
  customer: z.string(),
  type: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  name: z.string().nullable(),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  request: z.string(),
});
type AssetRow = z.infer<typeof assetReply>;

function sizeText({ width, height }: AssetRow): string | null {
  return width === null || height === null ? null : `${width} × ${height}`;
}

function detailText(asset: AssetRow, colors: Colors): string {
  const expires = asset.expires_at === null ? 'never' : `${formatInstant(asset.expires_at)} UTC`;
  return renderPairs(
    [
      ['asset', asset.id],
      ['name', asset.name === null ? null : printable(asset.name)],
      ['type', asset.type],
      ['bytes', formatCount(asset.bytes)],
      ['pixels', sizeText(asset)],
      ['sha256', asset.sha256],
      ['customer', asset.customer],
      ['request', asset.request],
      ['created', `${formatInstant(asset.created_at)} UTC`],
      ['expires', expires],
    ],
    colors,
  );
}

function registerList(assets: Command, scope: CommandScope): void {
  const list = addLimitOption(assets.command('list'))
    .description('list stored media, newest first')
    .option('--customer <id>', 'of one customer')
    .action(async (flags: CommonFlags & { limit: number; customer?: string }) => {
      const { limit, customer } = flags;
      const request = { path: '/assets', query: { customer }, limit };
      await showList(openSession(scope, flags), request, {
        schema: assetReply,
        empty: 'No assets.',
        columns: [
          { title: 'created (UTC)', value: (row) => formatInstant(row.created_at) },
          { title: 'asset', value: (row) => row.id },
          { title: 'type', value: (row) => row.type },
          { title: 'size', align: 'right', value: (row) => formatBytes(row.bytes) },
          { title: 'pixels', align: 'right', value: (row) => sizeText(row) ?? '' },
          { title: 'name', value: (row) => printable(row.name ?? '') },
          { title: 'customer', value: (row) => row.customer },
          { title: 'expires (UTC)', value: (row) => formatInstant(row.expires_at) },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['assets list', ''],
    ['assets list --customer user-1', ''],
  ]);
}

/** Registers the command. */
export function registerAssets(program: Command, scope: CommandScope): void {
  const assets = program
    .command('assets')
    .alias('asset')
    .description('stored media: list, show, delete');
  addExamples(assets, scope, [
    ['assets list', ''],
    ['assets show ast_…', ''],
  ]);
  registerList(assets, scope);
  const show = assets
    .command('show <id>')
    .description('show what is known of an asset; its bytes stay with its customer')
    .action(async (id: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), `/assets/${encodeURIComponent(id)}`, {
        schema: assetReply,
        text: detailText,
      });
    });
  addExamples(addClientOptions(show), scope, [['assets show ast_…', '']]);
  const remove = assets
    .command('delete <id>')
    .description('remove an asset of any customer, and its bytes unless another asset has the same')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('DELETE', `/assets/${encodeURIComponent(id)}`);
      output.data(body, () => `${id} is removed.`);
    });
  addExamples(addClientOptions(remove), scope, [['assets delete ast_…', '']]);
}
