/**
 * Plans as operators keep them in a file.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { planSchema, type PlanInput } from '../contracts/metering.ts';
import { CliError } from './cli-error.ts';
import { readStdin, type CliContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';

const ISSUES_SHOWN = 10;

function invalid(name: string, problems: readonly string[]): CliError {
  const shown = problems.slice(0, ISSUES_SHOWN);
  const more = problems.length - shown.length;
  return new CliError(`${name} is no file of plans; nothing was changed.`, {
    exitCode: EXIT_CODES.invalidConfig,
    code: 'invalid_plans',
    details: more > 0 ? [...shown, `and ${more} more`] : shown,
    fixes: ['correct the file; the members of a plan stand in /admin/v1/openapi.json (PlanInput)'],
    members: { problems },
  });
}

/** Text of a file, or of standard input for `-`. @throws CliError `unreadable_file` */
export async function readText(context: CliContext, file: string): Promise<string> {
  if (file === '-') return readStdin(context);
  const path = resolve(context.workingDirectory, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new CliError(
      `${path} cannot be read: ${isMissing ? 'there is no such file' : String(error)}.`,
      { code: 'unreadable_file', fixes: ['name the file, or - for standard input'] },
    );
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : index === 0 ? String(step) : `.${String(step)}`,
    )
    .join('');
}

/** Where plans may stand: alone, in a list, or under `plans`. */
function plansOf(value: unknown): { readonly prefix: PropertyKey[]; readonly plans: unknown } {
  if (Array.isArray(value)) return { prefix: [], plans: value };
  if (typeof value === 'object' && value !== null && 'plans' in value) {
    return { prefix: ['plans'], plans: value.plans };
  }
  return { prefix: [], plans: [value] };
}

/**
 * Reads and checks a file of plans, YAML or JSON; `-` is standard input.
 *
 * @throws CliError naming every problem with its path
 */
export async function readPlanFile(
  context: CliContext,
  file: string,
): Promise<readonly PlanInput[]> {
  const name = file === '-' ? 'standard input' : file;
  const document = parseDocument(await readText(context, file));
  if (document.errors.length > 0) {
    throw invalid(
      name,
      document.errors.map((error) => error.message.split('\n')[0] ?? 'not YAML'),
    );
  }
  const { prefix, plans } = plansOf(document.toJS({ maxAliasCount: 100 }));
  const parsed = z.array(planSchema).min(1).safeParse(plans);
  if (!parsed.success) {
    throw invalid(
      name,
      parsed.error.issues.map((issue) => {
        const path =
          issue.code === 'unrecognized_keys'
            ? [...issue.path, ...issue.keys.slice(0, 1)]
            : issue.path;
        const reason =
          issue.code === 'unrecognized_keys' ? 'is no member of a plan' : issue.message;
        return `${pathText([...prefix, ...path])}: ${reason}`;
      }),
    );
  }
  const ids = parsed.data.map((plan) => plan.id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  if (twice.length > 0) throw invalid(name, [`${twice.join(', ')}: stands there twice`]);
  return parsed.data;
}
