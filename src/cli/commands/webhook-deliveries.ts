/**
 * `alwrity-gateway webhooks deliveries` and `redeliver`.
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
  openSession,
  showList,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatInstant } from '../format.ts';

const deliveryReply = z.looseObject({
  event: z.string(),
  topic: z.string(),
  destination: z.string(),
  state: z.string(),
  created_at: z.string(),
  next_attempt_at: z.string().nullable(),
  attempts: z.array(z.looseObject({ status: z.number().nullable(), error: z.string().nullable() })),
});

const redeliveredReply = z.looseObject({ queued: z.number() });

/** How the last attempt ended. */
function lastOf({ attempts }: z.infer<typeof deliveryReply>): string {
  const last = attempts.at(-1);
  return last === undefined ? '' : (last.error ?? String(last.status ?? ''));
}

/** True for a webhook; e-mail and Slack stand in the configuration and have no id. */
function isWebhook(destination: string): boolean {
  return destination.startsWith('wh_');
}

interface DeliveriesFlags extends CommonFlags {
  readonly limit: number;
  readonly state?: string;
}

function registerRead(webhooks: Command, scope: CommandScope): void {
  const deliveries = addLimitOption(webhooks.command('deliveries [destination]'))
    .description('list deliveries, newest first: of all, or to wh_…, email:<address> or slack')
    .option('--state <state>', 'pending, delivered or dead')
    .action(async (destination: string | undefined, flags: DeliveriesFlags) => {
      const { limit, state } = flags;
      // A webhook's own list answers 404 where there is none of that id.
      const request =
        destination !== undefined && isWebhook(destination)
          ? { path: `/webhooks/${encodeURIComponent(destination)}/deliveries`, query: { state } }
          : { path: '/deliveries', query: { destination, state } };
      await showList(
        openSession(scope, flags),
        { ...request, limit },
        {
          schema: deliveryReply,
          empty: 'No deliveries.',
          columns: [
            { title: 'event', value: (row) => row.event },
            { title: 'topic', value: (row) => row.topic },
            { title: 'to', value: (row) => row.destination },
            { title: 'state', value: (row) => row.state },
            { title: 'tries', align: 'right', value: (row) => String(row.attempts.length) },
            { title: 'last', value: lastOf },
            { title: 'created (UTC)', value: (row) => formatInstant(row.created_at) },
            { title: 'next (UTC)', value: (row) => formatInstant(row.next_attempt_at) },
          ],
        },
      );
    });
  addExamples(addClientOptions(deliveries), scope, [
    ['webhooks deliveries --state dead', 'every dead letter'],
    ['webhooks deliveries wh_…', 'what one webhook was sent'],
  ]);
}

function registerRedeliver(webhooks: Command, scope: CommandScope): void {
  const redeliver = webhooks
    .command('redeliver <destination>')
    .description('send dead letters of wh_…, email:<address> or slack again')
    .option('--event <id>', 'only this one, whatever its state')
    .action(async (destination: string, flags: CommonFlags & { event?: string }) => {
      const { client, output } = openSession(scope, flags);
      const { event } = flags;
      const body = isWebhook(destination)
        ? await client.admin('POST', `/webhooks/${encodeURIComponent(destination)}/redeliver`, {
            body: { event },
          })
        : await client.admin('POST', '/deliveries/redeliver', { body: { destination, event } });
      output.data(body, () => {
        const { queued } = parseReply(redeliveredReply, body);
        return `${queued} queued for ${destination}`;
      });
    });
  addExamples(addClientOptions(redeliver), scope, [
    ['webhooks redeliver wh_…', 'all its dead letters'],
    ['webhooks redeliver slack --event evt_…', ''],
  ]);
}

/** Registers both below `webhooks`. */
export function registerDeliveries(webhooks: Command, scope: CommandScope): void {
  registerRead(webhooks, scope);
  registerRedeliver(webhooks, scope);
}
