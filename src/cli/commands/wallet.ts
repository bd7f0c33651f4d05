/**
 * `alwrity-gateway wallet …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { z } from 'zod';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  openSession,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatInstant, formatMoney } from '../format.ts';
import type { Colors } from '../output.ts';
import { renderPairs, renderTable } from '../table.ts';

const grantReply = z.looseObject({
  reference: z.string(),
  kind: z.string(),
  amount: z.string(),
  reason: z.string().nullable(),
  priority: z.number(),
  expires_at: z.string().nullable(),
});

const walletReply = z.looseObject({
  customer: z.string(),
  balance: z.string(),
  held: z.string(),
  debt: z.string(),
  grants: z.array(grantReply.extend({ remaining: z.string() })),
  entries: z.looseObject({
    data: z.array(
      z.looseObject({
        kind: z.string(),
        at: z.string(),
        granted: z.string(),
        spent: z.string(),
        debt: z.string(),
        expired: z.string(),
      }),
    ),
  }),
});
type WalletReply = z.infer<typeof walletReply>;

const withdrawalReply = z.looseObject({ reference: z.string(), withdrawn: z.string() });

function moneyCell(amount: string): string {
  return Number(amount) === 0 ? '' : formatMoney(amount);
}

function walletText(wallet: WalletReply, colors: Colors): string {
  const sums = renderPairs(
    [
      ['customer', wallet.customer],
      ['balance', formatMoney(wallet.balance)],
      ['held', formatMoney(wallet.held)],
      ['debt', Number(wallet.debt) === 0 ? null : formatMoney(wallet.debt)],
    ],
    colors,
  );
  const grants = renderTable(
    wallet.grants,
    [
      { title: 'grant', value: (row) => row.reference },
      { title: 'kind', value: (row) => row.kind },
      { title: 'left', align: 'right', value: (row) => formatMoney(row.remaining) },
      { title: 'of', align: 'right', value: (row) => formatMoney(row.amount) },
      { title: 'priority', align: 'right', value: (row) => String(row.priority) },
      { title: 'expires (UTC)', value: (row) => formatInstant(row.expires_at) },
    ],
    colors,
  );
  const entries = renderTable(
    wallet.entries.data,
    [
      { title: 'at (UTC)', value: (row) => formatInstant(row.at) },
      { title: 'event', value: (row) => row.kind },
      { title: 'granted', align: 'right', value: (row) => moneyCell(row.granted) },
      { title: 'spent', align: 'right', value: (row) => moneyCell(row.spent) },
      { title: 'debt', align: 'right', value: (row) => moneyCell(row.debt) },
      { title: 'expired', align: 'right', value: (row) => moneyCell(row.expired) },
    ],
    colors,
  );
  const parts = [sums];
  if (wallet.grants.length > 0) parts.push(grants);
  if (wallet.entries.data.length > 0) parts.push(entries);
  return parts.join('\n\n');
}

function pathOf(customer: string): string {
  return `/customers/${encodeURIComponent(customer)}/wallet`;
}

interface GrantFlags extends CommonFlags {
  readonly kind?: string;
  readonly reference?: string;
  readonly reason?: string;
  readonly priority?: string;
  readonly effectiveAt?: string;
  readonly expiresAt?: string;
}

function registerGrant(wallet: Command, scope: CommandScope): void {
  const grant = wallet
    .command('grant <customer> <usd>')
    .description('give credit: a top-up that was paid, a promotion, or an adjustment')
    .option('--kind <word>', 'top_up (default), promo or adjustment')
    .option('--reference <text>', 'your own name for it; the same one twice grants once')
    .option('--reason <text>', 'for people')
    .option('--priority <number>', 'lower is drawn first (0)')
    .option('--effective-at <time>', 'from when on it may be drawn (now)')
    .option('--expires-at <time>', 'until when (for ever)')
    .action(async (customer: string, amount: string, flags: GrantFlags) => {
      const { kind, reference, reason, priority, effectiveAt, expiresAt } = flags;
      const body = {
        amount,
        ...(kind === undefined ? {} : { kind }),
        ...(reference === undefined ? {} : { reference }),
        ...(reason === undefined ? {} : { reason }),
        ...(priority === undefined ? {} : { priority: Number(priority) }),
        ...(effectiveAt === undefined ? {} : { effective_at: effectiveAt }),
        ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      };
      const { client, output } = openSession(scope, flags);
      const made = await client.admin('POST', `${pathOf(customer)}/grants`, { body });
      output.data(made, () => {
        const granted = parseReply(grantReply, made);
        return `${formatMoney(granted.amount)} granted to ${customer} (${granted.kind}, reference ${granted.reference})`;
      });
    });
  addExamples(addClientOptions(grant), scope, [
    ['wallet grant user-1 25.00 --reference invoice-1042', ''],
    ['wallet grant user-1 5 --kind promo --expires-at 2027-01-01 --priority -1', 'drawn first'],
  ]);
}

export function registerWallet(program: Command, scope: CommandScope): void {
  const wallet = program
    .command('wallet')
    .description('credits of a customer: show, grant, withdraw');
  addExamples(wallet, scope, [
    ['wallet show user-1', ''],
    ['wallet grant user-1 25.00 --reference invoice-1042', ''],
    ['wallet withdraw user-1 spring-promo', ''],
  ]);
  const show = wallet
    .command('show <customer>')
    .description('balance, what is left of each grant, and the last entries')
    .action(async (customer: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), pathOf(customer), {
        schema: walletReply,
        text: walletText,
      });
    });
  addExamples(addClientOptions(show), scope, [['wallet show user-1', '']]);
  registerGrant(wallet, scope);
  const withdraw = wallet
    .command('withdraw <customer> <reference>')
    .description('take back what is free of a grant; what calls in flight hold stays with them')
    .action(async (customer: string, reference: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const path = `${pathOf(customer)}/grants/${encodeURIComponent(reference)}`;
      const body = await client.admin('DELETE', path);
      output.data(body, () => {
        const taken = parseReply(withdrawalReply, body);
        return `${formatMoney(taken.withdrawn)} of ${taken.reference} withdrawn`;
      });
    });
  addExamples(addClientOptions(withdraw), scope, [['wallet withdraw user-1 spring-promo', '']]);
}
