import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineBuffer } from './line-buffer.ts';

let folder = '';
let descriptor = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'alwrity-gateway-log-'));
  descriptor = openSync(join(folder, 'log'), 'a');
});

afterEach(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

function written(): string {
  return readFileSync(join(folder, 'log'), 'utf8');
}

describe('LineBuffer', () => {
  it('writes every line once and in order, through many blocks', async () => {
    const buffer = new LineBuffer(descriptor);
    const lines = Array.from({ length: 5_000 }, (_, index) => `${index} ${'é'.repeat(50)}\n`);
    for (const line of lines) {
      buffer.write(line);
      if (line.startsWith('2500')) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => written().length, { timeout: 5_000 }).toBe(lines.join('').length);
    expect(written()).toBe(lines.join(''));
    buffer.close();
  });

  it('writes what is left when it is closed', () => {
    const buffer = new LineBuffer(descriptor);
    buffer.write('last words\n');
    buffer.close();
    expect(written()).toBe('last words\n');
  });
});
