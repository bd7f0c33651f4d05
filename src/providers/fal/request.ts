/**
 * Submissions to the queue: `POST /{owner}/{app}` with the model's own members (https://docs.fal.ai/model-apis/model-endpoints/queue).
 *
 * @module
 */
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import type { JsonModel, WireNames } from '../json-models.ts';
import { FIELD_NAMES } from './models.ts';

/** How fal writes what its models take. */
export const FAL_NAMES: WireNames = {
  fields: FIELD_NAMES,
  size(size) {
    const [width, height] = size.split('x').map(Number);
    return { width, height };
  },
};

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

/** The submission of what a model is told. */
export function submission(model: JsonModel, target: ProviderTarget, input: object): WireRequest {
  const name = model.id.split('/').map(encodeURIComponent).join('/');
  return {
    method: 'POST',
    path: `/${name}`,
    headers: headersOf(target),
    body: Buffer.from(JSON.stringify(input)),
  };
}
