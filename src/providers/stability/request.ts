/**
 * Requests: always forms, whether or not a picture goes along.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { MediaInput, SentMedia } from '../../contracts/media.ts';
import { mediaModelOf } from '../../contracts/media-model.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { encodeForm, type FormPart } from '../../http/multipart-form.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import { checkMediaOptions, type OptionValue } from '../media-options.ts';
import { canonicalName, ENDPOINTS, FIELD_NAMES, type Endpoint } from './endpoints.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/v2beta';

/** Without these something else would be made than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set(['image', 'mask', 'search', 'expand', 'scale']);

/** A refusal before anything is sent. */
export function refusal(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** The endpoint of a model. @throws GatewayError naming those that there are */
export function endpointOf(target: ProviderTarget, operation: Operation): Endpoint {
  const served = ENDPOINTS.filter((one) => one.operation === operation);
  const found = mediaModelOf(served, canonicalName(target.model), operation);
  const endpoint = served.find((one) => one === found);
  if (endpoint !== undefined) return endpoint;
  const names = served.map(({ id }) => id).join(', ');
  throw refusal('model', `For this there is ${names}; not ${target.model.slice(0, 100)}.`);
}

/** The headers of every request. */
export function headersOf(target: ProviderTarget, accept: string): Record<string, string> {
  return {
    accept,
    'user-agent': 'alwrity-gateway',
    ...(target.credential === null ? {} : { authorization: `Bearer ${target.credential}` }),
    ...settingHeaders(target.settings),
  };
}

const SIZE = /^(\d+)x(\d+)$/;

/** The ratio that is nearest to a size, and whether it is the size's own. */
function ratioOf(size: string, ratios: readonly (string | number)[]): [string, boolean] | null {
  const [, width, height] = SIZE.exec(size) ?? [];
  if (width === undefined || height === undefined) return null;
  const wanted = Math.log(Number(width) / Number(height));
  let nearest: [string, number] | null = null;
  for (const ratio of ratios) {
    const [across = 1, down = 1] = String(ratio).split(':').map(Number);
    const distance = Math.abs(Math.log(across / down) - wanted);
    if (nearest === null || distance < nearest[1]) nearest = [String(ratio), distance];
  }
  return nearest === null ? null : [nearest[0], nearest[1] < 1e-9];
}

/** `size` as the endpoint takes it; `auto` is left to the provider. */
function sizeOption(
  endpoint: Endpoint,
  size: string | null,
): { readonly value: string | null; readonly warnings: readonly ProviderWarning[] } {
  const rule = endpoint.options['size'];
  if (size === null || size === 'auto') return { value: null, warnings: [] };
  if (rule?.type !== 'one_of') return { value: size, warnings: [] };
  const [ratio, isExact] = ratioOf(size, rule.values) ?? [size, true];
  const detail = `${endpoint.id} takes ratios: ${ratio} was sent for ${size}.`;
  return {
    value: ratio,
    warnings: isExact ? [] : [{ option: 'size', action: 'mapped', detail }],
  };
}

/** What is asked for, by the gateway's names, and the files that go along. */
export interface Asked {
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly parts?: readonly FormPart[];
  readonly extra: Readonly<Record<string, unknown>>;
}

function missing(endpoint: Endpoint, values: Readonly<Record<string, unknown>>): void {
  const absent = endpoint.required.find((name) => values[name] === undefined);
  if (absent !== undefined) throw refusal(absent, `${endpoint.id} needs ${absent}.`);
}

function onWire(endpoint: Endpoint, name: string, value: string | number | boolean): string {
  if (!endpoint.inverted.has(name) || typeof value !== 'number') return String(value);
  return String(Math.round((1 - value) * 1e6) / 1e6);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * The request, and what became of the options.
 *
 * @throws GatewayError `invalid_request` naming what the endpoint cannot take or do without
 */
export function formRequest(
  endpoint: Endpoint,
  target: ProviderTarget,
  asked: Asked,
): { readonly request: WireRequest; readonly warnings: readonly ProviderWarning[] } {
  const { size = null, ...others } = asked.options;
  const wanted = sizeOption(endpoint, size === null ? null : String(size));
  const { values, warnings } = checkMediaOptions(
    endpoint,
    { ...others, size: wanted.value },
    ESSENTIAL,
  );
  missing(endpoint, values);
  const members: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    const field = endpoint.fields[name] ?? FIELD_NAMES[name];
    if (field !== undefined) members[field] = onWire(endpoint, name, value);
  }
  for (const [name, value] of Object.entries(asked.extra)) {
    if (value !== null && value !== undefined) members[name] = textOf(value);
  }
  // Last: what decides the price is not for the caller's own options to change.
  Object.assign(members, endpoint.members);
  const texts = Object.entries(members).map(([name, text]): FormPart => ({ name, text }));
  const { body, contentType } = encodeForm([...texts, ...(asked.parts ?? [])]);
  return {
    request: {
      method: 'POST',
      path: `${VERSION_SEGMENT}/stable-image${endpoint.path}`,
      headers: { ...headersOf(target, 'application/json'), 'content-type': contentType },
      body,
    },
    warnings: [...wanted.warnings, ...warnings],
  };
}

/** One picture of the form. */
export function filePart(name: string, { bytes, fileName, mediaType }: MediaInput): FormPart {
  return { name, bytes, fileName, mediaType };
}

/** The bytes of a picture. @throws GatewayError for one that lies elsewhere, which Stability does not fetch */
export function bytesOf(param: string, media: SentMedia): MediaInput {
  if (media.type === 'bytes') return media;
  throw refusal(param, 'Stability fetches no addresses: send the picture itself.');
}
