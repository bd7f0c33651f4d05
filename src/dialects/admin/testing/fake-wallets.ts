/**
 * Credits in memory, for tests of the control plane: granted and withdrawn, never drawn on.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { IdSource } from '../../../contracts/ids.ts';
import type {
  Credit,
  CreditTerms,
  NewCredit,
  WalletEntry,
  Wallets,
} from '../../../metering/wallet-port.ts';

interface Kept {
  readonly asked: string;
  readonly terms: CreditTerms;
  withdrawn: bigint;
}

function askedText(credit: NewCredit): string {
  return JSON.stringify(credit, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function creditOf({ terms, withdrawn }: Kept, nowMs: number): Credit {
  const free = terms.amountNanoUsd - withdrawn;
  const isOver = terms.expiresAtMs !== null && terms.expiresAtMs <= nowMs;
  return {
    ...terms,
    remainingNanoUsd: isOver ? 0n : free,
    heldNanoUsd: 0n,
    spentNanoUsd: 0n,
    expiredNanoUsd: isOver ? terms.amountNanoUsd : withdrawn,
  };
}

/** Makes the wallets of all customers, empty. */
export function createFakeWallets(options: {
  readonly now: () => number;
  readonly ids: IdSource;
}): Wallets {
  const { now, ids } = options;
  const kept = new Map<string, Map<string, Kept>>();
  const entries = new Map<string, WalletEntry[]>();
  const grantsOf = (customerId: string): Map<string, Kept> => {
    const found = kept.get(customerId) ?? new Map<string, Kept>();
    kept.set(customerId, found);
    return found;
  };
  const note = (customerId: string, eventId: string, change: Partial<WalletEntry>): void => {
    const list = entries.get(customerId) ?? [];
    const nothing = { grantedNanoUsd: 0n, spentNanoUsd: 0n, debtNanoUsd: 0n, expiredNanoUsd: 0n };
    const kind = change.grantedNanoUsd === undefined ? 'adjust' : 'grant';
    const seq = list.length + 1;
    list.push({ seq, eventId, kind, holdId: null, atMs: now(), ...nothing, ...change });
    entries.set(customerId, list);
  };
  return {
    async wallet(customerId) {
      const grants = [...grantsOf(customerId).values()]
        .map((one) => creditOf(one, now()))
        .filter(({ remainingNanoUsd }) => remainingNanoUsd > 0n);
      const balanceNanoUsd = grants
        .filter(({ effectiveAtMs }) => effectiveAtMs <= now())
        .reduce((sum, { remainingNanoUsd }) => sum + remainingNanoUsd, 0n);
      return { balanceNanoUsd, heldNanoUsd: 0n, debtNanoUsd: 0n, grants };
    },
    async entries(customerId, { limit, cursor }) {
      const before = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);
      const rows = (entries.get(customerId) ?? []).filter(({ seq }) => seq < before).toReversed();
      const data = rows.slice(0, limit);
      const more = rows.length > limit;
      return { data, nextCursor: more ? String(data.at(-1)?.seq) : null };
    },
    async grant(credit) {
      const grants = grantsOf(credit.customerId);
      const reference = credit.reference ?? ids.next('evt');
      const known = grants.get(reference);
      const asked = askedText(credit);
      if (known !== undefined && known.asked !== asked) {
        throw new GatewayError('idempotency_mismatch', {
          message: `The reference "${reference}" names another grant.`,
          param: 'reference',
        });
      }
      if (known !== undefined) return known.terms;
      const { customerId: _, ...given } = credit;
      const effectiveAtMs = credit.effectiveAtMs ?? now();
      const terms = { ...given, reference, effectiveAtMs, grantedAtMs: now() };
      grants.set(reference, { asked, terms, withdrawn: 0n });
      note(credit.customerId, `grant:${reference}`, { grantedNanoUsd: credit.amountNanoUsd });
      return terms;
    },
    async withdraw(customerId, reference) {
      const found = grantsOf(customerId).get(reference);
      if (found === undefined) {
        throw new GatewayError('not_found', { message: `There is no grant "${reference}".` });
      }
      const free = found.terms.amountNanoUsd - found.withdrawn;
      found.withdrawn += free;
      if (free > 0n) note(customerId, `withdraw:${reference}`, { expiredNanoUsd: free });
      return free;
    },
  };
}
