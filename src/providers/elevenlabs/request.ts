/**
 * What all requests have in common: the key in a header of its own.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { encodeForm, type FormPart } from '../../http/multipart-form.ts';
import { settingHeaders } from '../../http/setting-headers.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/v1';

/** A refusal before anything is sent. */
export function refusal(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** The headers of every request. */
export function headersOf(target: ProviderTarget, accept: string): Record<string, string> {
  return {
    accept,
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { 'xi-api-key': target.credential }),
    ...settingHeaders(target.settings),
  };
}

/** A POST with a form. */
export function formRequest(
  target: ProviderTarget,
  path: string,
  parts: readonly FormPart[],
): WireRequest {
  const { body, contentType } = encodeForm(parts);
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}${path}`,
    headers: { ...headersOf(target, 'application/json'), 'content-type': contentType },
    body,
  };
}

/** Members of a form that are there. */
export function textParts(members: Readonly<Record<string, unknown>>): FormPart[] {
  return Object.entries(members).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [{ name, text: typeof value === 'string' ? value : JSON.stringify(value) }],
  );
}
