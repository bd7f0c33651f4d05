/**
 * A provider that nobody has heard of: made by `provider new` in a copy of the tree, with its one line in the registry. Its own suite, and
 * everything that derives from the registry, stays green.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copySource } from '../../scripts/prove/source-copy.ts';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';

const ID = 'acme-pictures';
const TIMEOUT_MS = 120_000;

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

describe('alwrity-gateway provider new', () => {
  test(
    'writes a folder whose suite runs, and all that derives from the registry stays green',
    async () => {
      const made = await runCaptured(['provider', 'new', ID, '--json'], { workingDirectory: tree });
      expect(made.code).toBe(0);
      const { files, registry } = made.json as {
        readonly files: readonly string[];
        readonly registry: readonly { readonly file: string; readonly line: string }[];
      };
      expect(files).toContain(`src/providers/${ID}/provider.ts`);
      const [imported, listed] = registry;
      add('src/providers/registry.ts', /from '\.\/gemini\/provider\.ts';\n/, imported?.line ?? '');
      add(
        'src/providers/registry.ts',
        /PROVIDERS: readonly ProviderDefinition\[\] = \[\n/,
        listed?.line ?? '',
      );
      execFileSync(join(tree, 'node_modules/.bin/node'), ['scripts/build-provider-docs.ts'], {
        cwd: tree,
      });
      expect(readFileSync(join(tree, 'docs/providers.md'), 'utf8')).toContain(`(\`${ID}\`)`);
      writeFileSync(
        join(tree, 'tsconfig.new.json'),
        JSON.stringify({
          extends: './tsconfig.json',
          include: [`src/providers/${ID}`, `src/simulators/${ID}`],
        }),
      );
      expect(run('typescript/bin/tsc', ['-p', 'tsconfig.new.json'])).toBe('');
      const out = run('vitest/vitest.mjs', [
        'run',
        `src/providers/${ID}`,
        'src/providers/registry.test.ts',
        'src/providers/provider-docs.test.ts',
        'test/architecture.test.ts',
        'src/config/config-docs.test.ts',
      ]);
      expect(out).toMatch(/Test Files +5 passed/);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['an id that is none', ['Acme Images'], /cannot be a provider's id/],
    ['a provider that there is', ['openai'], /is there already/],
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
