/**
 * Headers of a call: the key, and what the operator adds as `header.<name>` in the settings of the entry.
 *
 * @module
 */
import type { ProviderTarget } from '../../contracts/wire.ts';

const HEADER_SETTING = 'header.';

/** Field names and values as RFC 9110 §5.1 and §5.5 allow them. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;

/** Set by the transport or by the codec. */
const FIXED_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'upgrade',
  'x-goog-api-key',
]);

/** Headers of a JSON request. The key goes here and never into the URL, where logs would keep it. */
export function requestHeaders(
  target: ProviderTarget,
  stream: boolean,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    accept: stream ? 'text/event-stream' : 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
  };
  for (const [setting, value] of Object.entries(target.settings)) {
    if (!setting.startsWith(HEADER_SETTING)) continue;
    const name = setting.slice(HEADER_SETTING.length).toLowerCase();
    if (FIXED_HEADERS.has(name) || !HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) continue;
    headers[name] = value;
  }
  if (target.credential !== null) headers['x-goog-api-key'] = target.credential;
  return headers;
}
