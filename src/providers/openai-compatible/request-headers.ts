/**
 * Headers of a call: credential, the server's own settings and the operator's extra headers.
 *
 * @module
 */
import type { ProviderTarget } from '../../contracts/wire.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';

/** Settings that begin so are sent as headers: `header.x-team: blue`. */
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
]);

function settingHeaders(
  target: ProviderTarget,
  known: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [setting, value] of Object.entries(target.settings)) {
    const name = setting.startsWith(HEADER_SETTING)
      ? setting.slice(HEADER_SETTING.length).toLowerCase()
      : known[setting];
    if (name === undefined || FIXED_HEADERS.has(name)) continue;
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) headers[name] = value;
  }
  return headers;
}

/** Headers of a JSON request; a server without a credential gets no `authorization`. */
export function requestHeaders(
  target: ProviderTarget,
  quirks: OpenAiCompatibleQuirks,
  stream: boolean,
): Readonly<Record<string, string>> {
  return {
    accept: stream ? 'text/event-stream' : 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Bearer ${target.credential}` }),
    ...settingHeaders(target, quirks.settingHeaders),
  };
}
