/**
 * Aligned columns for people.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util';
import type { Colors } from './output.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

/** A table with a heading line; columns in which every cell is empty are left out. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  colors: Colors,
): string {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map((row) => column.value(row)) }))
    .filter((column) => column.cells.some((cell) => cell !== ''));
  const laidOut = filled.map((column) => {
    const width = Math.max(widthOf(column.title), ...column.cells.map(widthOf));
    return [column.title, ...column.cells].map((cell) => pad(cell, width, column.align ?? 'left'));
  });
  const lines = Array.from({ length: rows.length + 1 }, (_, index) =>
    laidOut
      .map((cells) => cells[index] ?? '')
      .join(GAP)
      .trimEnd(),
  );
  const [heading = '', ...body] = lines;
  return [colors.bold(heading), ...body].join('\n');
}

/** Label and value, one pair a line; pairs without a value are left out. */
export function renderPairs(
  pairs: readonly (readonly [string, string | null])[],
  colors: Colors,
): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null);
  const width = Math.max(0, ...shown.map(([label]) => widthOf(label)));
  return shown
    .map(([label, value]) => `${colors.bold(pad(label, width, 'left'))}${GAP}${value}`)
    .join('\n');
}
