/**
 * Submissions to the queue: `POST /{owner}/{app}` with the model's own members (https://docs.fal.ai/model-apis/model-endpoints/queue).
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

const NAMES: WireNames = {
  fields: FIELD_NAMES,
  size(size) {
    const [width, height] = size.split('x').map(Number);
    return { width, height };
  },
};

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function falModel(target: ProviderTarget, operation: Operation): JsonModel {
  return modelFor(MODELS, { model: target.model, operation, provider: 'fal' });
}

/** The headers of every request. */
export function headersOf(target: ProviderTarget): Record<string, string> {
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Key ${target.credential}` }),
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
  const request: WireRequest = {
    method: 'POST',
    path: `/${model.id.split('/').map(encodeURIComponent).join('/')}`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify(input)),
  };
  return { request, values, warnings };
}
