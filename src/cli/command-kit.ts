/**
 * What commands have in common: options, help, lists.
 *
 * @module
 */
import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';
import { GatewayClient, parseReply, type Query } from './client.ts';
import type { ConnectionFlags, KeyKind } from './connection.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODE_MEANINGS, type ExitCode } from './exit-codes.ts';
import { type Colors, Output, type OutputFlags } from './output.ts';
import { type Column, renderTable } from './table.ts';

/** What every command is registered with. */
export interface CommandScope {
  readonly context: CliContext;
  /** Ends the process with this code although nothing is thrown. */
  exitWith(code: ExitCode): void;
}

export type CommonFlags = OutputFlags & ConnectionFlags;

/** `--json`, `--quiet`, `--no-color`. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'one JSON document with a schemaVersion')
    .option('--quiet', 'results only, no messages')
    .option('--no-color', 'no colours; NO_COLOR does the same');
}

/** Options of commands that talk to a running gateway, with those of the output. */
export function addClientOptions(command: Command): Command {
  return addOutputOptions(
    command
      .option(
        '--url <address>',
        'gateway to talk to (GATEWAY_URL, else the one of the data folder)',
      )
      .option('--data-dir <folder>', 'folder of that gateway, for its keys (./data)'),
  );
}

/** What an example does may be left empty where it is plain. */
type Example = readonly [command: string, meaning: string];

const examples = new WeakMap<Command, readonly Example[]>();

/** The examples of a command, for the documentation. */
export function examplesOf(command: Command): readonly Example[] {
  return examples.get(command) ?? [];
}

/** Puts examples first into a command's help, and the exit codes last. */
export function addExamples(
  command: Command,
  scope: CommandScope,
  shown: readonly Example[],
): Command {
  examples.set(command, shown);
  const { invocation } = scope.context;
  const commands = shown.map(([text]) => (text === '' ? invocation : `${invocation} ${text}`));
  const width = Math.max(...commands.map((text) => text.length));
  const lines = shown.map(([, meaning], index) =>
    `  ${(commands[index] ?? '').padEnd(width)}   ${meaning}`.trimEnd(),
  );
  const codes = EXIT_CODE_MEANINGS.map(([code, meaning]) => `${code} ${meaning}`);
  const rows = [codes.slice(0, 5), codes.slice(5)].map((row) => row.join(', '));
  return command
    .addHelpText('before', `Examples:\n${lines.join('\n')}\n`)
    .addHelpText('after', `\nExit codes: ${rows.join(',\n            ')}`);
}

/** Parses a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Collects a repeated option. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export interface Session {
  readonly client: GatewayClient;
  readonly output: Output;
}

/** Client and output for one run of a command. */
export function openSession(
  scope: CommandScope,
  flags: CommonFlags,
  kind: KeyKind = 'admin',
): Session {
  return {
    client: GatewayClient.find(scope.context, flags, kind),
    output: new Output(scope.context, flags),
  };
}

const ROWS_OF_A_PAGE_MAX = 200;

/** Rows that lists show unless `--limit` says otherwise. */
export const ROWS_SHOWN = 100;

export interface Listed<Row> {
  readonly rows: readonly Row[];
  /** As the gateway sent them, for `--json`. */
  readonly raw: readonly unknown[];
  readonly nextCursor: string | null;
}

/** Reads a list of the control plane page after page, up to `limit` rows. */
export async function readList<Schema extends z.ZodType>(
  client: GatewayClient,
  request: { readonly path: string; readonly query?: Query; readonly limit: number },
  schema: Schema,
): Promise<Listed<z.output<Schema>>> {
  const pageSchema = z.object({ data: z.array(z.unknown()), next_cursor: z.string().nullable() });
  const raw: unknown[] = [];
  let cursor: string | null = null;
  do {
    const query: Query = {
      ...request.query,
      limit: String(Math.min(ROWS_OF_A_PAGE_MAX, request.limit - raw.length)),
      ...(cursor === null ? {} : { cursor }),
    };
    const page: z.infer<typeof pageSchema> = parseReply(
      pageSchema,
      await client.admin('GET', request.path, { query }),
    );
    raw.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null && raw.length < request.limit);
  return { rows: raw.map((row) => parseReply(schema, row)), raw, nextCursor: cursor };
}

/** `--limit` of lists. */
export function addLimitOption(command: Command): Command {
  return command.option(
    '--limit <rows>',
    `rows at most (${ROWS_SHOWN})`,
    wholeNumber(1, 100_000),
    ROWS_SHOWN,
  );
}

/** Prints a list: its rows as JSON, or the table, and what to do when it is empty or goes on. */
export function printList(
  output: Output,
  list: Listed<unknown>,
  text: { readonly table: () => string; readonly empty: string },
): void {
  if (list.raw.length === 0 && !output.json) {
    output.message(text.empty);
    return;
  }
  output.data({ data: list.raw, next_cursor: list.nextCursor }, text.table);
  if (list.nextCursor !== null) {
    output.message(`The first ${list.raw.length} rows; --limit shows more.`);
  }
}

/** Reads a list of the control plane and prints it as a table. */
export async function showList<Schema extends z.ZodType>(
  { client, output }: Session,
  request: { readonly path: string; readonly query?: Query; readonly limit: number },
  shown: {
    readonly schema: Schema;
    readonly empty: string;
    readonly columns: readonly Column<z.output<Schema>>[];
  },
): Promise<void> {
  const found = await readList(client, request, shown.schema);
  printList(output, found, {
    empty: shown.empty,
    table: () => renderTable(found.rows, shown.columns, output.colors),
  });
}

/** Reads one thing of the control plane and prints it. */
export async function showOne<Schema extends z.ZodType>(
  { client, output }: Session,
  path: string,
  shown: {
    readonly schema: Schema;
    readonly text: (found: z.output<Schema>, colors: Colors) => string;
  },
): Promise<void> {
  const body = await client.admin('GET', path);
  output.data(body, () => shown.text(parseReply(shown.schema, body), output.colors));
}
