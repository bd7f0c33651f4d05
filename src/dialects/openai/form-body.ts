/**
 * Forms as the routes of pictures and sound take them: files in memory, under the limit of their route, and fields that
 * are checked like members of JSON.
 *
 * @module
 */
import { buffer } from 'node:stream/consumers';
import { bufferedBody, receiveForm, type FormFields } from '../../media/receive-form.ts';
import { invalidRequest } from '../validation.ts';

const MAX_FIELDS = 100;
const MAX_FIELD_BYTES = 256 * 1024;

/** A file part as it was sent. */
export interface FormUpload {
  /** Name of the part without the brackets of lists. */
  readonly part: string;
  /** As the sender says. */
  readonly contentType: string;
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

/** Members that are objects in JSON; in a form they are that JSON as text. */
const OBJECTS: ReadonlySet<string> = new Set(['provider_options', 'expand', 'consent']);

function valueOf(name: string, text: string): unknown {
  if (!OBJECTS.has(name)) return text;
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
    async onFile({ part, contentType: type, bytes }) {
      files.push({ part: bare(part), contentType: type, bytes: await buffer(bytes) });
    },
  });
  return { members: membersOf(fields), files };
}
