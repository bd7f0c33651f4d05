/**
 * Headers of a call: the key, and what the operator adds.
 *
 * @module
 */
import type { ProviderTarget } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';

const KEY_HEADER = 'x-goog-api-key';

/** Headers of a JSON request. The key goes here and never into the URL, where logs would keep it. */
export function requestHeaders(
  target: ProviderTarget,
  stream: boolean,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    accept: stream ? 'text/event-stream' : 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    ...settingHeaders(target.settings),
  };
  // The credential is the only key: without one, none goes out.
  delete headers[KEY_HEADER];
  if (target.credential !== null) headers[KEY_HEADER] = target.credential;
  return headers;
}
