/**
 * The price book: immutable, known by its content, looked up by exact name.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { canonicalPrice, createPriceItem, holdsAt, type PriceItem } from './price-item.ts';
import type { PriceRow } from './price-row.ts';

export interface PriceBook {
  /** `pb_` and a hash of the content: equal books have equal ids. */
  readonly id: string;
  /**
   * The price that holds at `atMs`, or null: unpriced. Names match exactly or with a version suffix cut off
   * ({@link baseNameOf}), never by prefix: a new variant has a price of its own.
   */
  find(provider: string, model: string, atMs: number): PriceItem | null;
  /** The model whose prices {@link find} looks through, or null when it has none at any time. */
  listed(provider: string, model: string): ListedModel | null;
  /** The prices that hold at `atMs` in each service tier, the standard first; empty: unpriced. */
  findTiers(provider: string, model: string, atMs: number): readonly PriceItem[];
  /** The name under which the book lists the model, or null when it has none at any time. */
  canonicalModel(provider: string, model: string): string | null;
  /** Models listed for a provider, in the order of the rows. */
  models(provider: string): readonly string[];
  /** Every provider that has at least one row. */
  readonly providers: readonly string[];
  /** Every item, for exports and for audits. */
  readonly items: readonly PriceItem[];
}

/** A model as a book lists it: all its prices. */
export interface ListedModel {
  readonly model: string;
  /** Of the standard service, in precedence order: of those that hold, the last wins. */
  readonly items: PriceItem[];
  /** Of the other service tiers, each in precedence order. */
  readonly tiers: Map<string, PriceItem[]>;
  /** Set while there is one item that always holds: the usual case needs no search. */
  always: PriceItem | null;
}

interface Shelf {
  readonly byName: Map<string, ListedModel>;
  /** Names asked for that need rewriting or are unknown; bounded, since callers choose them. */
  readonly resolved: Map<string, ListedModel | null>;
  readonly models: string[];
}

const RESOLVED_NAMES_CAP = 4096;
const RESOURCE_PREFIX = 'models/';
/**
 * Suffixes by which vendors name a snapshot of a model: `-2024-08-06` (OpenAI), `-20250514` and `@20250514`
 * (Anthropic, also on Vertex), `-001` (Gemini's stable versions,
 * https://ai.google.dev/gemini-api/docs/models).
 */
const SNAPSHOT_SUFFIX =
  /^(.+)(?:-20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|-0\d\d)$/;

/** The model that a dated or numbered snapshot belongs to, or null when the name has no such suffix. */
export function baseNameOf(model: string): string | null {
  return SNAPSHOT_SUFFIX.exec(model)?.[1] ?? null;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function resolveName(shelf: Shelf, asked: string): ListedModel | null {
  const name = asked.startsWith(RESOURCE_PREFIX) ? asked.slice(RESOURCE_PREFIX.length) : asked;
  const lower = name.toLowerCase();
  const exact = shelf.byName.get(name) ?? shelf.byName.get(lower);
  if (exact !== undefined) return exact;
  const base = baseNameOf(lower);
  return base === null ? null : (shelf.byName.get(base) ?? null);
}

function lookUp(shelf: Shelf, model: string): ListedModel | null {
  const direct = shelf.byName.get(model);
  if (direct !== undefined) return direct;
  const known = shelf.resolved.get(model);
  if (known !== undefined) return known;
  const found = resolveName(shelf, model);
  if (shelf.resolved.size >= RESOLVED_NAMES_CAP) shelf.resolved.clear();
  shelf.resolved.set(model, found);
  return found;
}

/** The price of a listed model that holds at `atMs`, or null: unpriced. */
export function priceAt(listed: ListedModel, atMs: number): PriceItem | null {
  return listed.always ?? lastThatHolds(listed.items, atMs);
}

function lastThatHolds(items: readonly PriceItem[], atMs: number): PriceItem | null {
  return items.findLast((item) => holdsAt(item, atMs)) ?? null;
}

function tierItemsOf(entry: ListedModel, atMs: number): readonly PriceItem[] {
  const standard = priceAt(entry, atMs);
  const others = [...entry.tiers.values()].flatMap((items) => lastThatHolds(items, atMs) ?? []);
  return standard === null ? others : [standard, ...others];
}

function isTimeless(item: PriceItem): boolean {
  return item.effectiveFromMs === null && item.effectiveUntilMs === null && item.daily === null;
}

/** The item of a row, under the id that any book gives it. */
export function itemOfRow(row: PriceRow): PriceItem {
  return createPriceItem(row, hashOf(canonicalPrice(row)).slice(0, 8));
}

/** Own names first, then aliases, then lower-case forms: a name with its own row is never shadowed. */
function nameEntries(
  shelf: Shelf,
  rows: readonly PriceRow[],
  entries: ReadonlyMap<string, ListedModel>,
): void {
  for (const row of rows) {
    const entry = entries.get(row.model);
    if (entry === undefined) continue;
    for (const alias of row.aliases ?? []) {
      if (!shelf.byName.has(alias)) shelf.byName.set(alias, entry);
    }
  }
  for (const [name, entry] of shelf.byName) {
    const lower = name.toLowerCase();
    if (!shelf.byName.has(lower)) shelf.byName.set(lower, entry);
  }
}

function buildShelf(rows: readonly PriceRow[]): Shelf {
  const entries = new Map<string, ListedModel>();
  for (const row of rows) {
    let entry = entries.get(row.model);
    if (entry === undefined) {
      entry = { model: row.model, items: [], tiers: new Map(), always: null };
      entries.set(row.model, entry);
    }
    const item = itemOfRow(row);
    if (row.service_tier === undefined) entry.items.push(item);
    else entry.tiers.set(row.service_tier, [...(entry.tiers.get(row.service_tier) ?? []), item]);
  }
  for (const entry of entries.values()) {
    const last = entry.items[entry.items.length - 1];
    entry.always = last !== undefined && isTimeless(last) ? last : null;
  }
  const shelf: Shelf = {
    byName: new Map(entries),
    resolved: new Map(),
    models: [...entries.keys()],
  };
  nameEntries(shelf, rows, entries);
  return shelf;
}

/**
 * Builds a book from rows. Later rows of a model win over earlier ones that hold at the same time.
 *
 * @throws GatewayError `invalid_request` for a row that contradicts itself
 */
export function createPriceBook(rows: readonly PriceRow[]): PriceBook {
  const rowsByProvider = new Map<string, PriceRow[]>();
  const digest = createHash('sha256');
  for (const row of rows) {
    digest.update(canonicalPrice(row)).update('\n');
    const own = rowsByProvider.get(row.provider);
    if (own === undefined) rowsByProvider.set(row.provider, [row]);
    else own.push(row);
  }
  const shelves = new Map<string, Shelf>();
  const listed = (provider: string, model: string): ListedModel | null => {
    const shelf = shelves.get(provider);
    return shelf === undefined ? null : lookUp(shelf, model);
  };
  for (const [provider, own] of rowsByProvider) shelves.set(provider, buildShelf(own));
  const items = [...shelves.values()].flatMap((shelf) =>
    shelf.models.flatMap((model) => {
      const entry = shelf.byName.get(model);
      return entry === undefined ? [] : [...entry.items, ...[...entry.tiers.values()].flat()];
    }),
  );
  return {
    id: `pb_${digest.digest('hex').slice(0, 26)}`,
    items,
    providers: [...shelves.keys()],
    find(provider, model, atMs) {
      const entry = listed(provider, model);
      return entry === null ? null : priceAt(entry, atMs);
    },
    listed,
    findTiers(provider, model, atMs) {
      const entry = listed(provider, model);
      return entry === null ? [] : tierItemsOf(entry, atMs);
    },
    canonicalModel: (provider, model) => listed(provider, model)?.model ?? null,
    models(provider) {
      return shelves.get(provider)?.models ?? [];
    },
  };
}
