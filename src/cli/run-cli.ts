/**
 * Runs one command line from arguments to exit code.
 *
 * @module
 */
import { CommanderError } from 'commander';
import { ConfigError } from '../config/index.ts';
import { CliError, usageError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { Output } from './output.ts';
import { createProgram } from './program.ts';

/** Options of the program itself; any other first option belongs to `start`. */
const OWN_OPTIONS: readonly string[] = ['-h', '--help', '-V', '--version'];

function withCommand(args: readonly string[]): readonly string[] {
  const [first] = args;
  if (first === undefined) return ['start'];
  return first.startsWith('-') && !OWN_OPTIONS.includes(first) ? ['start', ...args] : args;
}

/** Where help was asked for or shown. */
const HELP_CODES: readonly string[] = ['commander.helpDisplayed', 'commander.version'];

/** Commander's texts begin with `error: ` and may end with a line `(Did you mean …?)`. */
function readUsageError(
  error: CommanderError,
  context: CliContext,
  args: readonly string[],
): CliError {
  const [text = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (.*)\?\)$/.exec(hint)?.[1];
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  const words = args.filter((arg) => /^[a-z]+$/.test(arg)).slice(0, 1);
  const isUnknownCommand = error.code === 'commander.unknownCommand';
  const help = `${[context.invocation, ...(isUnknownCommand ? [] : words), '--help'].join(' ')}`;
  return usageError(meant === undefined ? sentence : `${sentence}; did you mean ${meant}?`, [help]);
}

function asCliError(error: unknown, context: CliContext, args: readonly string[]): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ConfigError) {
    return new CliError(`The configuration cannot be used.\n${error.message}`, {
      exitCode: EXIT_CODES.invalidConfig,
      code: 'invalid_config',
      fixes: [
        'correct what is named above; docs/config.md lists every setting',
        `${context.invocation} config check`,
      ],
      members: { problems: error.problems },
      cause: error,
    });
  }
  if (error instanceof CommanderError) return readUsageError(error, context, args);
  return new CliError(error instanceof Error ? error.message : String(error), {
    code: 'failure',
    fixes: [`${context.invocation} doctor`],
    cause: error,
  });
}

/**
 * Runs a command line; arguments without the program's name. Never throws: errors are printed.
 *
 * @returns the exit code
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.ok;
  const program = createProgram({
    context,
    exitWith: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...withCommand(args)], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && HELP_CODES.includes(error.code)) return EXIT_CODES.ok;
    const flags = { json: args.includes('--json'), color: !args.includes('--no-color') };
    const output = new Output(context, flags);
    if (error instanceof CommanderError && error.code === 'commander.help') {
      // A group without its verb: commander would have shown the help as an error.
      const group = args.find((arg) => !arg.startsWith('-')) ?? '';
      const verbs = program.commands
        .find((command) => command.name() === group || command.aliases().includes(group))
        ?.commands.map((command) => command.name());
      const missing = `"${group}" needs one of: ${verbs?.join(', ') ?? 'a command'}.`;
      output.error(usageError(missing, [`${context.invocation} ${group} --help`]));
      return EXIT_CODES.usage;
    }
    const known = asCliError(error, context, args);
    output.error(known);
    return known.exitCode;
  }
}
