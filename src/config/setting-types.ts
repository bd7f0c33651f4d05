/**
 * The kinds of values that settings have. Environment variables and interpolation yield text, so each
 * kind reads text as well as its own JSON type.
 *
 * @module
 */
import { z } from 'zod';
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.ts';

/** Names the kind in the JSON schema, for editors' sake and for the generated documentation. */
export type SettingKind = 'duration' | 'size' | 'integer' | 'boolean' | 'text' | 'choice';

interface Range {
  readonly min: number;
  readonly max: number;
}

const BOOLEAN_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  on: true,
  off: false,
  yes: true,
  no: false,
  '1': true,
  '0': false,
};

interface Quantity extends Range {
  readonly kind: 'duration' | 'size' | 'integer';
  readonly parse: (text: string) => number | null;
  readonly show: (amount: number) => string;
  readonly wanted: string;
}

function quantity(options: Quantity) {
  const { kind, parse, show, wanted, min, max } = options;
  const message = `must be ${wanted} from ${show(min)} to ${show(max)}`;
  return z
    .union([z.number(), z.string()], { error: message })
    .transform((value, context) => {
      const amount = typeof value === 'number' ? value : parse(value.trim());
      if (amount !== null && Number.isSafeInteger(amount) && amount >= min && amount <= max) {
        return amount;
      }
      context.addIssue({ code: 'custom', message, input: value });
      return z.NEVER;
    })
    .meta({ 'x-kind': kind, 'x-range': `${show(min)} to ${show(max)}` });
}

function parseInteger(text: string): number | null {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Milliseconds, written as a whole number of them or as `30s`. */
export function durationMs(range: Range) {
  return quantity({
    ...range,
    kind: 'duration',
    wanted: 'a duration such as "30s" (or whole milliseconds)',
    parse: (text) => parseDurationMs(text) ?? parseInteger(text),
    show: formatDuration,
  });
}

/** Bytes, written as a whole number of them or as `32mb`. */
export function sizeBytes(range: Range) {
  return quantity({
    ...range,
    kind: 'size',
    wanted: 'a size such as "32mb" (or whole bytes)',
    parse: (text) => parseSizeBytes(text) ?? parseInteger(text),
    show: formatSize,
  });
}

/** A whole number. */
export function integer(range: Range) {
  return quantity({
    ...range,
    kind: 'integer',
    wanted: 'a whole number',
    parse: parseInteger,
    show: String,
  });
}

/** `true` or `false`; as text also `on`, `off`, `yes`, `no`, `1`, `0`. */
export function truth() {
  const message = 'must be true or false';
  return z
    .union([z.boolean(), z.string()], { error: message })
    .transform((value, context) => {
      if (typeof value === 'boolean') return value;
      const word = value.trim().toLowerCase();
      const known = Object.hasOwn(BOOLEAN_WORDS, word) ? BOOLEAN_WORDS[word] : undefined;
      if (known !== undefined) return known;
      context.addIssue({ code: 'custom', message, input: value });
      return z.NEVER;
    })
    .meta({ 'x-kind': 'boolean' });
}

/** One of some words. YAML 1.2 reads `on` and `off` as words, so they need no quotes. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z
    .enum(words, { error: `must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` })
    .meta({ 'x-kind': 'choice' });
}

/** Text that is not empty. */
export function text(max: number) {
  return z
    .string({ error: 'must be text' })
    .min(1, { error: 'must not be empty' })
    .max(max, { error: `must be at most ${max} characters` })
    .meta({ 'x-kind': 'text' });
}

const KEPT_DAYS_MAX = 36_500;

/** Days for which something is kept; false: for ever. */
export function keptDays() {
  return z
    .union([z.string(), z.number(), z.boolean()], { error: 'must be a number of days, or false' })
    .transform((value, context): number | false => {
      if (value === false || value === 'false') return false;
      const days = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
      if (
        typeof days === 'number' &&
        Number.isInteger(days) &&
        days >= 1 &&
        days <= KEPT_DAYS_MAX
      ) {
        return days;
      }
      const message = `must be a whole number of days from 1 to ${KEPT_DAYS_MAX}, or false`;
      context.addIssue({ code: 'custom', message, input: value });
      return z.NEVER;
    })
    .meta({ 'x-kind': 'text' });
}
