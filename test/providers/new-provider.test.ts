/**
 * Providers that nobody has heard of, one of each kind: made by `provider new` in a copy of the tree, with their lines in the registry.
 * Their own suites, and everything that derives from the registry, stay green.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySource } from '../../scripts/prove/source-copy.ts';
import { PROVIDER_KINDS } from '../../src/cli/scaffold/provider-files.ts';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';

const TIMEOUT_MS = 120_000;

const idOf = (kind: string): string => `acme-${kind}`;

let tree: string;
beforeAll(() => {
  tree = copySource([
    'src',
    'test',
    'scripts',
    'docs',
    'openapi',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
  ]);
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** A program of the installed packages, in the copy. */
function run(program: string, args: readonly string[]): string {
  const node = join(tree, 'node_modules/.bin/node');
  return execFileSync(node, [join(tree, 'node_modules', program), ...args], {
    cwd: tree,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', VITEST: '' },
  });
}

function add(file: string, after: RegExp, line: string): void {
  const path = join(tree, file);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(after, (found) => `${found}${line}\n`);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
}

interface Made {
  readonly files: readonly string[];
  readonly registry: readonly { readonly file: string; readonly line: string }[];
}

/** Writes a provider of a kind, and its lines into the registry. */
async function make(kind: string): Promise<Made> {
  const args = ['provider', 'new', idOf(kind), '--kind', kind, '--json'];
  const made = await runCaptured(args, { workingDirectory: tree });
  expect([made.code, made.err]).toEqual([0, '']);
  const written = made.json as Made;
  const [imported, listed] = written.registry;
  const registry = 'src/providers/registry.ts';
  add(registry, /from '\.\/gemini\/provider\.ts';\n/, imported?.line ?? '');
  add(registry, /PROVIDERS: readonly ProviderDefinition\[\] = \[\n/, listed?.line ?? '');
  return written;
}

describe('alwrity-gateway provider new', () => {
  test(
    'writes folders whose suites run, and all that derives from the registry stays green',
    async () => {
      for (const kind of PROVIDER_KINDS) {
        const { files } = await make(kind);
        expect(files).toContain(`src/providers/${idOf(kind)}/provider.ts`);
      }
      execFileSync(join(tree, 'node_modules/.bin/node'), ['scripts/build-provider-docs.ts'], {
        cwd: tree,
      });
      const page = readFileSync(join(tree, 'docs/providers.md'), 'utf8');
      for (const kind of PROVIDER_KINDS) expect(page).toContain(`(\`${idOf(kind)}\`)`);
      const folders = PROVIDER_KINDS.map((kind) => `src/providers/${idOf(kind)}`);
      const simulators = PROVIDER_KINDS.map((kind) => `src/simulators/${idOf(kind)}`);
      writeFileSync(
        join(tree, 'tsconfig.new.json'),
        JSON.stringify({ extends: './tsconfig.json', include: [...folders, ...simulators] }),
      );
      expect(run('typescript/bin/tsc', ['-p', 'tsconfig.new.json'])).toBe('');
      const out = run('vitest/vitest.mjs', [
        'run',
        ...folders,
        'src/providers/registry.test.ts',
        'src/providers/provider-docs.test.ts',
        'test/architecture.test.ts',
        'src/config/config-docs.test.ts',
      ]);
      expect(out).toMatch(new RegExp(`Test Files +${folders.length + 4} passed`));
    },
    TIMEOUT_MS,
  );

  test.each([
    ['an id that is none', ['Acme Images'], /cannot be a provider's id/],
    ['a provider that there is', ['openai'], /is there already/],
    ['a kind that there is not', ['acme', '--kind', 'magic'], /chat, image/],
  ])('refuses %s', async (_what, args, message) => {
    const refused = await runCaptured(['provider', 'new', ...args], { workingDirectory: tree });
    expect(refused.code).not.toBe(0);
    expect(refused.err).toMatch(message);
  });

  test('refuses a folder that is no checkout', async () => {
    const refused = await runCaptured(['provider', 'new', 'acme'], {
      workingDirectory: join(tree, 'docs'),
    });
    expect(refused.err).toMatch(/no checkout/);
  });
});
