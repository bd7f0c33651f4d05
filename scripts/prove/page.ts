/**
 * Pages of docs/ as places where measurements leave their figures: each between two markers that name it.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(import.meta.dirname, '../../docs');

/** Replaces what stands between the markers of `name`. @throws Error when the page has lost them */
export function writeFigures(
  name: string,
  figures: string,
  page: 'proof' | 'benchmarks' = 'proof',
): void {
  const file = join(DOCS, `${page}.md`);
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const text = readFileSync(file, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/${page}.md has lost its markers ${begin}`);
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n\n${figures}\n\n${text.slice(to)}`);
}
