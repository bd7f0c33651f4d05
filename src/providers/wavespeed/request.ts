/**
 * Submissions: `POST /api/v3/{model}` with the model's own members
 * (https://wavespeed.ai/docs/docs-api/webapp/submit-task).
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
export const VERSION_SEGMENT = '/api/v3';

/** How WaveSpeed writes what its models take. */
export const WIRE_NAMES: WireNames = {
  fields: FIELD_NAMES,
  size: (size) => size.replace('x', '*'),
};

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function waveSpeedModel(target: ProviderTarget, operation: Operation): JsonModel {
  return modelFor(MODELS, { model: target.model, operation, provider: 'WaveSpeed' });
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

/** A POST with JSON. */
export function jsonPost(target: ProviderTarget, path: string, body: object): WireRequest {
  return {
    method: 'POST',
    path: `${VERSION_SEGMENT}${path}`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify(body)),
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
  const { input, values, warnings } = modelInput(model, asked, WIRE_NAMES);
  const path = `/${model.id.split('/').map(encodeURIComponent).join('/')}`;
  return { request: jsonPost(target, path, input), values, warnings };
}
