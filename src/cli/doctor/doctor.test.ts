import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../config/index.ts';
import { createSimulator, type Simulator } from '../../simulators/index.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { capturingContext, runCaptured } from '../testing/run-captured.ts';
import type { DoctorProbe, Finding } from './finding.ts';
import { machineProbe, runDoctor } from './run-doctor.ts';

const KEY = 'agk_0123456789abcdefghijklmnopqrstuv';
const OTHER_KEY = 'agk_vutsrqponmlkjihgfedcba9876543210';

let simulator: Simulator;
let folder: string;
let dataDir: string;
let template: string;

beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
  template = mkdtempSync(join(tmpdir(), 'gateway-doctor-'));
  const store = await openSqliteStore({ dataDir: template, durability: 'process' });
  await store.close();
});
afterAll(async () => {
  await simulator.close();
  rmSync(template, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-doctor-'));
  dataDir = join(folder, 'data');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function examine(
  environment: Environment = {},
  change: Partial<DoctorProbe> = {},
): Promise<readonly Finding[]> {
  const { context } = capturingContext({ environment, workingDirectory: folder });
  const flags = { dataDir, ...(environment['GATEWAY_PORT'] === undefined ? { port: '0' } : {}) };
  const { findings } = await runDoctor(context, flags, { ...machineProbe, ...change });
  return findings;
}

function found(findings: readonly Finding[], check: string): Finding {
  const finding = findings.find((candidate) => candidate.check === check);
  if (finding === undefined) throw new Error(`no finding of ${check}`);
  return finding;
}

function problems(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.status !== 'ok');
}

/** The one problem; that it names its reason and its remedy is part of being found. */
function onlyProblem(findings: readonly Finding[]): Finding {
  const [first, ...others] = problems(findings);
  expect(others).toEqual([]);
  if (first === undefined) throw new Error('no problem was found');
  expect(first.why).toMatch(/\S/);
  expect(first.fix).toMatch(/\S/);
  return first;
}

/** A data folder as a first start leaves it. */
function makeStore(): void {
  cpSync(template, dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
}

function changeDatabase(sql: string): void {
  const database = new DatabaseSync(join(dataDir, 'gateway.db'));
  database.exec(sql);
  database.close();
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('doctor on a sound machine', () => {
  it('finds nothing before the first start', async () => {
    expect(problems(await examine())).toEqual([]);
  });

  it('finds nothing after a start, with a provider that answers, and leaves everything as it was', async () => {
    makeStore();
    const before = readFileSync(join(dataDir, 'gateway.db'));
    const findings = await examine({
      OPENAI_API_KEY: 'sk-good-0123456789',
      OPENAI_BASE_URL: `${simulator.url}/openai`,
      GEMINI_API_KEY: 'AIza-good-0123456789',
      GEMINI_BASE_URL: `${simulator.url}/gemini`,
    });
    expect(problems(findings)).toEqual([]);
    expect(found(findings, 'ledger').what).toContain('every counter follows');
    expect(found(findings, 'provider openai').what).toContain('OPENAI_API_KEY');
    expect(readFileSync(join(dataDir, 'gateway.db')).equals(before)).toBe(true);
  });
});

describe('doctor and seeded faults', () => {
  it('1: an old Node', async () => {
    const finding = onlyProblem(await examine({}, { nodeVersion: '20.20.2' }));
    expect(finding).toMatchObject({ check: 'node', status: 'fail' });
  });

  it('2: an unknown setting, with its line and what was meant', async () => {
    writeFileSync(join(folder, 'gateway.yaml'), 'port: 0\ndurabilty: power\n');
    const finding = onlyProblem(await examine());
    expect(finding).toMatchObject({ check: 'settings', status: 'fail' });
    expect(finding.what).toContain('did you mean "durability"?');
    expect(finding.fix).toContain('gateway.yaml:2');
  });

  it('3: a variable that is no setting', async () => {
    const finding = onlyProblem(await examine({ GATEWAY_DURABILTY: 'power' }));
    expect(finding).toMatchObject({ check: 'settings', status: 'warn' });
    expect(finding.what).toContain('GATEWAY_DURABILITY');
  });

  it('4: a data folder that is a file', async () => {
    writeFileSync(dataDir, 'x');
    const finding = onlyProblem(await examine());
    expect(finding).toMatchObject({ check: 'data folder', status: 'fail' });
  });

  it('5: a data folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    dataDir = join(folder, 'file', 'data');
    expect(onlyProblem(await examine())).toMatchObject({ check: 'data folder', status: 'fail' });
  });

  it('6: a data folder and keys that others may read', async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    const path = join(dataDir, 'credentials.json');
    writeFileSync(path, JSON.stringify({ admin_key: KEY, api_key: OTHER_KEY }));
    chmodSync(dataDir, 0o755);
    chmodSync(path, 0o644);
    const findings = problems(await examine());
    expect(findings.map((finding) => [finding.check, finding.status, finding.fix])).toEqual([
      ['data folder', 'warn', `chmod 700 ${dataDir}`],
      ['keys', 'warn', `chmod 600 ${path}`],
    ]);
  });

  it('7: damaged keys, without quoting them', async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    writeFileSync(join(dataDir, 'credentials.json'), `{"admin_key":"${KEY}"`, { mode: 0o600 });
    const finding = onlyProblem(await examine());
    expect(finding).toMatchObject({ check: 'keys', status: 'fail' });
    expect(JSON.stringify(finding)).not.toContain(KEY);
  });

  it('8: keys that are too short or the same', async () => {
    expect(onlyProblem(await examine({ GATEWAY_ADMIN_KEY: 'short' }))).toMatchObject({
      check: 'keys',
      status: 'fail',
    });
    const same = { GATEWAY_ADMIN_KEY: KEY, GATEWAY_API_KEY: KEY };
    expect(onlyProblem(await examine(same)).what).toContain('same key');
  });

  it('9: a disk that is full, or nearly', async () => {
    const full = onlyProblem(await examine({}, { freeBytes: () => 1024 }));
    expect(full).toMatchObject({ check: 'disk', status: 'fail' });
    const tight = onlyProblem(await examine({}, { freeBytes: () => 500 * 1024 * 1024 }));
    expect(tight).toMatchObject({ check: 'disk', status: 'warn' });
  });

  it('10: too few descriptors', async () => {
    const finding = onlyProblem(await examine({}, { openFilesMax: () => 256 }));
    expect(finding.fix).toContain('ulimit -n 4064');
  });

  it('11: a damaged database', async () => {
    makeStore();
    const path = join(dataDir, 'gateway.db');
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4096, 4096 * 4);
    writeFileSync(path, bytes);
    const finding = problems(await examine())[0];
    expect(finding).toMatchObject({ check: 'database', status: 'fail' });
  });

  it('12: a database of a newer version', async () => {
    makeStore();
    changeDatabase('PRAGMA user_version = 99');
    const finding = onlyProblem(await examine());
    expect(finding).toMatchObject({ check: 'migrations', status: 'fail' });
    expect(finding.what).toContain('schema 99');
  });

  it('13: pending migrations', async () => {
    makeStore();
    changeDatabase('PRAGMA user_version = 0');
    expect(onlyProblem(await examine())).toMatchObject({ check: 'migrations', status: 'warn' });
  });

  it('14: a counter that does not follow from the ledger', async () => {
    makeStore();
    changeDatabase(`INSERT INTO bucket (id, customer_id, owner_id, limit_id, window_id, source_key, meter,
      priority, effective_at, granted, held, spent, overrun, expired, leased)
      VALUES ('b', 'cus_1', 'cus_1', 'requests/period', 'per_1', 'grant', 'requests', 0, 0, 10, 0, 5, 0, 0, 0)`);
    const finding = onlyProblem(await examine());
    expect(finding).toMatchObject({ check: 'ledger', status: 'fail' });
  });

  it('15: a clock that is years off, or behind the last booking', async () => {
    const early = { nowMs: () => Date.UTC(1970, 0, 1) };
    expect(onlyProblem(await examine({}, early))).toMatchObject({ check: 'clock', status: 'fail' });
    makeStore();
    changeDatabase(
      `INSERT INTO event (event_id, kind, customer_id, at, body) VALUES ('e', 'adjust', 'cus_1', ${Date.now() + 3_600_000}, '{"p":[]}')`,
    );
    const finding = found(await examine(), 'clock');
    expect(finding.status).toBe('fail');
    expect(finding.what).toContain('was booked at');
  });

  it('16: a taken port, naming who has it', async () => {
    const server = createServer();
    try {
      const port = await listening(server);
      const finding = onlyProblem(await examine({ GATEWAY_PORT: String(port) }));
      expect(finding).toMatchObject({ check: 'port', status: 'fail' });
      if (process.platform === 'linux') expect(finding.what).toContain(`process ${process.pid}`);
    } finally {
      server.close();
    }
  });

  it('17: a host that is none of this machine, and one that opens it to the network', async () => {
    const foreign = await examine({ GATEWAY_HOST: '192.0.2.1' });
    expect(found(foreign, 'port')).toMatchObject({ status: 'fail' });
    expect(onlyProblem(await examine({ GATEWAY_HOST: '0.0.0.0' }))).toMatchObject({
      check: 'host',
      status: 'warn',
    });
  });

  it('18: a provider that refuses its key', async () => {
    const findings = await examine({
      OPENAI_API_KEY: 'sk-bad-0123456789',
      OPENAI_BASE_URL: `${simulator.url}/openai`,
      GEMINI_API_KEY: 'AIza-bad-0123456789',
      GEMINI_BASE_URL: `${simulator.url}/gemini`,
    });
    for (const check of ['provider openai', 'provider gemini']) {
      expect(found(findings, check)).toMatchObject({
        status: 'fail',
        what: expect.stringContaining('refuses the key'),
      });
    }
    expect(JSON.stringify(findings)).not.toContain('bad-0123456789');
  });

  it('19: a provider that cannot be reached', async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const finding = onlyProblem(
      await examine({ GROQ_API_KEY: 'gsk_0123456789', GROQ_BASE_URL: `http://127.0.0.1:${port}` }),
    );
    expect(finding).toMatchObject({ check: 'provider groq', status: 'fail' });
    expect(finding.what).toContain('ECONNREFUSED');
  });

  it('20: a provider whose clock is another, whose address redirects, or is this gateway', async () => {
    const server = createServer((request, response) => {
      const isMoved = request.url?.startsWith('/moved') === true;
      response.sendDate = false;
      response.writeHead(isMoved ? 302 : 200, {
        location: 'https://elsewhere.example/',
        date: new Date(Date.now() + 600_000).toUTCString(),
      });
      response.end('{"object":"list","data":[]}');
    });
    try {
      const url = `http://127.0.0.1:${await listening(server)}`;
      const findings = await examine({
        GROQ_API_KEY: 'gsk_0123456789',
        GROQ_BASE_URL: url,
        OPENAI_API_KEY: 'sk-0123456789',
        OPENAI_BASE_URL: `${url}/moved`,
        MISTRAL_API_KEY: 'key-0123456789',
        MISTRAL_BASE_URL: 'http://127.0.0.1:8790',
        GATEWAY_PORT: '8790',
        GATEWAY_HOST: '127.0.0.9',
      });
      expect(found(findings, 'clock skew').what).toMatch(/600 s behind|599 s behind/);
      expect(found(findings, 'provider openai').what).toContain('redirects');
      expect(found(findings, 'provider mistral').what).toContain('this gateway itself');
    } finally {
      server.close();
    }
  });

  it('21: no model that could answer', async () => {
    expect(onlyProblem(await examine({ GATEWAY_SIMULATORS: 'off' }))).toMatchObject({
      check: 'providers',
      status: 'fail',
    });
  });

  it('22: a base URL that is none, and a key with quotes', async () => {
    const invalid = await examine({ OPENAI_API_KEY: 'sk-0123456789', OPENAI_BASE_URL: 'nowhere' });
    expect(onlyProblem(invalid).what).toContain('OPENAI_BASE_URL');
    const quoted = await examine({ OPENAI_API_KEY: '"sk-0123456789"' });
    expect(onlyProblem(quoted).what).toContain('quotes');
  });

  it('23: a gateway that has the folder but does not answer', async () => {
    makeStore();
    const lock = new DatabaseSync(join(dataDir, 'gateway.lock'));
    lock.exec('BEGIN EXCLUSIVE');
    writeFileSync(
      join(dataDir, 'running.json'),
      JSON.stringify({ url: 'http://127.0.0.1:59999', pid: process.pid }),
    );
    try {
      const finding = onlyProblem(await examine());
      expect(finding).toMatchObject({ check: 'gateway', status: 'fail' });
      expect(finding.what).toContain('59999');
    } finally {
      lock.close();
    }
  });
});

describe('doctor as a command', () => {
  const run = (args: readonly string[], environment: Environment = {}) =>
    runCaptured(['doctor', '--port', '0', '--data-dir', dataDir, ...args], {
      workingDirectory: folder,
      environment,
    });

  it('ends with 0 when nothing fails, and with 1 when something does', async () => {
    const well = await run([]);
    expect(well).toMatchObject({ code: 0, err: '' });
    expect(well.out).toContain('All well.');
    const ill = await run(['--json'], { GATEWAY_SIMULATORS: 'off' });
    expect(ill.code).toBe(1);
    expect(ill.json).toMatchObject({
      schemaVersion: 1,
      ok: false,
      findings: expect.arrayContaining([expect.objectContaining({ status: 'fail' })]),
    });
    const quiet = await run(['--quiet'], { GATEWAY_SIMULATORS: 'off' });
    expect(quiet.out).toMatch(
      /^FAIL {2}providers .*\n +why .*\n +fix .*\n\n1 to fix, 0 warnings\.\n$/,
    );
  });

  it('writes a bundle that holds no secret', async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    writeFileSync(
      join(dataDir, 'credentials.json'),
      JSON.stringify({ admin_key: KEY, api_key: OTHER_KEY, encryption_key: 'e'.repeat(40) }),
      { mode: 0o600 },
    );
    writeFileSync(
      join(folder, 'gateway.yaml'),
      'providers:\n  openai:\n    apiKey: sk-of-the-file-0123\n    baseUrl: http://127.0.0.1:59999\n',
    );
    const path = join(folder, 'report.json');
    const environment = {
      GROQ_API_KEY: 'gsk-of-the-environment',
      GROQ_BASE_URL: 'http://127.0.0.1:59999',
      UNRELATED_VARIABLE: 'unrelated value',
    };
    await run(['--bundle', path], environment);
    const text = readFileSync(path, 'utf8');
    for (const secret of [KEY, OTHER_KEY, 'eeee', 'sk-of-the-file', 'gsk-of', 'unrelated value']) {
      expect(text).not.toContain(secret);
    }
    expect(JSON.parse(text)).toMatchObject({
      versions: { node: process.versions.node },
      variables_set: ['GROQ_API_KEY', 'GROQ_BASE_URL'],
      config: { settings: { providers: { openai: { apiKey: '[redacted]' } } } },
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await run(['--bundle', path], environment)).err).toContain('cannot be written');
  });
});
