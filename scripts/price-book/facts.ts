/**
 * Model facts: context window and output cap from @pydantic/genai-prices and from LiteLLM's
 * `model_prices_and_context_window.json` (MIT, https://github.com/BerriAI/litellm), and our own hand file.
 *
 * @module
 */
import type { ModelFacts } from '../../src/catalog/model-facts.ts';
import { baseNameOf } from '../../src/catalog/price-book.ts';
import type { PriceRow } from '../../src/catalog/price-row.ts';
import type { SourceModel } from './genai-prices.ts';
import type { OwnPrices } from './own-prices.ts';

interface FactsRow extends ModelFacts {
  readonly provider: string;
  readonly model: string;
}

/** Our provider id → LiteLLM's, and whether its keys carry the provider as a prefix. */
const LITELLM: Readonly<Record<string, { readonly name: string; readonly prefix: string }>> = {
  anthropic: { name: 'anthropic', prefix: '' },
  cerebras: { name: 'cerebras', prefix: 'cerebras/' },
  deepseek: { name: 'deepseek', prefix: 'deepseek/' },
  gemini: { name: 'gemini', prefix: 'gemini/' },
  groq: { name: 'groq', prefix: 'groq/' },
  mistral: { name: 'mistral', prefix: 'mistral/' },
  openai: { name: 'openai', prefix: '' },
  openrouter: { name: 'openrouter', prefix: 'openrouter/' },
  perplexity: { name: 'perplexity', prefix: 'perplexity/' },
  together: { name: 'together_ai', prefix: 'together_ai/' },
  xai: { name: 'xai', prefix: 'xai/' },
};

const CAPABILITIES: readonly (readonly [string, string])[] = [
  ['supports_function_calling', 'tools'],
  ['supports_parallel_function_calling', 'parallel-tools'],
  ['supports_response_schema', 'json-schema'],
  ['supports_reasoning', 'reasoning'],
  ['supports_prompt_caching', 'prompt-caching'],
  ['supports_system_messages', 'system-messages'],
  ['supports_web_search', 'web-search'],
];
const INPUTS: readonly (readonly [string, string])[] = [
  ['supports_vision', 'image'],
  ['supports_pdf_input', 'file'],
  ['supports_audio_input', 'audio'],
  ['supports_video_input', 'video'],
];

type Entry = Readonly<Record<string, unknown>>;

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function positive(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}

function named(entry: Entry, table: readonly (readonly [string, string])[]): string[] {
  return table.filter(([key]) => entry[key] === true).map(([, name]) => name);
}

function outputsOf(entry: Entry): string[] {
  switch (entry['mode']) {
    case 'embedding':
      return ['embedding'];
    case 'image_generation':
      return ['image'];
    case 'audio_speech':
      return ['audio'];
    case 'video_generation':
      return ['video'];
    default:
      return entry['supports_audio_output'] === true ? ['text', 'audio'] : ['text'];
  }
}

/** LiteLLM's entries of one provider by model name; a dated name also stands for its model where that has none. */
function entriesOf(provider: string, table: unknown): ReadonlyMap<string, Entry> {
  const wanted = LITELLM[provider];
  const entries = new Map<string, Entry>();
  if (wanted === undefined || !isEntry(table)) return entries;
  const keys = Object.keys(table).sort();
  for (const key of keys) {
    const entry = table[key];
    if (!isEntry(entry) || !key.startsWith(wanted.prefix)) continue;
    const provides = entry['litellm_provider'];
    if (provides === wanted.name) entries.set(key.slice(wanted.prefix.length).toLowerCase(), entry);
  }
  for (const [name, entry] of entries) {
    const base = baseNameOf(name);
    if (base !== null && !entries.has(base)) entries.set(base, entry);
  }
  return entries;
}

function ownFacts(own: OwnPrices, row: PriceRow): ModelFacts | null {
  const found = own.facts.find(
    (entry) => entry.provider === row.provider && entry.model === row.model,
  );
  if (found === undefined) return null;
  return {
    contextWindow: found.context_window,
    maxOutputTokens: found.max_output_tokens,
    input: found.input,
    output: found.output,
    capabilities: found.capabilities,
  };
}

function mergedFacts(entry: Entry | null, contextWindow: number | null): ModelFacts {
  if (entry === null) {
    return { contextWindow, maxOutputTokens: null, input: null, output: null, capabilities: null };
  }
  return {
    contextWindow: contextWindow ?? positive(entry['max_input_tokens']),
    maxOutputTokens: outputsOf(entry).includes('text')
      ? positive(entry['max_output_tokens'])
      : null,
    input: ['text', ...named(entry, INPUTS)],
    output: outputsOf(entry),
    capabilities: named(entry, CAPABILITIES),
  };
}

/** Context windows that the price source states; a bare router name has the smallest of its partners. */
function contextWindows(models: readonly SourceModel[]): ReadonlyMap<string, number> {
  const windows = new Map<string, number>();
  const note = (name: string, size: number): void => {
    windows.set(name, Math.min(windows.get(name) ?? size, size));
  };
  for (const model of models) {
    if (model.contextWindow === null) continue;
    const name = `${model.provider}/${model.model}`;
    note(name, model.contextWindow);
    if (model.partner !== null) note(`${name}:${model.partner}`, model.contextWindow);
  }
  return windows;
}

/** One entry per priced model of which anything is known. */
export function buildFacts(
  rows: readonly PriceRow[],
  models: readonly SourceModel[],
  own: OwnPrices,
  table: unknown,
): readonly FactsRow[] {
  const windows = contextWindows(models);
  const tables = new Map<string, ReadonlyMap<string, Entry>>();
  const facts = new Map<string, FactsRow>();
  for (const row of rows) {
    const key = `${row.provider}/${row.model}`;
    if (facts.has(key)) continue;
    const entries = tables.get(row.provider) ?? entriesOf(row.provider, table);
    tables.set(row.provider, entries);
    const names = [row.model, ...(row.aliases ?? [])].map((name) => name.toLowerCase());
    const entry = names.map((name) => entries.get(name)).find((found) => found !== undefined);
    const known = ownFacts(own, row) ?? mergedFacts(entry ?? null, windows.get(key) ?? null);
    if (known.contextWindow === null && known.capabilities === null) continue;
    facts.set(key, { provider: row.provider, model: row.model, ...known });
  }
  return [...facts.values()];
}

/** The generated file: a header, then one line per model. */
export function renderFacts(facts: readonly FactsRow[]): string {
  const header = {
    about:
      "Generated by scripts/build-price-book.ts. Facts (not prices) from @pydantic/genai-prices (MIT, Pydantic) and from LiteLLM's model_prices_and_context_window.json (MIT, Berri AI), in the copy of LiteLLM-Labs/litellm-rust at 25683a2a718e; own additions from own-prices.json.",
  };
  const lines = facts.map((row) =>
    JSON.stringify({
      provider: row.provider,
      model: row.model,
      context_window: row.contextWindow,
      max_output_tokens: row.maxOutputTokens,
      ...(row.input === null ? {} : { input: row.input }),
      ...(row.output === null ? {} : { output: row.output }),
      ...(row.capabilities === null ? {} : { capabilities: row.capabilities }),
    }),
  );
  return `${JSON.stringify(header).slice(0, -1)},"models":[\n${lines.join(',\n')}\n]}\n`;
}
