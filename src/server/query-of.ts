/**
 * The query of a request.
 *
 * @module
 */
import type { Exchange } from '../gateway/exchange.ts';

/** What stands behind the `?` of a request; empty where there is none. */
export function queryOf({ url }: Pick<Exchange, 'url'>): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}
