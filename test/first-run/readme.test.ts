import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, ROOT, startProcess, type GatewayProcess } from './gateway-process.ts';

const run = promisify(execFile);
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const ADDRESS = 'http://127.0.0.1:8790';

/** Fenced blocks of a language, in order. */
function snippets(language: string): readonly string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...README.matchAll(pattern)].map((match) => match[1] ?? '');
}

let folder: string;
let gateway: GatewayProcess | undefined;
let apiKey: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-readme-'));
  gateway = await startProcess({ cwd: folder });
  const file = readFileSync(join(folder, 'data/credentials.json'), 'utf8');
  apiKey = (JSON.parse(file) as { api_key: string }).api_key;
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a shell snippet in the folder of the gateway; any command that fails ends it. */
async function shell(snippet: string): Promise<string> {
  const text = snippet
    .replaceAll(ADDRESS, gateway?.url ?? '')
    .replaceAll('curl ', 'curl -sS --fail-with-body ');
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: folder,
    env: cleanEnvironment({ PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }),
    timeout: 20_000,
  });
  return stdout;
}

describe('README', { timeout: 60_000 }, () => {
  it('states the start command and the address that a start has', () => {
    expect(README).toContain('npm ci && npm start');
    expect(README).toContain(ADDRESS);
  });

  it('has shell snippets that work, each after those before it', async () => {
    const calls = snippets('sh').filter((snippet) => snippet.includes('curl '));
    expect(calls.length).toBeGreaterThanOrEqual(2);
    const output = await shell(calls.join('\n'));
    expect(output).toContain('[simulated]');
    expect(output).toMatch(/"id":"starter"/);
    expect(output).toMatch(/"externalId":"user-1"/);
    expect(output).toMatch(/"key":"agk_/);
  });

  it('has a JavaScript snippet that works', async () => {
    const [snippet, ...others] = snippets('js');
    expect(others).toEqual([]);
    const path = join(folder, 'snippet.mjs');
    writeFileSync(path, (snippet ?? '').replaceAll(ADDRESS, gateway?.url ?? ''));
    const { stdout } = await run(process.execPath, [path], {
      cwd: folder,
      env: cleanEnvironment({ GATEWAY_API_KEY: apiKey }),
      timeout: 20_000,
    });
    expect(stdout).toContain('[simulated]');
  });

  it('names only commands that exist', async () => {
    const { runCaptured } = await import('../../src/cli/testing/run-captured.ts');
    const commands = [...README.matchAll(/npm run (?:-s )?gateway -- ([a-z]+(?: [a-z]+)?)/g)].map(
      (match) => (match[1] ?? '').split(' '),
    );
    expect(commands.length).toBeGreaterThan(0);
    for (const words of commands) {
      const { code, err } = await runCaptured([...words, '--help']);
      expect({ words, code, err }).toEqual({ words, code: 0, err: '' });
    }
  });
});
