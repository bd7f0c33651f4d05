/**
 * Submissions: `POST /api/v3/{model}` with the model's own members
 * (https://wavespeed.ai/docs/docs-api/webapp/submit-task). Media go as addresses or as data URLs.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { SentMedia } from '../../contracts/media.ts';
import type { Operation } from '../../contracts/metering.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { settingHeaders } from '../../http/setting-headers.ts';
import { checkMediaOptions, type OptionValue } from '../media-options.ts';
import { FIELD_NAMES, MODELS, type WaveSpeedModel } from './models.ts';

/** Follows the base URL. */
export const VERSION_SEGMENT = '/api/v3';

/** Without these something else would be made than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'image',
  'mask',
  'last_image',
  'references',
  'video',
  'audio',
  'face_image',
  'n',
  'mode',
  'search',
  'expand',
  'timestamps',
  'speakers',
]);

/** A refusal before anything is sent. */
export function refusal(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function waveSpeedModel(target: ProviderTarget, operation: Operation): WaveSpeedModel {
  const served = MODELS.filter((one) => one.operation === operation);
  const found = served.find(({ id }) => id === target.model);
  if (found !== undefined) return found;
  const names = served.map(({ id }) => id).join(', ');
  throw refusal(
    'model',
    `For ${operation} WaveSpeed has ${names === '' ? 'no model here' : names}; not ${target.model.slice(0, 100)}.`,
  );
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

/** An address, or the bytes as a data URL. */
function wireMedia(media: SentMedia): string {
  if (media.type === 'url') return media.url;
  return `data:${media.mediaType};base64,${media.bytes.toString('base64')}`;
}

const SIZE = /^(\d+)x(\d+)$/;

function sidesOf(size: string): readonly [number, number] | null {
  const [, width, height] = SIZE.exec(size) ?? [];
  return width === undefined || height === undefined ? null : [Number(width), Number(height)];
}

function distance(ratio: string, wanted: number): number {
  const [across = 1, down = 1] = ratio.split(':').map(Number);
  return Math.abs(Math.log(across / down) - Math.log(wanted));
}

/** What of a picture's or clip's shape is asked for. */
export interface Shape {
  readonly size: string | null;
  readonly resolution: string | null;
  readonly aspectRatio: string | null;
}

/** The nearest ratio that the model has to that of a size. */
function ratioOfSize(rule: { readonly values: readonly (string | number)[] }, size: string) {
  const sides = sidesOf(size);
  if (sides === null) return null;
  const wanted = sides[0] / sides[1];
  const near = rule.values
    .map(String)
    .toSorted((one, other) => distance(one, wanted) - distance(other, wanted))[0];
  return near === undefined ? null : { ratio: near, isExact: distance(near, wanted) < 1e-9 };
}

/** A size of the model's own that has the resolution and lies as the ratio does. */
function sizeOfShape(
  rule: { readonly values: readonly (string | number)[] },
  shape: Shape,
): string | null {
  const lines = /^(\d+)p$/.exec(shape.resolution ?? '')?.[1];
  if (lines === undefined) return null;
  const [across = 16, down = 9] = (shape.aspectRatio ?? '16:9').split(':').map(Number);
  const found = rule.values.map(String).find((size) => {
    const sides = sidesOf(size);
    if (sides === null) return false;
    return Math.min(...sides) === Number(lines) && sides[0] >= sides[1] === across >= down;
  });
  return found ?? null;
}

/** The shape in the words that the model has for it, and what had to be said otherwise. */
export function shapeOptions(
  model: WaveSpeedModel,
  shape: Shape,
): {
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly warnings: readonly ProviderWarning[];
} {
  const { size: sizeRule, aspect_ratio: ratioRule } = model.options;
  const size = shape.size === 'auto' ? null : shape.size;
  if (sizeRule !== undefined) {
    const found =
      size ?? (sizeRule.type === 'one_of' ? sizeOfShape(sizeRule, { ...shape, size }) : null);
    const asked = { size: found, resolution: null, aspect_ratio: null };
    if (found !== null || shape.resolution === null) return { options: asked, warnings: [] };
    const sizes = sizeRule.type === 'one_of' ? ` ${sizeRule.values.join(', ')}` : '';
    throw refusal('resolution', `${model.id} takes a size:${sizes}.`);
  }
  const asked = { resolution: shape.resolution, aspect_ratio: shape.aspectRatio };
  if (size === null || shape.aspectRatio !== null || ratioRule?.type !== 'one_of') {
    return { options: { ...asked, size }, warnings: [] };
  }
  const near = ratioOfSize(ratioRule, size);
  if (near === null) return { options: { ...asked, size }, warnings: [] };
  const detail = `${model.id} takes a ratio: ${near.ratio} was sent.`;
  return {
    options: { ...asked, aspect_ratio: near.ratio },
    warnings: [{ option: 'size', action: 'mapped', detail }],
  };
}

/** One call of a model. */
export interface Asked {
  readonly options: Readonly<Record<string, OptionValue>>;
  /** By the option's name; a list where several may be sent. */
  readonly media: Readonly<Record<string, readonly SentMedia[]>>;
  readonly extra: Readonly<Record<string, unknown>>;
}

function assertMediaSizes(model: WaveSpeedModel, media: Asked['media']): void {
  for (const [name, files] of Object.entries(media)) {
    const rule = model.options[name];
    if (rule?.type !== 'files' || rule.maxBytes === undefined) continue;
    const { maxBytes } = rule;
    if (files.some((file) => file.type === 'bytes' && file.bytes.length > maxBytes)) {
      throw refusal(name, `${model.id} takes at most ${maxBytes} bytes of ${name}.`);
    }
  }
}

function wireValue(name: string, value: string | number | boolean): unknown {
  return name === 'size' ? String(value).replace('x', '*') : value;
}

/**
 * The submission of a call.
 *
 * @throws GatewayError `invalid_request` naming an option that the model does not take, or cannot do without
 */
export function submissionRequest(
  model: WaveSpeedModel,
  target: ProviderTarget,
  asked: Asked,
): { readonly request: WireRequest; readonly warnings: readonly ProviderWarning[] } {
  const media = Object.entries(asked.media).filter(([, files]) => files.length > 0);
  const counts = Object.fromEntries(media.map(([name, files]) => [name, files.length]));
  const given = { ...asked.options, ...counts };
  for (const name of model.required) {
    if (given[name] === undefined || given[name] === null) {
      throw refusal(name, `${model.id} cannot do without ${name}.`);
    }
  }
  const { values, warnings } = checkMediaOptions(model, given, ESSENTIAL);
  assertMediaSizes(model, asked.media);
  const body: Record<string, unknown> = { ...model.members };
  for (const [name, value] of Object.entries(values)) {
    const field = model.fields[name] ?? FIELD_NAMES[name] ?? name;
    const files = asked.media[name];
    if (files === undefined || files.length === 0) {
      body[field] = wireValue(name, value);
      continue;
    }
    const sent = files.map(wireMedia);
    body[field] = model.lists.includes(name) ? sent : sent[0];
  }
  const path = `/${model.id.split('/').map(encodeURIComponent).join('/')}`;
  return { request: jsonPost(target, path, { ...body, ...asked.extra }), warnings };
}
