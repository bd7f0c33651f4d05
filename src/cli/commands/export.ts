/**
 * `alwrity-gateway usage export` and `alwrity-gateway requests export`: tables as files.
 *
 * @module
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import {
  addClientOptions,
  addExamples,
  openSession,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { CliError } from '../cli-error.ts';
import type { Query } from '../client.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { OutputStream } from '../context.ts';

/** Millions of rows take their time. */
const EXPORT_TIMEOUT_MS = 60 * 60_000;

export interface ExportFlags extends CommonFlags {
  readonly customer?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format?: string;
  readonly output?: string;
}

/** Options of every export. */
export function addExportOptions(command: Command, scope: CommandScope, example: string): Command {
  command
    .option('--customer <id>', 'of this customer, else of all')
    .option('--from <time>', 'not older, such as 2026-11-01')
    .option('--to <time>', 'older than this')
    .addOption(
      new Option('--format <name>', 'form of the rows').choices(['csv', 'ndjson']).default('csv'),
    )
    .option('--output <file>', 'file to write (standard output)');
  return addExamples(addClientOptions(command), scope, [
    [example, 'to standard output'],
    [`${example} --format ndjson --output rows.ndjson`, ''],
  ]);
}

async function writeTo(stream: OutputStream, body: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const isFull = stream.write(decoder.decode(chunk, { stream: true })) === false;
    if (isFull && stream instanceof EventEmitter) await once(stream, 'drain');
  }
}

/** Writes beside the file first: a transfer that breaks off leaves no file that looks whole. */
async function writeFile(path: string, body: Readable): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await pipeline(body, createWriteStream(partial));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Fetches an export and writes it where the flags say. @throws CliError when it breaks off */
export async function runExport(
  scope: CommandScope,
  flags: ExportFlags,
  request: { readonly path: string; readonly query: Query },
): Promise<void> {
  const { client, output } = openSession(scope, flags);
  const { customer, from, to, format } = flags;
  const response = await client.send('GET', `/admin/v1${request.path}`, {
    query: { customer, from, to, format, ...request.query },
    timeoutMs: EXPORT_TIMEOUT_MS,
  });
  if (response.body === null) return;
  const body = Readable.fromWeb(response.body);
  try {
    if (flags.output === undefined) await writeTo(scope.context.stdout, body);
    else await writeFile(flags.output, body);
  } catch (error) {
    throw new CliError(
      `The export is not complete: ${error instanceof Error ? error.message : String(error)}.`,
      {
        exitCode: EXIT_CODES.failure,
        code: 'export_incomplete',
        fixes: ['run it again, for a shorter range if it takes too long: --from, --to'],
        cause: error,
      },
    );
  }
  if (flags.output !== undefined) output.message(`Written to ${flags.output}.`);
}
