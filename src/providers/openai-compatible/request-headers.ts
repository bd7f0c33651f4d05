/**
 * Headers of a call: credential, the server's own settings and the operator's extra headers.
 *
 * @module
 */
import type { ProviderTarget } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';

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
    ...settingHeaders(target.settings, quirks.settingHeaders),
  };
}
