/**
 * Tables that are sent row by row: never the whole of one in memory, and no faster than the client reads.
 *
 * @module
 */
import { z } from 'zod';
import { csvLine } from './csv.ts';

/** Formats of an export. */
export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Query member of every export. */
export const formatShape = {
  format: z
    .enum(EXPORT_FORMATS)
    .optional()
    .describe('`csv` (RFC 4180, by default) or `ndjson`, one object a line.'),
};

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

/** One row in both formats; only the one that is asked for is made. */
export interface ExportRow {
  csv(): readonly string[];
  /** A JSON object on one line. */
  json(): string;
}

export interface ExportTable {
  /** File name without its ending. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Rows as they are read, some at a time. */
  readonly pages: AsyncIterable<readonly ExportRow[]>;
}

/** A reply that is sent while it is made. */
export class StreamedReply {
  readonly contentType: string;
  /** Value of `content-disposition`. */
  readonly disposition: string;
  readonly #first: IteratorResult<string>;
  readonly #rest: AsyncIterator<string>;
  #isBegun = false;

  private constructor(
    table: ExportTable,
    format: ExportFormat,
    chunks: { readonly first: IteratorResult<string>; readonly rest: AsyncIterator<string> },
  ) {
    this.contentType = MEDIA_TYPES[format];
    this.disposition = `attachment; filename="${table.name}.${format}"`;
    this.#first = chunks.first;
    this.#rest = chunks.rest;
  }

  /**
   * Begins an export. The first rows are read before it returns, so that what cannot be answered is refused with a
   * status of its own; what fails later breaks the transfer off.
   */
  static async begin(table: ExportTable, format: ExportFormat): Promise<StreamedReply> {
    const rest = chunksOf(table, format);
    return new StreamedReply(table, format, { first: await rest.next(), rest });
  }

  /** The next piece of text; reads on only when it is asked for. */
  async next(): Promise<IteratorResult<string>> {
    if (this.#isBegun) return this.#rest.next();
    this.#isBegun = true;
    return this.#first;
  }

  /** Reads no further. */
  async cancel(): Promise<void> {
    await this.#rest.return?.();
  }
}

async function* chunksOf(table: ExportTable, format: ExportFormat): AsyncGenerator<string> {
  let pending = format === 'csv' ? csvLine(table.columns) : '';
  for await (const rows of table.pages) {
    for (const row of rows) pending += format === 'csv' ? csvLine(row.csv()) : `${row.json()}\n`;
    if (pending === '') continue;
    yield pending;
    pending = '';
  }
  if (pending !== '') yield pending;
}

const encoder = new TextEncoder();

/** The chunks as a web stream that asks for the next one when the last was taken. */
export function toWebStream(reply: StreamedReply): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await reply.next();
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(next.value));
      },
      async cancel() {
        await reply.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}
