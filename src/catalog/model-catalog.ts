/**
 * Names of models to candidates, and what `GET /v1/models` says of them.
 *
 * @module
 */
import { formatUsd } from '../contracts/money.ts';
import type { UsageUnit } from '../contracts/usage.ts';
import { UNKNOWN_MODEL, type ModelFacts } from './model-facts.ts';
import { createPriceBook, type ListedModel, type PriceBook } from './price-book.ts';
import type { PriceItem } from './price-item.ts';
import { seedModelFacts, seedPriceRows } from './seed.ts';

/** A provider that the operator has set up. */
export interface ConfiguredProvider {
  readonly id: string;
  /** Key of its prices where it differs from `id`. */
  readonly priceBookId?: string;
}

/** A name of the operator's own with candidates in order of preference, each `provider/model`. */
export interface ModelAlias {
  readonly alias: string;
  readonly candidates: readonly string[];
}

export interface ModelCandidate {
  readonly provider: string;
  /** Model id as the provider knows it. */
  readonly model: string;
  /** `provider/model`: one text for all calls, since each new one would be hashed again wherever it is looked up. */
  readonly name: string;
  readonly facts: ModelFacts;
  /** Its prices; null: unpriced at any time. */
  readonly listed: ListedModel | null;
}

/** One line of the list of models. */
export interface ModelListing {
  /** `provider/model`, or the alias. */
  readonly id: string;
  /** Provider id; of an alias its first candidate's. */
  readonly ownedBy: string;
  /** Candidates of an alias; null for a model. */
  readonly candidates: readonly string[] | null;
  readonly facts: ModelFacts;
  /** US dollars per 1,000,000 units by class as decimal strings, the lowest context tier. */
  readonly usdPerMillion: Readonly<Partial<Record<UsageUnit, string>>>;
}

export interface ModelCatalogOptions {
  readonly configuredProviders: readonly ConfiguredProvider[];
  readonly aliases: readonly ModelAlias[];
  /** Default: the prices that ship with the gateway. */
  readonly priceBook?: PriceBook;
  /** Default: the facts that ship with the gateway. */
  readonly facts?: ReadonlyMap<string, ReadonlyMap<string, ModelFacts>>;
}

export interface ModelCatalog {
  readonly priceBook: PriceBook;
  /**
   * Candidates of an alias, of `provider/model` (first slash), or of a bare model name that exactly one
   * configured provider lists; null for any other name. Never empty.
   */
  resolve(name: string): readonly ModelCandidate[] | null;
  /** The price that holds at `atMs`, or null: unpriced. */
  priceOf(provider: string, model: string, atMs: number): PriceItem | null;
  /** The prices that hold at `atMs` in each service tier, the standard first; empty: unpriced. */
  tierPricesOf(provider: string, model: string, atMs: number): readonly PriceItem[];
  /** True when the price book lists both names as one model. */
  isSameModel(provider: string, model: string, other: string): boolean;
  /** Facts of a model, with null members where nothing is known. */
  factsOf(provider: string, model: string): ModelFacts;
  /** Aliases and priced models of the configured providers, in that order. */
  list(atMs: number): readonly ModelListing[];
}

const RESOLVED_NAMES_CAP = 4096;
const MINUTE_MS = 60_000;

class Catalog implements ModelCatalog {
  readonly priceBook: PriceBook;
  readonly #facts: ReadonlyMap<string, ReadonlyMap<string, ModelFacts>>;
  readonly #bookIds: ReadonlyMap<string, string>;
  readonly #aliases: ReadonlyMap<string, readonly ModelCandidate[]>;
  readonly #priced: ReadonlySet<string>;
  /** Bounded, since callers choose the names. */
  readonly #resolved = new Map<string, readonly ModelCandidate[] | null>();
  #listed: { readonly minute: number; readonly models: readonly ModelListing[] } | null = null;

  constructor(options: ModelCatalogOptions) {
    this.priceBook = options.priceBook ?? createPriceBook(seedPriceRows());
    this.#facts = options.facts ?? seedModelFacts();
    this.#bookIds = new Map(
      options.configuredProviders.map(({ id, priceBookId }) => [id, priceBookId ?? id]),
    );
    this.#priced = new Set(this.priceBook.providers);
    this.#aliases = new Map(
      options.aliases.map(({ alias, candidates }) => [
        alias,
        candidates.flatMap((name) => this.#fromPath(name) ?? []),
      ]),
    );
  }

  resolve(name: string): readonly ModelCandidate[] | null {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    const found = this.#find(name);
    if (this.#resolved.size >= RESOLVED_NAMES_CAP) this.#resolved.clear();
    this.#resolved.set(name, found);
    return found;
  }

  priceOf(provider: string, model: string, atMs: number): PriceItem | null {
    return this.priceBook.find(this.#bookIds.get(provider) ?? provider, model, atMs);
  }

  tierPricesOf(provider: string, model: string, atMs: number): readonly PriceItem[] {
    return this.priceBook.findTiers(this.#bookIds.get(provider) ?? provider, model, atMs);
  }

  isSameModel(provider: string, model: string, other: string): boolean {
    const bookId = this.#bookIds.get(provider) ?? provider;
    const listed = this.priceBook.canonicalModel(bookId, model);
    return listed !== null && listed === this.priceBook.canonicalModel(bookId, other);
  }

  factsOf(provider: string, model: string): ModelFacts {
    const bookId = this.#bookIds.get(provider) ?? provider;
    const shelf = this.#facts.get(bookId);
    if (shelf === undefined) return UNKNOWN_MODEL;
    const exact = shelf.get(model);
    if (exact !== undefined) return exact;
    const listed = this.priceBook.canonicalModel(bookId, model);
    return (listed === null ? undefined : shelf.get(listed)) ?? UNKNOWN_MODEL;
  }

  list(atMs: number): readonly ModelListing[] {
    // Prices change on whole minutes (price rows allow no finer instants), so a minute's list is one list.
    const minute = Math.floor(atMs / MINUTE_MS);
    if (this.#listed?.minute === minute) return this.#listed.models;
    const models = [...this.#aliasListings(atMs), ...this.#modelListings(atMs)];
    this.#listed = { minute, models };
    return models;
  }

  #find(name: string): readonly ModelCandidate[] | null {
    const alias = this.#aliases.get(name);
    if (alias !== undefined) return alias.length === 0 ? null : alias;
    const direct = this.#fromPath(name);
    if (direct !== null) return [direct];
    // `openai/…` without OpenAI set up must not quietly become another provider's model of that name.
    const slash = name.indexOf('/');
    if (slash > 0 && this.#priced.has(name.slice(0, slash))) return null;
    const holders = [...this.#bookIds]
      .filter(([, bookId]) => this.priceBook.canonicalModel(bookId, name) !== null)
      .map(([provider]) => this.#candidate(provider, name));
    return holders.length === 1 ? holders : null;
  }

  #fromPath(name: string): ModelCandidate | null {
    const slash = name.indexOf('/');
    if (slash <= 0 || slash === name.length - 1) return null;
    const provider = name.slice(0, slash);
    return this.#bookIds.has(provider) ? this.#candidate(provider, name.slice(slash + 1)) : null;
  }

  #candidate(provider: string, model: string): ModelCandidate {
    return {
      provider,
      model,
      name: `${provider}/${model}`,
      facts: this.factsOf(provider, model),
      listed: this.priceBook.listed(this.#bookIds.get(provider) ?? provider, model),
    };
  }

  #aliasListings(atMs: number): ModelListing[] {
    return [...this.#aliases].flatMap(([alias, candidates]) => {
      const [first] = candidates;
      if (first === undefined) return [];
      const item = this.priceOf(first.provider, first.model, atMs);
      return [
        {
          id: alias,
          ownedBy: first.provider,
          candidates: candidates.map((candidate) => candidate.name),
          facts: first.facts,
          usdPerMillion: item === null ? {} : usdPerMillion(item),
        },
      ];
    });
  }

  #modelListings(atMs: number): ModelListing[] {
    return [...this.#bookIds].flatMap(([provider, bookId]) =>
      this.priceBook.models(bookId).flatMap((model) => {
        const item = this.priceBook.find(bookId, model, atMs);
        if (item === null) return [];
        return [
          {
            id: `${provider}/${model}`,
            ownedBy: provider,
            candidates: null,
            facts: this.factsOf(provider, model),
            usdPerMillion: usdPerMillion(item),
          },
        ];
      }),
    );
  }
}

function usdPerMillion(item: PriceItem): Partial<Record<UsageUnit, string>> {
  const prices: Partial<Record<UsageUnit, string>> = {};
  for (const unit of item.listed) prices[unit] = formatUsd(BigInt(item.tiers[0].rates[unit]));
  return prices;
}

/** A catalogue over the configured providers. */
export function createModelCatalog(options: ModelCatalogOptions): ModelCatalog {
  return new Catalog(options);
}
