import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanEnvironment, ROOT } from './gateway-process.ts';

const BIN = join(ROOT, 'bin/alwrity-gateway.cjs');
const SOURCE = readFileSync(BIN, 'utf8');
const CODE = SOURCE.replaceAll(/\/\/.*$/gm, '').replaceAll(/'(?:[^'\\]|\\.)*'/g, "''");

/** Programs called node with a version below the one that the package needs. */
function oldNodes(): readonly string[] {
  const folders = ['/usr/bin', '/usr/local/bin', ...(process.env['PATH'] ?? '').split(':')];
  const candidates = [...new Set(folders)]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /^node(?:js)?(?:\d+)?$/.test(name))
        .map((name) => join(folder, name)),
    );
  return candidates.filter((path) => {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 5000 });
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
    return major !== undefined && (Number(major) < 24 || (major === '24' && Number(minor) < 15));
  });
}

const [oldNode] = oldNodes();

describe('bin', () => {
  it('is written in a syntax that any Node can parse', () => {
    for (const modern of [
      /=>/,
      /\b(?:const|let|class|async|await)\b/,
      /`/,
      /\?\./,
      /\?\?/,
      /\.\.\./,
    ]) {
      expect(CODE).not.toMatch(modern);
    }
    expect(SOURCE).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('asks for the Node that the package asks for', () => {
    const { engines, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      engines: { node: string };
      bin: Record<string, string>;
    };
    const [, major, minor] = /^>=(\d+)\.(\d+)/.exec(engines.node) ?? [];
    expect(SOURCE).toContain(`[${major}, ${minor}]`);
    expect(bin['alwrity-gateway']).toBe('bin/alwrity-gateway.cjs');
  });

  it.runIf(oldNode !== undefined)(
    'says one plain sentence under an old Node (skipped without one)',
    () => {
      const { status, stdout, stderr } = spawnSync(oldNode ?? '', [BIN, 'start'], {
        encoding: 'utf8',
        env: cleanEnvironment(),
        timeout: 10_000,
      });
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(
        /^alwrity-gateway needs Node 24\.15 or newer; this is Node \d+\.\d+\.\d+\./,
      );
    },
  );
});
