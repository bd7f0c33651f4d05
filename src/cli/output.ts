/**
 * Where output goes: data to standard output, messages to standard error; for people or as one JSON document.
 *
 * @module
 */
import picocolors from 'picocolors';
import type { CliError } from './cli-error.ts';
import type { CliContext, OutputStream } from './context.ts';

/** Version of the JSON documents; it grows when a member changes its meaning or goes away. */
export const SCHEMA_VERSION = 1;

export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** False for `--no-color`. */
  readonly color?: boolean;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

function colorsFor(stream: OutputStream, context: CliContext, flags: OutputFlags): Colors {
  const { environment } = context;
  // https://no-color.org says: every value but the empty one.
  const isOff = flags.color === false || (environment['NO_COLOR'] ?? '') !== '';
  return picocolors.createColors(!isOff && stream.isTTY === true && environment['TERM'] !== 'dumb');
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Colours for standard output; without effect where it is no terminal. */
  readonly colors: Colors;
  readonly isTerminal: boolean;
  readonly #context: CliContext;
  readonly #errorColors: Colors;

  constructor(context: CliContext, flags: OutputFlags) {
    this.#context = context;
    this.json = flags.json === true;
    this.quiet = flags.quiet === true;
    this.isTerminal = context.stdout.isTTY === true;
    this.colors = colorsFor(context.stdout, context, flags);
    this.#errorColors = colorsFor(context.stderr, context, flags);
  }

  /** Writes the result: `document` with its `schemaVersion` for programs, else what `human` returns. */
  data(document: Readonly<Record<string, unknown>>, human: () => string): void {
    if (this.json)
      this.#out(JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...document }, null, 2));
    else this.#out(human());
  }

  /** Writes one line of newline-delimited JSON. */
  line(document: Readonly<Record<string, unknown>>): void {
    this.#out(JSON.stringify(document));
  }

  /** Writes text without a line end. */
  raw(text: string): void {
    this.#context.stdout.write(text);
  }

  /** Says something that is not the result; silent with `--quiet`. */
  message(text: string): void {
    if (!this.quiet) this.#context.stderr.write(`${this.#errorColors.dim(text)}\n`);
  }

  /** Warns, also with `--quiet`. */
  warning(text: string): void {
    this.#context.stderr.write(`${this.#errorColors.yellow('warning:')} ${text}\n`);
  }

  /** Says what went wrong and what fixes it. */
  error(error: CliError): void {
    if (this.json) {
      const { code, message, fixes, members, exitCode } = error;
      const document = {
        schemaVersion: SCHEMA_VERSION,
        error: { code, message, fixes, exitCode, ...members },
      };
      this.#context.stderr.write(`${JSON.stringify(document)}\n`);
      return;
    }
    const colors = this.#errorColors;
    const lines = [
      `${colors.red('error:')} ${error.message.replaceAll('\n', '\n       ')}`,
      ...error.details.map((detail) => `       ${detail}`),
      ...error.fixes.map(
        (fix, index) => `${colors.bold(index === 0 ? '  fix:' : '      ')} ${fix}`,
      ),
    ];
    this.#context.stderr.write(`${lines.join('\n')}\n`);
  }

  #out(text: string): void {
    this.#context.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }
}
