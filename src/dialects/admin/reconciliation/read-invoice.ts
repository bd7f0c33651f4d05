/**
 * Reads an invoice from CSV or NDJSON text. A row at fault is named by its line and column, and nothing is taken.
 *
 * @module
 */
import type { CountedUnit } from '../../../contracts/usage.ts';
import { invalidRequest, pathOf } from '../../validation.ts';
import { INVOICE_UNITS, invoiceRowSchema, type InvoiceRow } from './invoice-row.ts';

/** Rows of one invoice: bounds the work of one import. */
export const INVOICE_ROWS_MAX = 50_000;

const TEXT_COLUMNS: ReadonlySet<string> = new Set([
  'provider',
  'date',
  'hour',
  'model',
  'cost_usd',
]);
const UNIT_COLUMNS: ReadonlySet<string> = new Set(INVOICE_UNITS);

function fault(format: string, where: string, reason: string): Error {
  return invalidRequest(format, `${where}: ${reason}. Nothing was imported.`);
}

function checked(format: string, line: number, value: unknown): InvoiceRow {
  const parsed = invoiceRowSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const path = pathOf([...(issue?.path ?? []), ...unknown]).replace(/^units\./, '');
  const where = path === '' ? `line ${line}` : `line ${line}, column ${path.slice(0, 100)}`;
  const reason = unknown.length > 0 ? 'is unknown' : (issue?.message ?? 'is not valid');
  throw fault(format, where, reason.replace(/^Invalid input: /, ''));
}

function boundRows(format: string, count: number): void {
  if (count <= INVOICE_ROWS_MAX) return;
  throw invalidRequest(
    format,
    `has more than ${INVOICE_ROWS_MAX} rows. Import it month by month, or summed up by day.`,
  );
}

/** Fields of one line; quoted ones may hold commas and doubled quotes, not line ends. */
function fieldsOf(text: string, line: number): readonly string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (let at = 0; at <= text.length;) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) {
      throw fault('csv', `line ${line}, column ${fields.length + 1}`, 'a quote is not closed');
    }
    fields.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? '').trim());
    if (match[3] === '') break;
    at = pattern.lastIndex;
  }
  return fields;
}

function headerOf(text: string | undefined): readonly string[] {
  const names = fieldsOf(text ?? '', 1).map((name) => name.toLowerCase());
  names.forEach((name, place) => {
    if (!TEXT_COLUMNS.has(name) && !UNIT_COLUMNS.has(name)) {
      throw fault('csv', `line 1, column ${place + 1}`, `"${name.slice(0, 60)}" is no column`);
    }
    if (names.indexOf(name) !== place) {
      throw fault('csv', `line 1, column ${place + 1}`, `"${name}" stands there twice`);
    }
  });
  for (const needed of ['provider', 'model']) {
    if (!names.includes(needed)) throw fault('csv', 'line 1', `the column ${needed} is missing`);
  }
  return names;
}

function csvRow(names: readonly string[], fields: readonly string[], line: number): unknown {
  if (fields.length !== names.length) {
    throw fault('csv', `line ${line}`, `has ${fields.length} fields, not ${names.length}`);
  }
  const row: Record<string, unknown> = {};
  const units: Partial<Record<CountedUnit, number>> = {};
  names.forEach((name, place) => {
    const field = fields[place] ?? '';
    if (field === '') return;
    if (!UNIT_COLUMNS.has(name)) row[name] = field;
    else if (/^\d{1,15}$/.test(field)) units[name as CountedUnit] = Number(field);
    else throw fault('csv', `line ${line}, column ${name}`, 'must be a whole number');
  });
  return Object.keys(units).length === 0 ? row : { ...row, units };
}

/** @throws GatewayError `invalid_request` naming line and column */
export function readCsvInvoice(text: string): readonly InvoiceRow[] {
  const [header, ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const names = headerOf(header);
  boundRows('csv', lines.length);
  return lines.flatMap((content, place) => {
    const line = place + 2;
    return content.trim() === ''
      ? []
      : [checked('csv', line, csvRow(names, fieldsOf(content, line), line))];
  });
}

/** @throws GatewayError `invalid_request` naming line and column */
export function readNdjsonInvoice(text: string): readonly InvoiceRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  boundRows('ndjson', lines.length);
  return lines.flatMap((content, place) => {
    if (content.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch {
      throw fault('ndjson', `line ${place + 1}`, 'is no JSON');
    }
    return [checked('ndjson', place + 1, value)];
  });
}
