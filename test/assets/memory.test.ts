/**
 * A large file passes through the gateway without being in its memory.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GatewayProcess, SERVICE_KEY } from '../chaos/gateway-process.ts';
import { mp4Head } from '../support/media-samples.ts';

const MIB = 1024 * 1024;
const FILE_MIB = 200;
const GROWTH_MAX_MIB = 64;

let workDir = '';
let gateway: GatewayProcess;
beforeEach(async () => {
  workDir = mkdtempSync(join(tmpdir(), 'gateway-memory-'));
  gateway = new GatewayProcess({
    dataDir: join(workDir, 'data'),
    workDir,
    port: 0,
    config: { logging: { level: 'error' } },
    openaiUrl: 'http://127.0.0.1:9',
  });
  await gateway.ready();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(workDir, { recursive: true, force: true });
});

/** A figure of the process in MiB (proc(5)): `VmRSS` now, `VmHWM` the most since it was reset. */
function memoryMib(figure: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
  const kib = new RegExp(`^${figure}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new Error(`no ${figure} in /proc`);
  return Number(kib) / 1024;
}

/** An MP4's first box and a megabyte after another that no compression would help. */
async function* media(mebibytes: number): AsyncGenerator<Uint8Array> {
  yield mp4Head();
  for (let n = 0; n < mebibytes; n += 1) {
    yield Buffer.alloc(MIB, createHash('sha256').update(String(n)).digest());
  }
}

async function upload(mebibytes: number): Promise<Record<string, unknown>> {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'video/mp4' },
    body: ReadableStream.from(media(mebibytes)),
    duplex: 'half',
  };
  const response = await fetch(`${gateway.url}/v1/assets`, init);
  expect(response.status).toBe(201);
  return (await response.json()) as Record<string, unknown>;
}

async function downloadHash(url: string): Promise<string> {
  const response = await fetch(url);
  const hash = createHash('sha256');
  for await (const chunk of response.body ?? []) hash.update(chunk);
  return hash.digest('hex');
}

it.skipIf(process.platform !== 'linux')(
  `stores and serves ${FILE_MIB} MiB within ${GROWTH_MAX_MIB} MiB of memory`,
  async () => {
    // Code is compiled and heaps have grown to what any transfer needs.
    await downloadHash(String((await upload(16))['url']));
    const beforeMib = memoryMib('VmRSS');
    writeFileSync(`/proc/${gateway.pid}/clear_refs`, '5');
    const asset = await upload(FILE_MIB);
    expect(asset).toMatchObject({ type: 'video/mp4', bytes: FILE_MIB * MIB + mp4Head().length });
    expect(await downloadHash(String(asset['url']))).toBe(asset['sha256']);
    const growthMib = memoryMib('VmHWM') - beforeMib;
    process.stderr.write(`memory grew by ${growthMib.toFixed(1)} MiB at most\n`);
    expect(growthMib).toBeLessThan(GROWTH_MAX_MIB);
  },
  60_000,
);
