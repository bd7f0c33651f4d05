/**
 * Bodies that hold media or name it: as parts of a form, as data URLs, as https URLs, as assets. First everything else
 * of the body is judged, then {@link MediaReceiver} gets what was named, so that nothing is fetched for a request that is
 * refused anyway.
 *
 * @module
 */
import { buffer } from 'node:stream/consumers';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { MediaInput } from '../../contracts/media.ts';
import type { ParseContext, RequestOrigin } from '../../gateway/dialect.ts';
import { isForm } from '../../gateway/request-headers.ts';
import { readDataUrl } from '../../media/data-url.ts';
import { checkImageBytes, type ImageSize } from '../../media/image-header.ts';
import { claimedType } from '../../media/media-inputs.ts';
import {
  agrees,
  canonicalType,
  extensionOf,
  kindOf,
  sniffBytes,
  type MediaKind,
} from '../../media/media-type.ts';
import { parseJsonObject } from '../json-body.ts';
import { invalidRequest } from '../validation.ts';
import { readForm } from './form-body.ts';

/** A picture of 16,384 × 16,384: what is larger is a bomb, or nothing that any model takes. */
const PIXELS_MAX = 268_435_456;

/** Which members of a body hold media: how many of each at most, and by which other names. */
export type MediaRules = Readonly<
  Record<string, { readonly max: number; readonly alias?: string }>
>;

/** Media as a body has it, before anything is fetched or looked at. */
export interface NamedMedia {
  /** Field to name in errors. */
  readonly param: string;
  readonly source:
    | { readonly type: 'bytes'; readonly bytes: Buffer; readonly claimedType: string | null }
    /** A data URL, an https URL or the id of an asset. */
    | { readonly type: 'text'; readonly text: string };
}

export interface MediaBody {
  /** All members that hold no media. */
  readonly members: Readonly<Record<string, unknown>>;
  /** What was named for each member of the rules, in its order. */
  readonly media: Readonly<Record<string, readonly NamedMedia[]>>;
}

/** Media that is there. */
export interface ReceivedMedia {
  readonly input: MediaInput;
  /** Pixels; null for what is no picture. */
  readonly size: ImageSize | null;
}

/** One medium in JSON: text, or an object as OpenAI writes it. */
function namedIn(value: unknown, param: string): NamedMedia {
  const object = typeof value === 'object' && value !== null ? value : {};
  const named =
    'image_url' in object ? object.image_url : 'file_id' in object ? object.file_id : value;
  if (typeof named !== 'string') {
    throw invalidRequest(
      param,
      'must be a data URL, an https URL, the id of an asset, or {"image_url": …} or {"file_id": …} with one of them.',
    );
  }
  return { param, source: { type: 'text', text: named } };
}

function listIn(value: unknown, name: string): readonly NamedMedia[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [namedIn(value, name)];
  return (value as readonly unknown[]).map((one, at) => namedIn(one, `${name}[${at}]`));
}

function canonicalNames(rules: MediaRules): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(rules).flatMap(([name, { alias }]) => [
      [name, name] as const,
      ...(alias === undefined ? [] : [[alias, name] as const]),
    ]),
  );
}

function split(
  body: Readonly<Record<string, unknown>>,
  rules: MediaRules,
): { members: Record<string, unknown>; media: Record<string, NamedMedia[]> } {
  const names = canonicalNames(rules);
  const members: Record<string, unknown> = {};
  const media: Record<string, NamedMedia[]> = Object.fromEntries(
    Object.keys(rules).map((name) => [name, []]),
  );
  for (const [written, value] of Object.entries(body)) {
    const name = names.get(written);
    if (name === undefined) members[written] = value;
    else media[name]?.push(...listIn(value, written));
  }
  return { members, media };
}

function counted(body: MediaBody, rules: MediaRules): MediaBody {
  for (const [name, { max }] of Object.entries(rules)) {
    if ((body.media[name]?.length ?? 0) > max) {
      throw invalidRequest(name, max === 1 ? 'is taken once.' : `at most ${max} are taken.`);
    }
  }
  return body;
}

async function fromForm(body: Buffer, contentType: string, rules: MediaRules): Promise<MediaBody> {
  const names = canonicalNames(rules);
  const most = Object.values(rules).reduce((sum, { max }) => sum + max, 0);
  const form = await readForm(body, contentType, most + 1);
  const { members, media } = split(form.members, rules);
  for (const { part, bytes, contentType: type } of form.files) {
    const name = names.get(part);
    if (name === undefined) {
      const known = Object.keys(rules).join('", "');
      throw invalidRequest(part.slice(0, 100), `unknown file; files are "${known}".`);
    }
    const source = { type: 'bytes', bytes, claimedType: claimedType(type) } as const;
    media[name]?.push({ param: part, source });
  }
  return { members, media };
}

/**
 * Reads a body, as a form or as JSON.
 *
 * @throws GatewayError `invalid_request` naming the field
 */
export async function readMediaBody(
  body: Buffer,
  request: { readonly context: ParseContext; readonly origin: RequestOrigin },
  rules: MediaRules,
): Promise<MediaBody> {
  const contentType = request.origin.exchange.header('content-type');
  if (contentType !== null && isForm(contentType)) {
    return counted(await fromForm(body, contentType, rules), rules);
  }
  return counted(split(parseJsonObject(body, request.context.settings.maxJsonDepth), rules), rules);
}

function tooLarge(param: string, maxBytes: number): GatewayError {
  return new GatewayError('payload_too_large', {
    message: `${param}: what the body names is larger than the ${maxBytes} bytes that this route takes.`,
    param,
  });
}

/** What bytes are, judged by the bytes. */
async function judged(
  bytes: Buffer,
  { param, kinds, claim }: { param: string; kinds: readonly MediaKind[]; claim: string | null },
): Promise<ReceivedMedia> {
  if (bytes.length === 0) throw invalidRequest(param, 'is empty.');
  const mediaType = await sniffBytes(bytes);
  const kind = mediaType === null ? null : kindOf(mediaType);
  if (mediaType === null || kind === null || !kinds.includes(kind)) {
    throw new GatewayError('unsupported_media_type', {
      message: `${param}: is no ${kinds.join(' or ')} file, by its content.`,
      param,
    });
  }
  if (claim !== null && !agrees(claim, mediaType)) {
    throw invalidRequest(
      param,
      `says ${canonicalType(claim).slice(0, 100)}, but its bytes are ${mediaType}.`,
    );
  }
  // Never what the sender called it: a name may be a path.
  const fileName = `${param.replace(/\W+/g, '-').replace(/-$/, '')}.${extensionOf(mediaType)}`;
  const input = { bytes, mediaType, fileName };
  if (kind !== 'image') return { input, size: null };
  const check = checkImageBytes(bytes, mediaType, PIXELS_MAX);
  if (check.type === 'refused') throw invalidRequest(param, check.reason);
  return { input, size: check.size };
}

/** Gets the media of one body, which together have no more bytes than the route takes. */
export class MediaReceiver {
  readonly #context: ParseContext;
  readonly #customerId: string;
  readonly #maxBytes: number;
  #leftBytes: number;

  constructor(context: ParseContext, origin: RequestOrigin, maxBytes: number) {
    this.#context = context;
    this.#customerId = origin.caller.customer.id;
    this.#maxBytes = maxBytes;
    this.#leftBytes = maxBytes;
  }

  /**
   * One after the other, so that no more is in memory than is taken.
   *
   * @throws GatewayError naming the field: `invalid_request`, `unsupported_media_type`, `payload_too_large`, `not_found`
   */
  async receiveAll(
    named: readonly NamedMedia[],
    kinds: readonly MediaKind[],
  ): Promise<readonly ReceivedMedia[]> {
    const received: ReceivedMedia[] = [];
    for (const one of named) received.push(await this.receive(one, kinds));
    return received;
  }

  async receive(
    { param, source }: NamedMedia,
    kinds: readonly MediaKind[],
  ): Promise<ReceivedMedia> {
    if (source.type === 'bytes') {
      return await judged(source.bytes, { param, kinds, claim: source.claimedType });
    }
    const { text } = source;
    if (/^data:/i.test(text)) {
      const url = readDataUrl(text, param);
      const claim = claimedType(url.claimedType);
      return await judged(await buffer(url.bytes), { param, kinds, claim });
    }
    return await judged(await this.#fetched(text, { param, kinds }), { param, kinds, claim: null });
  }

  /** An https URL or an asset, by the gateway's one guard. */
  async #fetched(
    text: string,
    { param, kinds }: { readonly param: string; readonly kinds: readonly MediaKind[] },
  ): Promise<Buffer> {
    if (this.#leftBytes === 0) throw tooLarge(param, this.#maxBytes);
    const bytes = await this.#context.inputs.read(
      { type: 'text', text },
      { customerId: this.#customerId, param, kinds, maxBytes: this.#leftBytes },
    );
    this.#leftBytes -= bytes.length;
    return bytes;
  }
}
