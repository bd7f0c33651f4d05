/**
 * Models that are told what to do by one JSON object: what it holds, made of the gateway's options by the model's table. Media go
 * as addresses or as data URLs.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { SentMedia } from '../contracts/media.ts';
import type { MediaModel } from '../contracts/media-model.ts';
import type { Operation } from '../contracts/metering.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import { checkMediaOptions, type OptionValue } from './media-options.ts';

/** A model for one operation. */
export interface JsonModel extends MediaModel {
  /** Names on the wire, where they differ from the provider's usual ones. */
  readonly fields: Readonly<Record<string, string>>;
  /** Options whose value is a list on the wire even where there is one. */
  readonly lists: readonly string[];
  /** Options that it cannot do without. */
  readonly required: readonly string[];
  /** Members that it always has. */
  readonly members: Readonly<Record<string, unknown>>;
  /** How options are written that are not sent as they are, such as `8` seconds as `"8s"`. */
  readonly formats: Readonly<Record<string, (value: string | number | boolean) => unknown>>;
}

/** How a provider names what its models take. */
export interface WireNames {
  /** By the gateway's own names; absent: the same. */
  readonly fields: Readonly<Record<string, string>>;
  /** A size as `<width>x<height>`, as the provider writes it. */
  readonly size: (size: string) => unknown;
}

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

/** A table's entry with what most models have. */
export function jsonModel(
  known: Pick<JsonModel, 'id' | 'operation' | 'options' | 'source'> & Partial<JsonModel>,
): JsonModel {
  return { fields: {}, lists: [], required: [], members: {}, formats: {}, ...known };
}

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function modelFor(
  models: readonly JsonModel[],
  asked: { readonly model: string; readonly operation: Operation; readonly provider: string },
): JsonModel {
  const { model, operation, provider } = asked;
  const served = models.filter((one) => one.operation === operation);
  const found = served.find(({ id }) => id === model);
  if (found !== undefined) return found;
  const names = served.map(({ id }) => id).join(', ');
  throw refusal(
    'model',
    `For ${operation} ${provider} has ${names === '' ? 'no model here' : names}; not ${model.slice(0, 100)}.`,
  );
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
  model: JsonModel,
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

function assertMediaSizes(model: JsonModel, media: Asked['media']): void {
  for (const [name, files] of Object.entries(media)) {
    const rule = model.options[name];
    if (rule?.type !== 'files' || rule.maxBytes === undefined) continue;
    const { maxBytes } = rule;
    if (files.some((file) => file.type === 'bytes' && file.bytes.length > maxBytes)) {
      throw refusal(name, `${model.id} takes at most ${maxBytes} bytes of ${name}.`);
    }
  }
}

/**
 * What the model is told, by its own names.
 *
 * @throws GatewayError `invalid_request` naming an option that the model does not take, or cannot do without
 */
export function modelInput(
  model: JsonModel,
  asked: Asked,
  names: WireNames,
): {
  readonly input: Readonly<Record<string, unknown>>;
  /** Options as they were taken, by the gateway's names. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly ProviderWarning[];
} {
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
  const options = Object.entries(values).filter(([name]) => (counts[name] ?? 0) === 0);
  const body = writtenOptions(model, Object.fromEntries(options), names);
  for (const [name, files] of media) {
    if (values[name] === undefined) continue;
    const sent = files.map(wireMedia);
    body[fieldOf(model, name, names)] = model.lists.includes(name) ? sent : sent[0];
  }
  return { input: { ...body, ...asked.extra }, values, warnings };
}

function fieldOf(model: JsonModel, name: string, names: WireNames): string {
  return model.fields[name] ?? names.fields[name] ?? name;
}

/** Checked options by the model's own names, beside the members that it always has. */
function writtenOptions(
  model: JsonModel,
  values: Readonly<Record<string, string | number | boolean>>,
  names: WireNames,
): Record<string, unknown> {
  const body: Record<string, unknown> = { ...model.members };
  for (const [name, value] of Object.entries(values)) {
    const format = model.formats[name];
    const written = name === 'size' ? names.size(String(value)) : value;
    body[fieldOf(model, name, names)] = format === undefined ? written : format(value);
  }
  return body;
}

/**
 * Options alone, by the model's own names: what decides the price of a call that is not made yet.
 *
 * @throws GatewayError `invalid_request` naming an option that the model does not take
 */
export function wireOptions(
  model: JsonModel,
  options: Readonly<Record<string, OptionValue>>,
  names: WireNames,
): Readonly<Record<string, unknown>> {
  return writtenOptions(model, checkMediaOptions(model, options, ESSENTIAL).values, names);
}
