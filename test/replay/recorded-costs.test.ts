import { describe, expect, it } from 'vitest';
import { createPriceBook, seedPriceRows, type PriceItem } from '../../src/catalog/index.ts';
import { costNanoUsd } from '../../src/catalog/price.ts';
import { oracleCost } from '../../src/catalog/testing/price-oracle.ts';
import type { UsageVector } from '../../src/contracts/usage.ts';
import { readUsage } from '../../src/providers/gemini/usage.ts';
import { usageVector } from '../../src/providers/openai-compatible/usage.ts';
import {
  explainAbsence,
  hasRecordings,
  loadRecording,
  recordingEntries,
  type RecordingEntry,
} from '../support/recordings.ts';

explainAbsence();

const BOOK = createPriceBook(seedPriceRows());
const NOW = Date.UTC(2026, 10, 27);

/** Every JSON document of a response: the body, or the data of its events. */
function documentsOf(entry: RecordingEntry): readonly Readonly<Record<string, unknown>>[] {
  const { response } = loadRecording(entry.id);
  if (response.sse === undefined) return isObject(response.body) ? [response.body] : [];
  return response.sse.split(/\r?\n/).flatMap((line) => {
    if (!/^data: ?\{/.test(line)) return [];
    try {
      const parsed: unknown = JSON.parse(line.slice(line.indexOf('{')));
      return isObject(parsed) ? [parsed] : [];
    } catch {
      return [];
    }
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the provider counted, as the gateway reads it; the last count of a stream stands. */
function reportedUsage(entry: RecordingEntry): UsageVector | null {
  let usage: UsageVector | null = null;
  for (const document of documentsOf(entry)) {
    usage = readUsage(document['usageMetadata'], 0) ?? usageVector(document['usage']) ?? usage;
  }
  return usage;
}

/** The price of the model, and those of all others that the provider sells: tiers and classes differ. */
function pricesFor(entry: RecordingEntry): readonly PriceItem[] {
  const own = BOOK.items.filter((item) => item.provider === entry.provider);
  const asked = entry.model === null ? null : BOOK.find(entry.provider, entry.model, NOW);
  return asked === null ? own : [asked, ...own];
}

describe.skipIf(!hasRecordings)('usage that providers reported', () => {
  it('costs to the nano what the oracle says, on every price of its provider', () => {
    let usages = 0;
    let compared = 0;
    for (const entry of recordingEntries().filter(({ status }) => status === 200)) {
      const usage = reportedUsage(entry);
      if (usage === null) continue;
      usages += 1;
      for (const item of pricesFor(entry)) {
        const cost = costNanoUsd(item, usage);
        if (cost !== oracleCost(item.row, usage)) expect.fail(`${entry.id} on ${item.id}: ${cost}`);
        compared += 1;
      }
    }
    expect(usages).toBeGreaterThan(300);
    expect(compared).toBeGreaterThan(10_000);
  });
});
