/**
 * Forms as the routes of pictures and sound take them: files in memory, under the limit of their route, and fields that
 * are checked like members of JSON.
 *
 * @module
 */
import { buffer } from 'node:stream/consumers';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { MediaInput } from '../../contracts/media.ts';
import { extensionOf } from '../../http/media-type.ts';
import { kindOf, sniffBytes, type MediaKind } from '../../media/media-type.ts';
import { bufferedBody, receiveForm, type FormFields } from '../../media/receive-form.ts';
import { invalidRequest } from '../validation.ts';

const MAX_FIELDS = 100;
const MAX_FIELD_BYTES = 256 * 1024;

/** A file part as it was sent. */
export interface FormUpload {
  /** Name of the part without the brackets of lists. */
  readonly part: string;
  readonly fileName: string | null;
  readonly bytes: Buffer;
}

export interface FormBody {
  /** Fields as members: those with brackets, and those that stand several times, as lists. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly files: readonly FormUpload[];
}

function bare(name: string): string {
  return name.endsWith('[]') ? name.slice(0, -2) : name;
}

/** `provider_options` is an object in JSON; in a form it is that JSON as text. */
function valueOf(name: string, text: string): unknown {
  if (name !== 'provider_options') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw invalidRequest(name, 'must be a JSON object.');
  }
}

function membersOf(fields: FormFields): Readonly<Record<string, unknown>> {
  const members = new Map<string, unknown>();
  for (const [written, text] of fields) {
    const name = bare(written);
    const value = valueOf(name, text);
    if (written !== name) {
      const list = members.get(name);
      members.set(name, Array.isArray(list) ? [...(list as unknown[]), value] : [value]);
    } else if (members.has(name)) {
      throw invalidRequest(name, 'stands twice in the form.');
    } else members.set(name, value);
  }
  return Object.fromEntries(members);
}

/**
 * Reads a form.
 *
 * @throws GatewayError `invalid_request` for what cannot be read, or has too many parts
 */
export async function readForm(
  body: Buffer,
  contentType: string,
  maxFiles: number,
): Promise<FormBody> {
  const files: FormUpload[] = [];
  const fields = await receiveForm(bufferedBody(body), contentType, {
    maxFiles,
    maxFields: MAX_FIELDS,
    maxFieldBytes: MAX_FIELD_BYTES,
    async onFile({ part, fileName, bytes }) {
      files.push({ part: bare(part), fileName, bytes: await buffer(bytes) });
    },
  });
  return { members: membersOf(fields), files };
}

/** Where a file came from: a part, or a member that holds a data URL. */
export interface MediaSource {
  /** Field to name in errors. */
  readonly param: string;
  readonly kinds: readonly MediaKind[];
}

function unsupported({ param, kinds }: MediaSource): GatewayError {
  return new GatewayError('unsupported_media_type', {
    message: `${param}: is no ${kinds.join(' or ')} file, by its content.`,
    param,
  });
}

/**
 * Bytes as an input of a provider: typed by their content, named without what the sender called them.
 *
 * @throws GatewayError `unsupported_media_type` for what is of none of the kinds, `invalid_request` for nothing at all
 */
export async function mediaInput(bytes: Buffer, source: MediaSource): Promise<MediaInput> {
  if (bytes.length === 0) throw invalidRequest(source.param, 'is empty.');
  const mediaType = await sniffBytes(bytes);
  const kind = mediaType === null ? null : kindOf(mediaType);
  if (mediaType === null || kind === null || !source.kinds.includes(kind)) {
    throw unsupported(source);
  }
  return {
    bytes,
    mediaType,
    fileName: `${source.param.replace(/\W/g, '-')}.${extensionOf(mediaType)}`,
  };
}

const DATA_URL = /^data:[\w.+/-]{0,100}(?:;[\w=.+-]{1,100}){0,5};base64,/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The bytes of a data URL in base64 (RFC 2397).
 *
 * @throws GatewayError `invalid_request` for any other address or text
 */
export function dataUrlBytes(url: string, param: string): Buffer {
  const [head] = DATA_URL.exec(url.slice(0, 1024)) ?? [];
  if (head === undefined) {
    throw invalidRequest(
      param,
      'must be a data URL in base64 ("data:image/png;base64,…"), or a part of a form.',
    );
  }
  const text = url.slice(head.length);
  if (text.length % 4 !== 0 || !BASE64.test(text))
    throw invalidRequest(param, 'is not valid base64.');
  return Buffer.from(text, 'base64');
}
