/**
 * What the control plane needs from the process that mounts it.
 *
 * @module
 */
import type { PriceBook } from '../../catalog/price-book.ts';
import type { IdSource } from '../../contracts/ids.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { UsageUnit } from '../../contracts/usage.ts';
import type { ProviderView, RouteView } from '../../gateway/route-view.ts';
import type { ReplySeal } from '../../gateway/reply-seal.ts';
import type { WebhookRecord } from '../../metering/alerts-port.ts';
import type { JobRecord } from '../../metering/job-port.ts';
import type { CustomerRecord, KeyRecord, MeteringStore } from '../../metering/ports.ts';
import type { PriceRuleRecord } from '../../metering/price-port.ts';

/** The settings as they may be shown; secrets are gone already. */
export interface ShownConfig {
  readonly file: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly origins: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/** One line of the list of models; the model catalogue's listings fit. */
export interface ShownModel {
  readonly id: string;
  readonly ownedBy: string;
  readonly candidates: readonly string[] | null;
  readonly facts: {
    readonly contextWindow: number | null;
    readonly maxOutputTokens: number | null;
    readonly input: readonly string[] | null;
    readonly output: readonly string[] | null;
    readonly capabilities: readonly string[] | null;
  };
  readonly usdPerMillion: Readonly<Partial<Record<UsageUnit, string>>>;
}

/** Models and prices, read only; the model catalogue fits. */
export interface ShownCatalogue {
  readonly priceBook: Pick<PriceBook, 'id' | 'items' | 'find' | 'findTiers' | 'canonicalModel'>;
  list(atMs: number): readonly ShownModel[];
}

/** What webhooks need of the process: secrets, a look at a URL, a test send. */
export interface WebhookTools {
  /** A new signing secret, and as it is stored. */
  newSecret(): { readonly secret: string; readonly sealed: string };
  /** What is wrong with a URL; null: it may be registered. */
  urlProblem(url: string): string | null;
  test(webhook: WebhookRecord): Promise<{
    readonly outcome: 'delivered' | 'failed' | 'refused' | 'gone';
    readonly eventId: string;
    readonly status: number | null;
    readonly error: string | null;
    readonly reply: string | null;
    readonly durationMs: number;
  }>;
}

export interface AdminDependencies {
  readonly store: MeteringStore;
  /** Encrypts replies that are kept under an idempotency key. */
  readonly replySeal: ReplySeal;
  readonly now: () => number;
  readonly ids: IdSource;
  /** Lower-case hex SHA-256 of a whole key. */
  readonly hashKey: (key: string) => string;
  /** A new whole key, `agk_…`. */
  readonly randomKey: () => string;
  /** Called with every key made, rotated or revoked, before the reply leaves. */
  readonly onKeyChange: (key: KeyRecord) => void;
  readonly onCustomerChange: (customer: CustomerRecord) => void;
  /** Told of all price rules, retired ones too, when one was made or retired. */
  readonly onPriceRules: (rules: readonly PriceRuleRecord[]) => void;
  readonly config: () => ShownConfig;
  readonly catalogue: ShownCatalogue;
  readonly webhookTools: WebhookTools;
  /** Providers, and where a call would go; null for a model that is not known. */
  readonly routing: {
    providers(): readonly ProviderView[];
    explain(model: string, operation: Operation): RouteView | null;
  };
  /** Removes stored media with its bytes. False where there is none of this id. */
  readonly removeAsset: (id: string) => Promise<boolean>;
  /** Asks a job's provider to stop. @throws GatewayError `conflict` where it has ended, or cannot be stopped */
  readonly cancelJob: (job: JobRecord) => Promise<JobRecord>;
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
  /** The product's version, stated in `openapi.json`. */
  readonly version: string;
  /** Told of faults of our own before the client is told that something failed. */
  readonly onInternalError: (error: unknown, requestId: string) => void;
}
