/**
 * What requests of both kinds have in common: options stand in the query, the key is a `Token`.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/v1';

/** A refusal before anything is sent. */
export function refusal(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** Options that cost extra or answer elsewhere. They have no price here, so they are not passed on. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'callback',
  'callback_method',
  'detect_entities',
  'intents',
  'keyterm',
  'keywords',
  'model',
  'multichannel',
  'redact',
  'sentiment',
  'summarize',
  'topics',
]);

/** The caller's own options. @throws GatewayError for one that would change what is billed */
export function ownOptions(
  extra: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(extra)) {
    if (NOT_PASSED_ON.has(name)) {
      throw refusal(
        'provider_options',
        `${name} changes what Deepgram bills, or where it answers: it is not passed on.`,
      );
    }
    if (value !== null && value !== undefined) {
      found[name] = typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
  return found;
}

/** A POST of one body, with its options in the query. */
export function postRequest(
  target: ProviderTarget,
  call: {
    readonly path: string;
    readonly query: Readonly<Record<string, string>>;
    readonly accept: string;
    readonly contentType: string;
    readonly body: Buffer;
  },
): WireRequest {
  const query = new URLSearchParams(call.query).toString();
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}${call.path}?${query}`,
    headers: {
      accept: call.accept,
      'content-type': call.contentType,
      'user-agent': 'alwrity-gateway',
      ...(target.credential === null ? {} : { authorization: `Token ${target.credential}` }),
      ...settingHeaders(target.settings),
    },
    body: call.body,
  };
}
