/**
 * Predictions of official models: `POST /v1/models/{owner}/{name}/predictions`
 * (https://replicate.com/docs/reference/http#models.predictions.create; recorded).
 *
 * @module
 */
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import type { JsonModel, WireNames } from '../json-models.ts';
import { FIELD_NAMES } from './models.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/v1';

/** No model here takes a size; their ratio is taken from it. */
export const REPLICATE_NAMES: WireNames = { fields: FIELD_NAMES, size: (size) => size };

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

/** The submission of what a model is told. */
export function submission(model: JsonModel, target: ProviderTarget, input: object): WireRequest {
  const name = model.id.split('/').map(encodeURIComponent).join('/');
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}/models/${name}/predictions`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify({ input })),
  };
}
