/**
 * What quotes ask of past calls.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { inputTokensOf, outputTokensOf } from '../../contracts/usage.ts';
import type { OutputRatio } from '../../metering/quote-port.ts';
import { OF_CUSTOMER, REQUESTS_WITH_OWNER } from './request-owners.ts';
import { readRequest, REQUEST_COLUMNS } from './row-codec.ts';

/** Latest calls that are looked at: enough for a median, and a bound on the time it takes. */
const CALLS_MAX = 500;
/** A dated or numbered snapshot counts as its model. */
const SNAPSHOT = /[-@](?:\d{4}-?\d{2}-?\d{2}|\d{3})$/;

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Reads {@link OutputRatio}s of a customer. */
export function outputRatioReader(
  database: DatabaseSync,
): (customerId: string, models: readonly string[]) => readonly OutputRatio[] {
  const latest = database.prepare(
    `SELECT ${REQUEST_COLUMNS} FROM ${REQUESTS_WITH_OWNER} WHERE ${OF_CUSTOMER} ORDER BY row DESC LIMIT ${CALLS_MAX}`,
  );
  return (customerId, models) => {
    const ratios = new Map<string, number[]>(models.map((model) => [model, []]));
    for (const row of latest.iterate(customerId)) {
      const record = readRequest(row);
      const { provider, modelServed, usage, operation, status, estimated } = record;
      if (operation !== 'text.generate' || status !== 200 || estimated) continue;
      const served = `${provider ?? ''}/${modelServed ?? ''}`;
      const own = ratios.get(served) ?? ratios.get(served.replace(SNAPSHOT, ''));
      const input = inputTokensOf(usage);
      if (input > 0) own?.push(outputTokensOf(usage) / input);
    }
    return [...ratios]
      .filter(([, values]) => values.length > 0)
      .map(([model, values]) => ({ model, samples: values.length, median: medianOf(values) }));
  };
}
