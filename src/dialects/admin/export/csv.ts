/**
 * CSV as RFC 4180 has it, safe to open in a spreadsheet.
 *
 * @module
 */

/** What spreadsheets take for the start of a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r\uFF0B\uFF0D\uFF1D\uFF20]/;
const PLAIN_NUMBER = /^-?\d+(?:\.\d+)?$/;

/** One field: quoted where it must be; text that a spreadsheet would run is led by an apostrophe. */
export function csvField(text: string): string {
  const safe = FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One record with its line end. */
export function csvLine(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}
