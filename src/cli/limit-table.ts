/**
 * How limits stand, as a table.
 *
 * @module
 */
import type { z } from 'zod';
import { formatAmount, formatInstant, formatSpan } from './format.ts';
import type { Colors } from './output.ts';
import type { limitReply } from './replies.ts';
import { renderTable } from './table.ts';

type Limit = z.infer<typeof limitReply>;

/** Used, held and left of each limit, and when it resets, seen from `nowMs`. */
export function limitTable(limits: readonly Limit[], nowMs: number, colors: Colors): string {
  const amount = (name: 'limit' | 'used' | 'held' | 'remaining') => ({
    title: name === 'remaining' ? 'left' : name,
    align: 'right' as const,
    value: (row: Limit) => formatAmount(row.meter, row[name]),
  });
  return renderTable(
    limits,
    [
      { title: 'limit', value: (row) => row.id },
      { title: 'scope', value: (row) => row.scope },
      amount('used'),
      amount('held'),
      amount('remaining'),
      { ...amount('limit'), title: 'of' },
      { title: 'resets (UTC)', value: (row) => formatInstant(row.resets_at) },
      {
        title: 'in',
        value: (row) =>
          row.resets_at === null ? '' : formatSpan(Date.parse(row.resets_at) - nowMs),
      },
    ],
    colors,
  );
}
