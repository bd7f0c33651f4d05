/**
 * `alwrity-gateway webhooks …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  collect,
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { overlapSeconds } from '../durations.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { formatInstant } from '../format.ts';
import type { Colors, Output } from '../output.ts';
import { renderPairs } from '../table.ts';
import { registerDeliveries } from './webhook-deliveries.ts';

const webhookReply = z.looseObject({
  id: z.string(),
  url: z.string(),
  description: z.string().nullable(),
  kinds: z.array(z.string()).nullable(),
  customers: z.array(z.string()).nullable(),
  status: z.string(),
  disabled_reason: z.string().nullable(),
  created_at: z.string(),
});
type WebhookReply = z.infer<typeof webhookReply>;

const secretReply = webhookReply.extend({ secret: z.string() });

const testReply = z.looseObject({
  ok: z.boolean(),
  event: z.string(),
  status: z.number().nullable(),
  error: z.string().nullable(),
  duration_ms: z.number(),
});

function pathOf(id: string, action = ''): string {
  return `/webhooks/${encodeURIComponent(id)}${action}`;
}

function webhookPairs(webhook: WebhookReply, secret: string, colors: Colors): string {
  return renderPairs(
    [
      ['secret', secret],
      ['id', webhook.id],
      ['url', webhook.url],
      ['description', webhook.description],
      ['kinds', webhook.kinds?.join(', ') ?? 'all'],
      ['customers', webhook.customers?.join(', ') ?? 'all'],
      ['status', webhook.status],
    ],
    colors,
  );
}

function printSecret(output: Output, body: Readonly<Record<string, unknown>>): void {
  const made = parseReply(secretReply, body);
  output.data(body, () =>
    output.quiet ? made.secret : webhookPairs(made, made.secret, output.colors),
  );
  output.message('Store the secret now: it is shown this once. Deliveries are signed with it.');
}

interface AddFlags extends CommonFlags {
  readonly description?: string;
  readonly kind?: readonly string[];
  readonly customer?: readonly string[];
}

function registerAdd(webhooks: Command, scope: CommandScope): void {
  const add = webhooks
    .command('add <url>')
    .description('register a webhook; its signing secret is shown this once')
    .option('--description <text>', 'for people')
    .option('--kind <kind>', 'only these kinds of alerts; may be repeated', collect)
    .option('--customer <id>', 'only alerts of these customers; may be repeated', collect)
    .action(async (url: string, flags: AddFlags) => {
      const { description, kind: kinds, customer: customers } = flags;
      const { client, output } = openSession(scope, flags);
      // Members that are undefined are not in the JSON.
      const body = { url, description, kinds, customers };
      printSecret(output, await client.admin('POST', '/webhooks', { body }));
    });
  addExamples(addClientOptions(add), scope, [
    ['webhooks add https://hooks.example.com/gateway', 'gets every alert'],
    ['webhooks add https://hooks.example.com/in --kind threshold --kind recovered', ''],
    ['webhooks add https://hooks.example.com/in --customer user-1 --quiet', 'prints the secret'],
  ]);
}

function registerList(webhooks: Command, scope: CommandScope): void {
  const list = addLimitOption(webhooks.command('list'))
    .description('list webhooks')
    .action(async (flags: CommonFlags & { limit: number }) => {
      await showList(
        openSession(scope, flags),
        { path: '/webhooks', limit: flags.limit },
        {
          schema: webhookReply,
          empty: `No webhooks. Register one: ${scope.context.invocation} webhooks add <url>`,
          columns: [
            { title: 'id', value: (webhook) => webhook.id },
            { title: 'url', value: (webhook) => webhook.url },
            { title: 'kinds', value: (webhook) => webhook.kinds?.join(', ') ?? 'all' },
            { title: 'customers', value: (webhook) => webhook.customers?.join(', ') ?? 'all' },
            { title: 'status', value: (webhook) => webhook.status },
            { title: 'why', value: (webhook) => webhook.disabled_reason ?? '' },
            { title: 'created (UTC)', value: (webhook) => formatInstant(webhook.created_at) },
          ],
        },
      );
    });
  addExamples(addClientOptions(list), scope, [
    ['webhooks list', ''],
    ['webhooks list --json', ''],
  ]);
}

function registerRotate(webhooks: Command, scope: CommandScope): void {
  const rotate = webhooks
    .command('rotate <id>')
    .description('replace the signing secret; for a while both sign')
    .option(
      '--overlap <duration>',
      'how long the old one signs on, such as 1h (24h); 0s: not at all',
    )
    .action(async (id: string, flags: CommonFlags & { overlap?: string }) => {
      const body = flags.overlap === undefined ? {} : { overlap_s: overlapSeconds(flags.overlap) };
      const { client, output } = openSession(scope, flags);
      printSecret(output, await client.admin('POST', pathOf(id, '/rotate'), { body }));
    });
  addExamples(addClientOptions(rotate), scope, [['webhooks rotate wh_… --overlap 1h', '']]);
}

function registerTest(webhooks: Command, scope: CommandScope): void {
  const test = webhooks
    .command('test <id>')
    .description('send a signed test event now; fails where the receiver does not take it')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('POST', pathOf(id, '/test'));
      const sent = parseReply(testReply, body);
      output.data(body, () => {
        const took = `in ${sent.duration_ms} ms`;
        return sent.ok
          ? `${sent.event} was taken with ${sent.status} ${took}`
          : `${sent.event} was not taken ${took}: ${sent.error ?? 'no answer'}`;
      });
      if (!sent.ok) scope.exitWith(EXIT_CODES.failure);
    });
  addExamples(addClientOptions(test), scope, [['webhooks test wh_…', '']]);
}

function registerDelete(webhooks: Command, scope: CommandScope): void {
  const remove = webhooks
    .command('delete <id>')
    .description('remove a webhook; what waited for it becomes a dead letter')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('DELETE', pathOf(id));
      output.data(body, () => `${id} removed`);
    });
  addExamples(addClientOptions(remove), scope, [['webhooks delete wh_…', '']]);
}

export function registerWebhooks(program: Command, scope: CommandScope): void {
  const webhooks = program
    .command('webhooks')
    .alias('webhook')
    .description('where alerts are sent: add, list, rotate, test, deliveries, redeliver, delete');
  addExamples(webhooks, scope, [
    ['webhooks add https://hooks.example.com/gateway', 'gets every alert, signed'],
    ['webhooks deliveries wh_… --state dead', 'its dead letters'],
  ]);
  registerList(webhooks, scope);
  registerAdd(webhooks, scope);
  registerRotate(webhooks, scope);
  registerTest(webhooks, scope);
  registerDeliveries(webhooks, scope);
  registerDelete(webhooks, scope);
}
