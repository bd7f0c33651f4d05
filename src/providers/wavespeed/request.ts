/**
 * Submissions: `POST /api/v3/{model}` with the model's own members
 * (https://wavespeed.ai/docs/docs-api/webapp/submit-task).
 *
 * @module
 */
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import type { JsonModel, WireNames } from '../json-models.ts';
import { FIELD_NAMES } from './models.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/api/v3';

/** How WaveSpeed writes what its models take. */
export const WIRE_NAMES: WireNames = {
  fields: FIELD_NAMES,
  size: (size) => size.replace('x', '*'),
};

/** The headers of every request. */
export function headersOf(target: ProviderTarget): Record<string, string> {
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Bearer ${target.credential}` }),
    ...settingHeaders(target.settings),
  };
}

/** A POST with JSON. */
export function jsonPost(target: ProviderTarget, path: string, body: object): WireRequest {
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}${path}`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The submission of what a model is told. */
export function submission(model: JsonModel, target: ProviderTarget, input: object): WireRequest {
  return jsonPost(target, `/${model.id.split('/').map(encodeURIComponent).join('/')}`, input);
}
