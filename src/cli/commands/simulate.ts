/**
 * `alwrity-gateway simulate`: the provider simulators for anyone's tests.
 *
 * @module
 */
import type { Command } from 'commander';
import { addExamples, addOutputOptions, wholeNumber, type CommandScope } from '../command-kit.ts';
import { listenError } from '../listen-error.ts';
import { Output, type OutputFlags } from '../output.ts';
import { renderTable } from '../table.ts';

const DEFAULT_PORT = 8791;

interface Flags extends OutputFlags {
  readonly host: string;
  readonly port: number;
  readonly seed: string;
}

async function serve(scope: CommandScope, flags: Flags): Promise<void> {
  const { host, port, seed } = flags;
  const output = new Output(scope.context, flags);
  const { serveSimulators } = await import('../../simulators/serve.ts');
  const served = await serveSimulators({ host, port, seed }).catch((error: unknown) => {
    throw listenError(error, { host, port, invocation: `${scope.context.invocation} simulate` });
  });
  const { simulator, families } = served;
  if (output.json) {
    output.line({ event: 'listening', url: simulator.url, pid: process.pid, seed, families });
  } else {
    const table = renderTable(
      families,
      [
        { title: 'provider', value: (family) => family.family },
        {
          title: 'point a gateway or a client at it',
          value: (family) => `${family.environment}=${family.baseUrl}`,
        },
      ],
      output.colors,
    );
    output.raw(`\n${table}\n\n`);
    output.message(
      `Any key but one that contains "bad" is accepted. Faults: POST ${simulator.url}/__simulator/faults. Stop with Ctrl-C.`,
    );
  }
  await scope.context.stopRequested();
  await simulator.close();
}

export function registerSimulate(program: Command, scope: CommandScope): void {
  const simulate = program
    .command('simulate')
    .description('serve simulated providers (Gemini, OpenAI, Hugging Face, Stability …) for tests')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <number>',
      'port to listen on; 0 takes any free one',
      wholeNumber(0, 65_535),
      DEFAULT_PORT,
    )
    .option('--seed <text>', 'everything invented follows from it', '1')
    .action((flags: Flags) => serve(scope, flags));
  addExamples(addOutputOptions(simulate), scope, [
    ['simulate', `on port ${DEFAULT_PORT}`],
    [
      'simulate --port 0 --seed 7 --json',
      'first line of standard output is {"event":"listening",…}',
    ],
  ]);
}
