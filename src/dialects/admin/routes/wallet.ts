/**
 * Credits of customers.
 *
 * @module
 */
import { z } from 'zod';
import { formatUsd, parseUsd } from '../../../contracts/money.ts';
import { CREDIT_KINDS } from '../../../metering/core/wallet.ts';
import type { Credit, CreditTerms, Wallet, WalletEntry } from '../../../metering/wallet-port.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  instantSchema,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  parseInstant,
  timeSchema,
  usdSchema,
} from '../shapes.ts';

/** A billion dollars: far below what an int64 of nano-USD holds, far above any sane top-up. */
const MAX_CREDIT_NANO_USD = 1_000_000_000_000_000_000n;

const referenceSchema = lineSchema(200).describe(
  'Names the grant within the customer, such as the number of your invoice.',
);
const kindSchema = z.enum(CREDIT_KINDS).describe('Paid for, given away, or a correction.');

const termsShape = {
  reference: z.string(),
  kind: kindSchema,
  amount: usdSchema,
  reason: z.string().nullable(),
  priority: z.int().describe('Lower is drawn first; then earliest expiry, then oldest.'),
  effective_at: timeSchema,
  expires_at: timeSchema.nullable(),
  created_at: timeSchema,
};

const termsSchema = z.strictObject(termsShape).meta({ id: 'CreditTerms' });

const creditSchema = z
  .strictObject({
    ...termsShape,
    remaining: usdSchema.describe('Free to be drawn, once in effect.'),
    held: usdSchema.describe('Reserved by calls in flight.'),
    spent: usdSchema,
    expired: usdSchema.describe('Over, or withdrawn.'),
  })
  .meta({ id: 'Credit' });

const entrySchema = z
  .strictObject({
    event: z.string().describe('Id of the event in the ledger.'),
    kind: z.string(),
    hold: z.string().nullable(),
    at: timeSchema,
    granted: usdSchema,
    spent: usdSchema,
    debt: usdSchema,
    expired: usdSchema,
  })
  .meta({ id: 'WalletEntry', description: 'What one event of the ledger changed the credits by.' });

const walletSchema = z
  .strictObject({
    customer: z.string(),
    currency: z.literal('USD'),
    balance: usdSchema.describe('What calls can draw on now, less the debt.'),
    held: usdSchema,
    debt: usdSchema.describe('Used beyond what was there; the next credit pays it.'),
    grants: z
      .array(creditSchema)
      .describe('Those of which something is left or held, in the order in which they are drawn.'),
    entries: listSchema(entrySchema).describe('Newest first.'),
  })
  .meta({ id: 'Wallet' });

const newCreditSchema = z
  .strictObject({
    amount: z
      .union([z.string().max(40), z.int()])
      .describe('US dollars, as a decimal string with at most nine places, or whole dollars.'),
    kind: kindSchema.optional(),
    reference: referenceSchema.optional(),
    reason: lineSchema(500).nullable().optional(),
    priority: z.int().min(-1000).max(1000).optional(),
    effective_at: instantSchema.nullable().optional(),
    expires_at: instantSchema.nullable().optional(),
  })
  .meta({ id: 'CreditInput' });

const withdrawalSchema = z
  .strictObject({ reference: z.string(), withdrawn: usdSchema })
  .meta({ id: 'Withdrawal' });

const params = z.strictObject({ id: customerNameSchema });

function showTerms(terms: CreditTerms): z.input<typeof termsSchema> {
  return {
    reference: terms.reference,
    kind: terms.kind,
    amount: formatUsd(terms.amountNanoUsd),
    reason: terms.reason,
    priority: terms.priority,
    effective_at: formatTime(terms.effectiveAtMs),
    expires_at: formatTimeOrNull(terms.expiresAtMs),
    created_at: formatTime(terms.grantedAtMs),
  };
}

function showCredit(credit: Credit): z.input<typeof creditSchema> {
  return {
    ...showTerms(credit),
    remaining: formatUsd(credit.remainingNanoUsd),
    held: formatUsd(credit.heldNanoUsd),
    spent: formatUsd(credit.spentNanoUsd),
    expired: formatUsd(credit.expiredNanoUsd),
  };
}

function showEntry(entry: WalletEntry): z.input<typeof entrySchema> {
  return {
    event: entry.eventId,
    kind: entry.kind,
    hold: entry.holdId,
    at: formatTime(entry.atMs),
    granted: formatUsd(entry.grantedNanoUsd),
    spent: formatUsd(entry.spentNanoUsd),
    debt: formatUsd(entry.debtNanoUsd),
    expired: formatUsd(entry.expiredNanoUsd),
  };
}

/** A wallet's sums, as the control plane and the customer see them. */
export function showBalance(wallet: Wallet): {
  currency: 'USD';
  balance: string;
  held: string;
  debt: string;
} {
  return {
    currency: 'USD',
    balance: formatUsd(wallet.balanceNanoUsd),
    held: formatUsd(wallet.heldNanoUsd),
    debt: formatUsd(wallet.debtNanoUsd),
  };
}

/** @throws GatewayError `invalid_request` naming `amount` */
function amountOf(text: string | number): bigint {
  const amount = parseUsd(String(text), 'amount');
  if (amount <= 0n) throw invalidRequest('amount', 'must be more than zero.');
  if (amount > MAX_CREDIT_NANO_USD) throw invalidRequest('amount', 'must be at most a billion.');
  return amount;
}

function instantOrNull(text: string | null | undefined, param: string): number | null {
  return text === null || text === undefined ? null : parseInstant(text, param);
}

/** Routes below `/customers/{id}/wallet`. */
export const walletRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/customers/{id}/wallet',
    operationId: 'getWallet',
    summary: 'Read the credits of a customer',
    description: '`limit` and `cursor` page through the entries.',
    tag: 'customers',
    params,
    query: z.strictObject(pageQuery),
    reply: walletSchema,
    errors: ['not_found'],
    async handle(input, { store }) {
      const { customer } = await findCustomer(store, input.params.id, 'id');
      const wallet = await store.wallets.wallet(customer.id);
      const page = await store.wallets.entries(customer.id, pageOf(input.query));
      return {
        customer: customer.externalId,
        ...showBalance(wallet),
        grants: wallet.grants.map(showCredit),
        entries: { data: page.data.map(showEntry), next_cursor: page.nextCursor },
      };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/customers/{id}/wallet/grants',
    operationId: 'grantCredit',
    summary: 'Grant credit to a customer',
    description:
      'Debt is paid out of it first. Repeated with the same `reference` and body it grants nothing more and answers the same.',
    tag: 'customers',
    params,
    body: newCreditSchema,
    example: { amount: '25.00', reference: 'invoice-1042' },
    status: 201,
    reply: termsSchema,
    errors: ['not_found', 'idempotency_mismatch'],
    async handle(input, { store, now }) {
      const { body } = input;
      const { customer } = await findCustomer(store, input.params.id, 'id');
      const amountNanoUsd = amountOf(body.amount);
      const effectiveAtMs = instantOrNull(body.effective_at, 'effective_at');
      const expiresAtMs = instantOrNull(body.expires_at, 'expires_at');
      // A repetition may come after the expiry; whether it is one only the store knows.
      if (expiresAtMs !== null && expiresAtMs <= (effectiveAtMs ?? 0)) {
        throw invalidRequest('expires_at', 'must be after "effective_at".');
      }
      if (expiresAtMs !== null && body.reference === undefined && expiresAtMs <= now()) {
        throw invalidRequest('expires_at', 'must be in the future.');
      }
      const terms = await store.wallets.grant({
        customerId: customer.id,
        reference: body.reference ?? null,
        kind: body.kind ?? 'top_up',
        amountNanoUsd,
        reason: body.reason ?? null,
        priority: body.priority ?? 0,
        effectiveAtMs,
        expiresAtMs,
      });
      return showTerms(terms);
    },
  }),
  adminRoute({
    method: 'delete',
    path: '/customers/{id}/wallet/grants/{reference}',
    operationId: 'withdrawCredit',
    summary: 'Withdraw what is free of a grant',
    description:
      'What calls in flight hold stays with them; repeated, it takes back what has been released since.',
    tag: 'customers',
    params: z.strictObject({ id: customerNameSchema, reference: referenceSchema }),
    reply: withdrawalSchema,
    errors: ['not_found'],
    async handle(input, { store }) {
      const { reference } = input.params;
      const { customer } = await findCustomer(store, input.params.id, 'id');
      const withdrawn = await store.wallets.withdraw(customer.id, reference);
      return { reference, withdrawn: formatUsd(withdrawn) };
    },
  }),
];
