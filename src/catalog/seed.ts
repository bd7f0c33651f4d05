/**
 * The prices and model facts that ship with the gateway, read from the generated files.
 *
 * @module
 */
import factsFile from './data/model-facts.json' with { type: 'json' };
import priceFile from './data/price-book.json' with { type: 'json' };
import type { ModelFacts } from './model-facts.ts';
import type { PriceRow } from './price-row.ts';

/** A row of the generated file of model facts. */
interface FactsRow {
  readonly provider: string;
  readonly model: string;
  readonly context_window: number | null;
  readonly max_output_tokens: number | null;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly capabilities?: readonly string[];
}

/** The seeded price rows; rows without a source of their own have the file's. */
export function seedPriceRows(): readonly PriceRow[] {
  // JSON modules have plain strings for names of units; that each is one is checked where the file is built.
  const rows = priceFile.rows as readonly PriceRow[];
  const { source, checked_at } = priceFile.defaults;
  return rows.map((row) => ({ source, checked_at, ...row }));
}

/** The seeded facts, by provider and then by the name under which the price book lists the model. */
export function seedModelFacts(): ReadonlyMap<string, ReadonlyMap<string, ModelFacts>> {
  const rows: readonly FactsRow[] = factsFile.models;
  const byProvider = new Map<string, Map<string, ModelFacts>>();
  for (const row of rows) {
    let shelf = byProvider.get(row.provider);
    if (shelf === undefined) {
      shelf = new Map();
      byProvider.set(row.provider, shelf);
    }
    shelf.set(row.model, {
      contextWindow: row.context_window,
      maxOutputTokens: row.max_output_tokens,
      input: row.input ?? null,
      output: row.output ?? null,
      capabilities: row.capabilities ?? null,
    });
  }
  return byProvider;
}
