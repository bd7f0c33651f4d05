/**
 * Multipart bodies (RFC 7578), part by part as they come: fields are kept in memory under a limit, files go to
 * whoever receives them.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { GatewayError } from '../contracts/gateway-error.ts';

/** A file part; its name and type are what the client says. */
export interface FormFile {
  /** Name of the part, such as `image` or `image[]`. */
  readonly part: string;
  readonly fileName: string | null;
  readonly contentType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface FormRules {
  readonly maxFiles: number;
  readonly maxFields: number;
  readonly maxFieldBytes: number;
  /** Must read the bytes to their end, or reject. One file at a time. */
  readonly onFile: (file: FormFile) => Promise<void>;
}

/** Fields by name, in their order; a name may stand several times. */
export type FormFields = readonly (readonly [name: string, value: string])[];

const PART_NAME_MAX_BYTES = 200;

function refusal(message: string, param?: string): GatewayError {
  return new GatewayError('invalid_request', {
    message,
    ...(param === undefined ? {} : { param }),
  });
}

function openParser(contentType: string, rules: FormRules): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      // Without a file name a part is a field, whatever its type.
      isPartAFile: (_name, _type, fileName) => fileName !== undefined,
      limits: {
        files: rules.maxFiles,
        fields: rules.maxFields,
        parts: rules.maxFiles + rules.maxFields,
        fieldSize: rules.maxFieldBytes,
        fieldNameSize: PART_NAME_MAX_BYTES,
        headerPairs: 20,
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    throw refusal(`The multipart body cannot be read: ${reason}.`, 'content-type');
  }
}

/** A body as it comes: a request, or bytes that are here already. */
type BodySource = Readable & Pick<IncomingMessage, 'complete'>;

/** A body that is in memory, as {@link receiveForm} reads it. */
export function bufferedBody(bytes: Buffer): BodySource {
  return Object.assign(Readable.from([bytes]), { complete: true });
}

/** One body while it is read. */
class FormReading {
  readonly fields: (readonly [string, string])[] = [];
  readonly #source: BodySource;
  readonly #parser: BusboyInstance;
  readonly #rules: FormRules;
  readonly #files: Promise<void>[] = [];
  readonly #open = new Set<{ destroy(error: Error): unknown }>();
  #failure: unknown = null;

  constructor(source: BodySource, contentType: string, rules: FormRules) {
    this.#source = source;
    this.#rules = rules;
    this.#parser = openParser(contentType, rules);
  }

  /** Settles once the body has ended, or it has failed and no file is being received any more. */
  async run(): Promise<void> {
    try {
      await this.#parse();
      await Promise.all(this.#files);
    } catch (error) {
      this.#stop(error);
      await Promise.allSettled(this.#files);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #parse(): Promise<void> {
    const parser = this.#parser;
    const source = this.#source;
    const { maxFiles, maxFields } = this.#rules;
    return new Promise((resolve, reject) => {
      parser.on('file', (...[part, stream, fileName, , contentType]) => {
        this.#open.add(stream);
        stream.on('close', () => this.#open.delete(stream));
        // Its reader sees the error; without a listener it would end the process.
        stream.on('error', () => undefined);
        const name = fileName === '' ? null : fileName;
        const received = this.#rules.onFile({ part, fileName: name, contentType, bytes: stream });
        received.catch(reject);
        this.#files.push(received);
      });
      parser.on('field', (...[name, value, isNameCut, isValueCut]) => {
        if (isNameCut || isValueCut) reject(refusal(`${name}: is too long.`, name));
        else this.fields.push([name, value]);
      });
      parser.on('filesLimit', () => reject(refusal(`At most ${maxFiles} files are taken.`)));
      parser.on('fieldsLimit', () => reject(refusal(`At most ${maxFields} fields are taken.`)));
      parser.on('partsLimit', () => reject(refusal('There are too many parts.')));
      parser.on('error', (error) => {
        const reason = error instanceof Error ? error.message : 'unreadable';
        reject(refusal(`The multipart body cannot be read: ${reason}.`));
      });
      parser.on('finish', resolve);
      const cut = (): void => {
        if (source.complete) return;
        const message = 'The request body did not arrive in time.';
        reject(new GatewayError('request_timeout', { message }));
      };
      source.on('error', cut);
      source.on('close', cut);
      source.pipe(parser);
    });
  }

  #stop(error: unknown): void {
    this.#failure = error;
    this.#source.unpipe(this.#parser);
    this.#source.pause();
    const reason = error instanceof Error ? error : new Error('the form was given up');
    for (const stream of this.#open) stream.destroy(reason);
    this.#parser.destroy();
  }
}

/**
 * Reads a multipart body to its end.
 *
 * @throws GatewayError `invalid_request` for what cannot be read or exceeds the rules, `request_timeout` when the client
 *   stops sending, and what `onFile` rejects with
 */
export async function receiveForm(
  source: BodySource,
  contentType: string,
  rules: FormRules,
): Promise<FormFields> {
  const reading = new FormReading(source, contentType, rules);
  await reading.run();
  return reading.fields;
}

/**
 * A body as chunks. Leaving the loop early keeps the connection, so that a refusal can be answered.
 *
 * @throws GatewayError `request_timeout` when the client stops sending
 */
export async function* bodyChunks(source: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (error) {
    throw new GatewayError('request_timeout', {
      message: 'The request body did not arrive in time.',
      cause: error,
    });
  } finally {
    source.pause();
  }
}
