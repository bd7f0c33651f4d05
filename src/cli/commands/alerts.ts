/**
 * `alwrity-gateway alerts …`.
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

const alertReply = z.looseObject({
  id: z.string(),
  kind: z.string(),
  severity: z.string(),
  state: z.string(),
  customer: z.looseObject({ id: z.string(), externalId: z.string().nullable() }).nullable(),
  title: z.string(),
  at: z.string(),
});

interface ListFlags extends CommonFlags {
  readonly limit: number;
  readonly customer?: string;
  readonly kind?: string;
  readonly state?: string;
}

function registerList(alerts: Command, scope: CommandScope): void {
  const list = addLimitOption(alerts.command('list'))
    .description('list alerts, newest first')
    .option('--customer <id>', 'of this customer only')
    .option('--kind <kind>', 'such as threshold, forecast, anomaly or operator')
    .option('--state <state>', 'open, acknowledged, recovered or past')
    .action(async (flags: ListFlags) => {
      const { limit, customer, kind, state } = flags;
      const request = { path: '/alerts', limit, query: { customer, kind, state } };
      await showList(openSession(scope, flags), request, {
        schema: alertReply,
        empty: 'No alerts.',
        columns: [
          { title: 'id', value: (alert) => alert.id },
          { title: 'at (UTC)', value: (alert) => formatInstant(alert.at) },
          { title: 'severity', value: (alert) => alert.severity },
          { title: 'state', value: (alert) => alert.state },
          {
            title: 'customer',
            value: ({ customer: owner }) => owner?.externalId ?? owner?.id ?? '',
          },
          { title: 'what', value: (alert) => alert.title },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['alerts list --state open', 'what nobody has dealt with'],
    ['alerts list --customer user-1 --json', ''],
  ]);
}

function registerAcknowledge(alerts: Command, scope: CommandScope): void {
  const acknowledge = alerts
    .command('acknowledge <id>')
    .alias('ack')
    .description('mark an alert as read; what it tells stays as it is')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const path = `/alerts/${encodeURIComponent(id)}/acknowledge`;
      const body = await client.admin('POST', path);
      output.data(body, () => {
        const alert = parseReply(alertReply, body);
        return `${alert.id} ${alert.state}: ${alert.title}`;
      });
    });
  addExamples(addClientOptions(acknowledge), scope, [['alerts acknowledge evt_…', '']]);
}

export function registerAlerts(program: Command, scope: CommandScope): void {
  const alerts = program
    .command('alerts')
    .alias('alert')
    .description('what happened, to whom, whether anybody has seen it');
  addExamples(alerts, scope, [
    ['alerts list --state open', 'what nobody has dealt with'],
    ['alerts acknowledge evt_…', 'marks one as read'],
  ]);
  registerList(alerts, scope);
  registerAcknowledge(alerts, scope);
}
