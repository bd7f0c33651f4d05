/**
 * The door to customers' credits. One implementation per store; every one passes `wallet.contract.ts`. Times are
 * milliseconds since the epoch, money is nano-USD.
 *
 * @module
 */
import type { CreditKind } from './core/wallet.ts';
import type { Page, PageQuery } from './ports.ts';

export interface NewCredit {
  readonly customerId: string;
  /** Names the grant within the customer, as the operator's own books do; null: one is made. */
  readonly reference: string | null;
  readonly kind: CreditKind;
  readonly amountNanoUsd: bigint;
  readonly reason: string | null;
  /** Lower is drawn first; then earliest expiry, then oldest. */
  readonly priority: number;
  /** Null: at once. */
  readonly effectiveAtMs: number | null;
  /** Null: never. */
  readonly expiresAtMs: number | null;
}

/** A grant as it was made; it never changes. */
export interface CreditTerms {
  readonly reference: string;
  readonly kind: CreditKind;
  readonly amountNanoUsd: bigint;
  readonly reason: string | null;
  readonly priority: number;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  readonly grantedAtMs: number;
}

/** A grant with what has become of it: `remaining + held + spent + expired = amount`. */
export interface Credit extends CreditTerms {
  /** Free to be drawn, once the grant is in effect. */
  readonly remainingNanoUsd: bigint;
  readonly heldNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  readonly expiredNanoUsd: bigint;
}

export interface Wallet {
  /** What calls can draw on now, less the debt; negative where more is owed than is free. */
  readonly balanceNanoUsd: bigint;
  readonly heldNanoUsd: bigint;
  /** Used beyond what was there; the next credit pays it. */
  readonly debtNanoUsd: bigint;
  /** Grants of which something is left or held, in the order in which they are drawn. */
  readonly grants: readonly Credit[];
}

/** One event of the ledger that changed credits; amounts are changes. */
export interface WalletEntry {
  readonly seq: number;
  readonly eventId: string;
  /** Kind of the event: `grant`, `settle`, `cover`, `adjust` … */
  readonly kind: string;
  readonly holdId: string | null;
  readonly atMs: number;
  readonly grantedNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  readonly debtNanoUsd: bigint;
  readonly expiredNanoUsd: bigint;
}

export interface Wallets {
  /** @throws GatewayError `not_found` for an unknown customer */
  wallet(customerId: string): Promise<Wallet>;
  /** Newest first. */
  entries(customerId: string, page: PageQuery): Promise<Page<WalletEntry>>;
  /**
   * Grants credit and pays debt with it. A reference that is known: nothing is granted, the terms are the first ones.
   *
   * @throws GatewayError `idempotency_mismatch` for a known reference with other terms, `not_found` for an unknown
   *   customer
   */
  grant(credit: NewCredit): Promise<CreditTerms>;
  /**
   * Takes back what is free of a grant; what is held stays with its calls. Repeated: what has come back since.
   *
   * @returns nano-USD taken back
   * @throws GatewayError `not_found` when the customer has no such grant
   */
  withdraw(customerId: string, reference: string): Promise<bigint>;
}
