/**
 * A large clip comes from its provider and goes to its customer without being in the gateway's memory.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, GatewayProcess, SERVICE_KEY } from '../chaos/gateway-process.ts';
import { mp4Head } from '../support/media-samples.ts';

const MIB = 1024 * 1024;
const FILE_MIB = 200;
const GROWTH_MAX_MIB = 64;

let workDir = '';
let gateway: GatewayProcess;
let provider: Server;
/** Mebibytes of the clips that the provider makes. */
let clipMib = 16;

/** An MP4's first box and a megabyte after another that no compression would help. */
async function* clip(mebibytes: number): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(mp4Head());
  for (let n = 0; n < mebibytes; n += 1) {
    yield Buffer.alloc(MIB, createHash('sha256').update(String(n)).digest());
  }
}

/** The wire of the built-in simulator, as far as one clip needs it. */
function answer(path: string, response: ServerResponse): void {
  const { port } = provider.address() as AddressInfo;
  if (path.startsWith('/v1/files/')) {
    response.writeHead(200, { 'content-type': 'video/mp4' });
    pipeline(clip(clipMib), response).catch(() => response.destroy());
    return;
  }
  const isDone = path !== '/v1/jobs';
  const output = [{ url: `http://127.0.0.1:${port}/v1/files/1` }];
  const job = { id: 'sim-1', status: isDone ? 'succeeded' : 'queued', billed: isDone, output };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(job));
}

beforeEach(async () => {
  workDir = mkdtempSync(join(tmpdir(), 'gateway-clip-memory-'));
  provider = createServer((request, response) => {
    request.resume().on('end', () => answer(request.url ?? '', response));
  });
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done));
  gateway = new GatewayProcess({
    dataDir: join(workDir, 'data'),
    workDir,
    port: 0,
    config: { logging: { level: 'error' }, simulators: 'off' },
    simUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`,
  });
  await gateway.ready();
});
afterEach(async () => {
  await gateway.stop();
  provider.closeAllConnections();
  await new Promise((done) => provider.close(done));
  rmSync(workDir, { recursive: true, force: true });
});

/** A figure of the process in MiB (proc(5)): `VmRSS` now, `VmHWM` the most since it was reset. */
function memoryMib(figure: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
  const kib = new RegExp(`^${figure}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new Error(`no ${figure} in /proc`);
  return Number(kib) / 1024;
}

async function call(path: string, body?: object): Promise<Response> {
  return await fetch(`${gateway.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Makes a clip and downloads it. @returns its bytes, counted */
async function makeAndRead(): Promise<number> {
  const reply = await call('/v1/videos', { model: 'sim/video', prompt: 'large', seconds: 4 });
  const made = (await reply.json()) as { readonly id: string };
  expect(reply.status).toBe(200);
  await eventually(async () => {
    const video = (await (await call(`/v1/videos/${made.id}`)).json()) as { status: string };
    if (video.status === 'failed') throw new Error(JSON.stringify(video));
    return video.status === 'completed';
  });
  let bytes = 0;
  const content = await call(`/v1/videos/${made.id}/content`);
  for await (const chunk of content.body ?? []) bytes += chunk.length;
  return bytes;
}

it.skipIf(process.platform !== 'linux')(
  `brings a clip of ${FILE_MIB} MiB within ${GROWTH_MAX_MIB} MiB of memory`,
  async () => {
    // Code is compiled and heaps have grown to what any transfer needs.
    await makeAndRead();
    const beforeMib = memoryMib('VmRSS');
    writeFileSync(`/proc/${gateway.pid}/clear_refs`, '5');
    clipMib = FILE_MIB;
    expect(await makeAndRead()).toBe(FILE_MIB * MIB + mp4Head().length);
    const growthMib = memoryMib('VmHWM') - beforeMib;
    process.stderr.write(`memory grew by ${growthMib.toFixed(1)} MiB at most\n`);
    expect(growthMib).toBeLessThan(GROWTH_MAX_MIB);
  },
  120_000,
);
