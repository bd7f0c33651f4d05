/**
 * Builds `src/catalog/data/price-book.json` and `model-facts.json` from @pydantic/genai-prices, our own hand
 * files, and LiteLLM's table of model facts, and prints what changed.
 *
 * Run: `node scripts/build-price-book.ts [path of LiteLLM's model_prices_and_context_window.json]`
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFacts, renderFacts } from './price-book/facts.ts';
import { loadGenaiPrices, type SourceModel } from './price-book/genai-prices.ts';
import { buildRows, renderRows, type BuildNotes } from './price-book/rows.ts';
import { parseMediaPrices } from './price-book/media-prices.ts';
import { parseOwnPrices } from './price-book/own-prices.ts';
import { parseTierPrices } from './price-book/tier-prices.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DATA = join(ROOT, 'src/catalog/data');
const DEFAULT_FACTS_TABLE = join(ROOT, '../shared/fixtures/prices/litellm-model-prices.json');

export interface BuiltBook {
  readonly priceBook: string;
  /** Null when LiteLLM's table is not at hand. */
  readonly modelFacts: string | null;
  readonly notes: BuildNotes;
}

/** Version of the installed source package, or null when it is not installed. */
export function sourceVersion(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices');
    const manifest: unknown = JSON.parse(
      readFileSync(join(dirname(entry), '../package.json'), 'utf8'),
    );
    return typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : null;
  } catch {
    return null;
  }
}

/** Builds both files as text; nothing is written. */
export async function buildPriceBook(factsTablePath: string | null): Promise<BuiltBook> {
  const version = sourceVersion();
  if (version === null) throw new Error('@pydantic/genai-prices is not installed');
  const models: readonly SourceModel[] = await loadGenaiPrices();
  const own = parseOwnPrices(readFileSync(join(DATA, 'own-prices.json'), 'utf8'));
  const media = parseMediaPrices(readFileSync(join(DATA, 'media-prices.json'), 'utf8'));
  const tiers = parseTierPrices(readFileSync(join(DATA, 'tier-prices.json'), 'utf8'));
  const { rows, notes } = buildRows(models, { own, media, tiers });
  const table: unknown =
    factsTablePath !== null && existsSync(factsTablePath)
      ? JSON.parse(readFileSync(factsTablePath, 'utf8'))
      : null;
  return {
    priceBook: renderRows(rows, version),
    modelFacts: table === null ? null : renderFacts(buildFacts(rows, models, own, table)),
    notes,
  };
}

function linesOf(text: string): Set<string> {
  return new Set(text.split('\n').map((line) => line.replace(/,$/, '')));
}

function reportDifference(path: string, next: string): void {
  const before = existsSync(path) ? linesOf(readFileSync(path, 'utf8')) : new Set<string>();
  const after = linesOf(next);
  const added = [...after].filter((line) => !before.has(line));
  const removed = [...before].filter((line) => !after.has(line));
  console.log(`${path}: ${after.size} lines, ${added.length} added, ${removed.length} removed`);
  for (const line of removed.slice(0, 40)) console.log(`  - ${line.slice(0, 200)}`);
  for (const line of added.slice(0, 40)) console.log(`  + ${line.slice(0, 200)}`);
}

async function main(): Promise<void> {
  const built = await buildPriceBook(process.argv[2] ?? DEFAULT_FACTS_TABLE);
  for (const [title, list] of Object.entries(built.notes)) {
    console.log(`${title}: ${list.length}`);
    for (const line of list.slice(0, 30)) console.log(`  ${line}`);
  }
  const files: [string, string | null][] = [
    [join(DATA, 'price-book.json'), built.priceBook],
    [join(DATA, 'model-facts.json'), built.modelFacts],
  ];
  for (const [path, text] of files) {
    if (text === null) {
      console.log(`${path}: left as it is, the table of model facts was not found`);
      continue;
    }
    reportDifference(path, text);
    writeFileSync(path, text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
