/**
 * `alwrity-gateway doctor`.
 *
 * @module
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { addExamples, addOutputOptions, type CommandScope } from '../command-kit.ts';
import type { Finding, FindingStatus } from '../doctor/finding.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { Output, type Colors, type OutputFlags } from '../output.ts';
import type { SettingFlags } from '../settings.ts';

interface Flags extends OutputFlags, SettingFlags {
  /** True without a name. */
  readonly bundle?: string | true;
}

function mark(status: FindingStatus, colors: Colors): string {
  switch (status) {
    case 'ok':
      return colors.green('ok  ');
    case 'warn':
      return colors.yellow('warn');
    case 'fail':
      return colors.red('FAIL');
  }
}

function findingLines(finding: Finding, width: number, colors: Colors): readonly string[] {
  const indent = ' '.repeat(6 + width + 2);
  return [
    `${mark(finding.status, colors)}  ${finding.check.padEnd(width)}  ${finding.what}`,
    ...(finding.why === null ? [] : [`${indent}${colors.dim('why')} ${finding.why}`]),
    ...(finding.fix === null ? [] : [`${indent}${colors.bold('fix')} ${finding.fix}`]),
  ];
}

function count(findings: readonly Finding[], status: FindingStatus): number {
  return findings.filter((finding) => finding.status === status).length;
}

function totalText(findings: readonly Finding[]): string {
  const failed = count(findings, 'fail');
  const warned = count(findings, 'warn');
  const warnings = `${warned} ${warned === 1 ? 'warning' : 'warnings'}`;
  if (failed > 0) return `${failed} to fix, ${warnings}.`;
  return warned > 0 ? `Nothing to fix, ${warnings}.` : 'All well.';
}

function bundlePath(scope: CommandScope, name: string | true): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const file = name === true ? `alwrity-gateway-doctor-${stamp}.json` : name;
  return resolve(scope.context.workingDirectory, file);
}

async function examine(scope: CommandScope, flags: Flags): Promise<void> {
  const { context } = scope;
  const output = new Output(context, flags);
  const { runDoctor } = await import('../doctor/run-doctor.ts');
  const diagnosis = await runDoctor(context, flags);
  const { findings } = diagnosis;
  const failed = count(findings, 'fail');
  const document = { ok: failed === 0, data_dir: diagnosis.dataDir, findings };
  const shown = output.quiet ? findings.filter((finding) => finding.status !== 'ok') : findings;
  const width = Math.max(0, ...shown.map((finding) => finding.check.length));
  output.data(document, () =>
    [
      ...shown.flatMap((finding) => findingLines(finding, width, output.colors)),
      '',
      totalText(findings),
    ].join('\n'),
  );
  if (flags.bundle !== undefined) {
    const { renderBundle, writeBundle } = await import('../doctor/bundle.ts');
    const path = bundlePath(scope, flags.bundle);
    try {
      writeBundle(path, renderBundle(context, diagnosis, Date.now()));
    } catch (error) {
      throw new CliError(`${path} cannot be written: ${String(error)}`, {
        code: 'unwritable_file',
        fixes: [`${context.invocation} doctor --bundle <another file>`],
      });
    }
    output.message(`Bundle without secrets: ${path}`);
  }
  if (failed > 0) scope.exitWith(EXIT_CODES.failure);
}

export function registerDoctor(program: Command, scope: CommandScope): void {
  const doctor = program
    .command('doctor')
    .description(
      'look at everything a gateway needs and name the fix; exit code 1 when something fails',
    )
    .option('--host <address>', 'as it would be started with')
    .option('--port <number>', 'as it would be started with')
    .option('--data-dir <folder>', 'folder of the database and credentials (./data)')
    .option('--config <file>', 'configuration file (gateway.yaml where present)')
    .option('--bundle [file]', 'write findings, settings and versions to a file, without secrets')
    .action((flags: Flags) => examine(scope, flags));
  addExamples(addOutputOptions(doctor), scope, [
    ['doctor', ''],
    ['doctor --quiet', 'only what is not well'],
    ['doctor --bundle report.json', 'for a bug report'],
  ]);
}
