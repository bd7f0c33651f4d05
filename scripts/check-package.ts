/**
 * Packs the package, installs the tarball in an empty folder and uses it as a stranger would: the command line, one
 * chat through a started gateway, and each door of the package. Prints `ok` at the end.
 *
 * Run: `npm run check:package`
 *
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const STEP_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 30_000;

/** What a program of a user may do with each door; compiled against the declarations, then run. */
const PROGRAM = `
import { createGateway, VERSION, type EmbeddedGateway } from 'alwrity-gateway';
import { ERROR_CODES, isGatewayError, type ProviderDefinition } from 'alwrity-gateway/contracts';
import { createSimulator } from 'alwrity-gateway/simulators';

const provider: ProviderDefinition | null = null;
const gateway: EmbeddedGateway = await createGateway({
  settings: { port: 0, dataDir: './embedded', 'logging.level': 'silent' },
  environment: {},
});
const simulator = await createSimulator({ seed: 1 });
const doors = [VERSION, ERROR_CODES.limit_exceeded.status, isGatewayError(provider), simulator.url, gateway.url];
await simulator.close();
await gateway.stop();
console.log(JSON.stringify(doors));
process.exit(0);
`;

/** The environment of a stranger: no setting or key of ours, and the Node that runs this script found first. */
function strangersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:GATEWAY_|npm_)|_(?:API_KEY|TOKEN)$/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
  };
}

const environment = strangersEnvironment();

/** Runs a program to its end and returns its standard output. */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: environment,
    encoding: 'utf8',
    timeout: STEP_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  throw new Error(
    `${command} ${args.join(' ')} ended with ${status ?? String(error)}\n${stdout}\n${stderr}`,
  );
}

function must(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence);
}

function pack(folder: string): string {
  const printed = run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], ROOT);
  // The build's own output may stand before the list, which npm prints as an array or by package name.
  const list = JSON.parse(printed.slice(printed.search(/^[[{]/m))) as
    | readonly PackedFile[]
    | Readonly<Record<string, PackedFile>>;
  const [packed] = Object.values(list);
  if (packed === undefined) throw new Error(`npm pack printed ${printed}`);
  const paths = packed.files.map((file) => file.path);
  const stray = paths.filter((path) => /\.(?:test|contract)\.|\/(?:testing|fixtures)\//.test(path));
  must(stray.length === 0, `test support is in the package: ${stray.join(', ')}`);
  for (const path of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']) {
    must(paths.includes(path), `${path} is not in the package`);
  }
  console.log(`packed ${paths.length} files, ${Math.round(packed.size / 1024)} KiB`);
  return join(folder, packed.filename);
}

interface PackedFile {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

function install(folder: string, tarball: string): void {
  mkdirSync(folder);
  const manifest = { name: 'stranger', private: true, type: 'module' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], folder);
}

/** Standard output's first line, or the reason why there is none. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    const timer = setTimeout(
      () => reject(new Error(`nothing was said within ${START_TIMEOUT_MS} ms: ${errors}`)),
      START_TIMEOUT_MS,
    );
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end === -1) return;
      clearTimeout(timer);
      resolve(text.slice(0, end));
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${errors}`)));
  });
}

async function chatOnce(url: string, apiKey: string): Promise<void> {
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim/chat', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const body = (await reply.json()) as { choices?: { message: { content: string } }[] };
  const content = body.choices?.[0]?.message.content ?? '';
  must(reply.status === 200 && content !== '', `chat: ${reply.status} ${JSON.stringify(body)}`);
}

async function useCommandLine(folder: string, version: string): Promise<void> {
  const told = run('npx', ['--no-install', 'alwrity-gateway', '--version'], folder).trim();
  must(told === version, `--version says ${told}, package.json ${version}`);
  // Started without npx, so that the signal reaches the gateway itself.
  const bin = join(folder, 'node_modules/alwrity-gateway/bin/alwrity-gateway.cjs');
  const child = spawn(process.execPath, [bin, 'start', '--port', '0', '--json'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  try {
    const { url } = JSON.parse(await firstLine(child)) as { url: string };
    const keys = JSON.parse(readFileSync(join(folder, 'data/credentials.json'), 'utf8')) as {
      api_key: string;
    };
    await chatOnce(url, keys.api_key);
    child.kill('SIGTERM');
    const code = await ended;
    must(code === 0, `the gateway ended with ${code} after SIGTERM`);
  } finally {
    child.kill('SIGKILL');
  }
}

function useDoors(folder: string): void {
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext'];
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  run(process.execPath, [compiler, ...options, ...types, 'program.ts'], folder);
  run(process.execPath, ['program.ts'], folder);
}

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};
const folder = mkdtempSync(join(tmpdir(), 'alwrity-gateway-package-'));
try {
  const tarball = pack(folder);
  const stranger = join(folder, 'stranger');
  install(stranger, tarball);
  await useCommandLine(stranger, version);
  useDoors(stranger);
  console.log('ok');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
