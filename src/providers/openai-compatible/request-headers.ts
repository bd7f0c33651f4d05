/**
 * Headers of a call: credential, the server's own settings and the operator's extra headers.
 *
 * @module
 */
import type { ProviderTarget } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';

type Headers = Readonly<Record<string, string>>;

/** Headers, and what they are made of beside settings. */
interface MadeHeaders {
  readonly credential: string | null;
  readonly quirks: OpenAiCompatibleQuirks;
  readonly headers: Headers;
}

/** What was made last for whole replies and for streams, by settings: those of an entry are one object for all calls. */
const madeWhole = new WeakMap<ProviderTarget['settings'], MadeHeaders>();
const madeStreamed = new WeakMap<ProviderTarget['settings'], MadeHeaders>();

/** Headers of a JSON request; a server without a credential gets no `authorization`. */
export function requestHeaders(
  target: ProviderTarget,
  quirks: OpenAiCompatibleQuirks,
  stream: boolean,
): Headers {
  const { credential, settings } = target;
  const made = stream ? madeStreamed : madeWhole;
  const last = made.get(settings);
  if (last?.credential === credential && last.quirks === quirks) return last.headers;
  const headers = Object.freeze({
    accept: stream ? 'text/event-stream' : 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
    ...settingHeaders(settings, quirks.settingHeaders),
  });
  made.set(settings, { credential, quirks, headers });
  return headers;
}
