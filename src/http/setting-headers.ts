/**
 * Headers that the operator adds to the calls of a provider, out of the settings of its entry.
 *
 * @module
 */

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

/**
 * The headers by lower-case name. What the transport or the codec sets, and what no header can carry, is left out.
 *
 * @param named settings of the provider's own that stand for a header, by the header's name
 */
export function settingHeaders(
  settings: Readonly<Record<string, string>>,
  named: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [setting, value] of Object.entries(settings)) {
    const name = setting.startsWith(HEADER_SETTING)
      ? setting.slice(HEADER_SETTING.length).toLowerCase()
      : named[setting];
    if (name === undefined || FIXED_HEADERS.has(name)) continue;
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) headers[name] = value;
  }
  return headers;
}
