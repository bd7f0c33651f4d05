/**
 * Predictions of official models: `POST /v1/models/{owner}/{name}/predictions`
 * (https://replicate.com/docs/reference/http#models.predictions.create; recorded).
 *
 * @module
 */
import type { Operation } from '../../contracts/metering.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import {
  modelFor,
  modelInput,
  type Asked,
  type JsonModel,
  type WireNames,
} from '../json-models.ts';
import { FIELD_NAMES, MODELS } from './models.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/v1';

/** No model here takes a size; their ratio is taken from it. */
const NAMES: WireNames = { fields: FIELD_NAMES, size: (size) => size };

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function replicateModel(target: ProviderTarget, operation: Operation): JsonModel {
  return modelFor(MODELS, { model: target.model, operation, provider: 'Replicate' });
}

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

/**
 * The submission of a call.
 *
 * @throws GatewayError `invalid_request` naming an option that the model does not take, or cannot do without
 */
export function submissionRequest(
  model: JsonModel,
  target: ProviderTarget,
  asked: Asked,
): {
  readonly request: WireRequest;
  /** Options as they were taken, by the gateway's names. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly ProviderWarning[];
} {
  const { input, values, warnings } = modelInput(model, asked, NAMES);
  const name = model.id.split('/').map(encodeURIComponent).join('/');
  const request: WireRequest = {
    method: 'POST',
    path: `${VERSION_SEGMENT}/models/${name}/predictions`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify({ input })),
  };
  return { request, values, warnings };
}
