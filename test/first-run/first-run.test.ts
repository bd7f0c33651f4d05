import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured } from '../../src/cli/testing/run-captured.ts';
import { runCommand, startProcess, type GatewayProcess } from './gateway-process.ts';

let folder: string;
const running = new Set<GatewayProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-first-run-'));
});
afterEach(async () => {
  for (const gateway of running) await gateway.stop();
  running.clear();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  dataDir: string,
  options: { args?: readonly string[]; environment?: Record<string, string> } = {},
): Promise<GatewayProcess> {
  const gateway = await startProcess({
    cwd: folder,
    ...options,
    args: ['--data-dir', dataDir, ...(options.args ?? [])],
  });
  running.add(gateway);
  return gateway;
}

async function stop(gateway: GatewayProcess) {
  running.delete(gateway);
  return gateway.stop();
}

function keysOf(dataDir: string): { admin_key: string; api_key: string } {
  return JSON.parse(readFileSync(join(folder, dataDir, 'credentials.json'), 'utf8')) as {
    admin_key: string;
    api_key: string;
  };
}

function chat(gateway: GatewayProcess, apiKey: string) {
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
  return client.chat.completions.create({
    model: 'sim/chat',
    messages: [{ role: 'user', content: 'Hello' }],
  });
}

describe('first run', { timeout: 60_000 }, () => {
  it('answers a real client without account, key, database or network, and after a restart', async () => {
    const first = await start('data');
    const keys = keysOf('data');
    expect(statSync(join(folder, 'data/credentials.json')).mode & 0o777).toBe(0o600);
    const answer = await chat(first, keys.api_key);
    expect(answer.choices[0]?.message.content).toContain('[simulated]');

    // Commands find it by its folder although its port was any free one.
    const usage = await runCaptured(['usage', '--data-dir', 'data', '--json'], {
      workingDirectory: folder,
    });
    expect(usage.json).toMatchObject({ totals: { requests: 1 } });

    // One process a folder: a second one is told so, in one sentence.
    const second = await runCommand(['start', '--port', '0', '--data-dir', 'data'], {
      cwd: folder,
    });
    expect(second).toMatchObject({ code: 1, out: '' });
    expect(second.err).toMatch(
      /^error: The data directory .* is in use by another gateway.*\n +fix: /,
    );

    const ended = await stop(first);
    expect(ended.code).toBe(0);
    expect(ended.out.split('\n')).toHaveLength(2);
    for (const key of [keys.api_key, keys.admin_key])
      expect(ended.out + ended.err).not.toContain(key);

    const again = await start('data');
    expect(keysOf('data')).toEqual(keys);
    expect((await chat(again, keys.api_key)).choices).toHaveLength(1);
    const both = await runCaptured(['requests', 'list', '--data-dir', 'data', '--json'], {
      workingDirectory: folder,
    });
    expect(both.json).toMatchObject({ data: [{ status: 200 }, { status: 200 }] });
  });

  it('says who has a taken port, and ends', async () => {
    const gateway = await start('taken');
    const port = new URL(gateway.url).port;
    const { code, out, err } = await runCommand(['start', '--port', port, '--data-dir', 'other'], {
      cwd: folder,
    });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(new RegExp(`^error: Port ${port} is taken by `));
    if (process.platform === 'linux')
      expect(err).toContain(`node main.ts (process ${gateway.pid})`);
    expect(err).toContain('--port 0');
  });

  it('refuses a bad gateway.yaml with 3, naming path and line', async () => {
    const path = join(folder, 'bad.yaml');
    writeFileSync(path, 'limits:\n  maxJsonDpth: 3\n');
    const { code, err } = await runCommand(['start', '--config', path], { cwd: folder });
    expect(code).toBe(3);
    expect(err).toContain('limits.maxJsonDpth');
    expect(err).toContain('did you mean "maxJsonDepth"?');
    expect(err).toContain('bad.yaml:2');
  });

  it('takes keys from the environment and writes none of them', async () => {
    const environment = {
      GATEWAY_API_KEY: 'agk_from_the_environment_0001',
      GATEWAY_ADMIN_KEY: 'agk_from_the_environment_0002',
    };
    const gateway = await start('environment', { environment });
    expect((await chat(gateway, environment.GATEWAY_API_KEY)).choices).toHaveLength(1);
    const stored = readFileSync(join(folder, 'environment/credentials.json'), 'utf8');
    expect(stored).not.toContain('agk_from');
    const doctor = await runCaptured(['doctor', '--data-dir', 'environment'], {
      workingDirectory: folder,
      environment,
    });
    expect(doctor.out).toContain(`ready at ${gateway.url}`);
    expect(doctor.code).toBe(0);
  });

  it('serves the simulators until it is told to stop', async () => {
    const simulators = await startProcess({
      cwd: folder,
      command: ['simulate', '--port', '0', '--seed', '7', '--json'],
    });
    running.add(simulators);
    const reply = await fetch(`${simulators.url}/openai/v1/models`);
    expect(reply.status).toBe(200);
    expect((await stop(simulators)).code).toBe(0);
  });
});
