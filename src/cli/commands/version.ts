/**
 * `alwrity-gateway version`.
 *
 * @module
 */
import type { Command } from 'commander';
import { VERSION } from '../../version.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import { Output, type OutputFlags } from '../output.ts';

/** What a bug report needs to say of the machine. */
export function versions(): Readonly<Record<string, string>> {
  return {
    version: VERSION,
    node: process.versions.node,
    sqlite: process.versions['sqlite'] ?? 'unknown',
    platform: `${process.platform} ${process.arch}`,
  };
}

export function registerVersion(program: Command, scope: CommandScope): void {
  const version = program
    .command('version')
    .description('print the versions of the gateway, Node and SQLite')
    .action((flags: OutputFlags) => {
      const output = new Output(scope.context, flags);
      const { node, sqlite, platform } = versions();
      output.data(versions(), () =>
        output.quiet
          ? VERSION
          : `alwrity-gateway ${VERSION}   Node ${node}   SQLite ${sqlite}   ${platform}`,
      );
    });
  addExamples(addOutputOptions(version), scope, [['version --json', '']]);
}
