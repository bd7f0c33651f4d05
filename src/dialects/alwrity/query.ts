/**
 * Query parameters of the compatibility routes. Unknown ones are ignored, as the original does.
 *
 * @module
 */
import type { z } from 'zod';
import type { Exchange } from '../../gateway/exchange.ts';
import { invalidRequest, pathOf } from '../validation.ts';

/** @throws GatewayError `invalid_request` naming the parameter */
export function readQuery<Schema extends z.ZodObject>(
  exchange: Exchange,
  schema: Schema,
): z.output<Schema> {
  const { searchParams } = new URL(exchange.url, 'http://gateway');
  const result = schema.safeParse(Object.fromEntries(searchParams));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidRequest(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid');
}

const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/;

/** The UTC month `YYYY-MM`. */
export function monthRange(text: string): { readonly fromMs: number; readonly toMs: number } {
  const [, year = '0', month = '1'] = MONTH.exec(text) ?? [];
  return {
    fromMs: Date.UTC(Number(year), Number(month) - 1, 1),
    toMs: Date.UTC(Number(year), Number(month), 1),
  };
}

/** `YYYY-MM` of an instant. */
export function monthName(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7);
}
