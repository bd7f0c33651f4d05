import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/lab.ts';
import { openReceiver, type Receiver } from './receiver.ts';

const CHILD = join(import.meta.dirname, 'crash-child.ts');
const CYCLES = 2;
const said = z.object({ url: z.string(), adminKey: z.string(), event: z.string().nullable() });

describe('deliveries over the death of the process', () => {
  let dataDir: string;
  let receiver: Receiver;
  const children = new Set<ChildProcess>();

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'gateway-crash-'));
    receiver = await openReceiver();
  });

  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await receiver.close();
    rmSync(dataDir, { recursive: true });
  });

  function start(mode: 'raise' | 'die' | 'run') {
    const child = spawn(process.execPath, [CHILD, dataDir, receiver.url, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const ended = once(child, 'exit').then(() => children.delete(child));
    const line = once(createInterface({ input: child.stdout }), 'line');
    const told = line.then(([text]) => said.parse(JSON.parse(String(text))));
    return { child, ended, told };
  }

  const timesOf = (event: string | null): number =>
    receiver.received.filter(({ id }) => id === event).length;

  /** A further process takes over and has nothing left to deliver. */
  async function recover(event: string | null): Promise<void> {
    const { child, ended, told } = start('run');
    const { url, adminKey } = await told;
    await eventually(async () => {
      const reply = await fetch(`${url}/admin/v1/deliveries?state=pending`, {
        headers: { authorization: `Bearer ${adminKey}` },
      });
      const { data } = (await reply.json()) as { data: unknown[] };
      return data.length === 0 && timesOf(event) > 0;
    });
    child.kill('SIGKILL');
    await ended;
  }

  it('begin after it where only the alert was committed', async () => {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const { ended, told } = start('die');
      const { event } = await told;
      await ended;
      expect(event).toMatch(/^evt_/);
      await recover(event);
      expect([1, 2]).toContain(timesOf(event));
    }
  }, 60_000);

  it('are repeated under one id where the receiver had it and nobody had noted so', async () => {
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const { child, ended } = start('raise');
      receiver.behave((response) => {
        child.kill('SIGKILL');
        response.writeHead(204).end();
      });
      await ended;
      const event = receiver.received.at(-1)?.id ?? null;
      expect(timesOf(event)).toBe(1);
      receiver.behave((response) => void response.writeHead(204).end());
      await recover(event);
      expect(timesOf(event)).toBe(2);
      const same = receiver.received.filter(({ id }) => id === event);
      expect(new Set(same.map(({ body }) => body)).size).toBe(1);
    }
  }, 60_000);
});
