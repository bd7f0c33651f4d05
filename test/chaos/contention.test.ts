import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallResult } from './chat-caller.ts';
import {
  type ContendedLimit,
  ContentionLab,
  PARALLEL,
  REFUSED_BY_PROVIDER,
  SHARE,
} from './contention.ts';

const RUNS = 5;
const workDir = mkdtempSync(join(tmpdir(), 'gateway-contention-'));
let lab: ContentionLab;
beforeAll(async () => {
  lab = await ContentionLab.open(workDir);
});
afterAll(async () => {
  await lab.close();
  rmSync(workDir, { recursive: true, force: true });
});

function codesOf(refused: readonly CallResult[]): (string | null)[] {
  return [...new Set(refused.map(({ code }) => code))];
}

function adviceOf(refused: readonly CallResult[]): unknown[] {
  return [...new Set(refused.map(({ headers }) => headers['x-should-retry']))];
}

const METERS: readonly ContendedLimit[] = ['requests', 'cost_usd'];

describe.each(METERS)(`${PARALLEL} calls at once, each 1/${SHARE} of a limit on %s`, (meter) => {
  it(`admits exactly ${SHARE}, every one of ${RUNS} runs, and what is given back again`, async () => {
    for (let run = 0; run < RUNS; run += 1) {
      const { first, second, third, fitsAfter } = await lab.run(meter);
      expect(first.admitted).toBe(SHARE);
      expect(first.refused).toHaveLength(PARALLEL - SHARE);
      // What stands in the way is held by calls in progress: waiting helps.
      expect(codesOf(first.refused)).toEqual(['limit_held']);
      expect(adviceOf(first.refused)).toEqual(['true']);
      expect(first.refused.every(({ headers }) => Number(headers['retry-after']) >= 1)).toBe(true);
      // 30 were refused by the provider and gave all back; the others cost less than their bound.
      if (meter === 'requests') expect(fitsAfter).toBe(REFUSED_BY_PROVIDER);
      else expect(fitsAfter).toBeGreaterThan(REFUSED_BY_PROVIDER);
      expect(second.admitted).toBe(Math.min(fitsAfter, PARALLEL));
      expect(second.refused).toHaveLength(PARALLEL - second.admitted);
      if (meter === 'requests') {
        expect(third.admitted).toBe(0);
        expect(codesOf(third.refused)).toEqual(['limit_exceeded']);
        expect(adviceOf(third.refused)).toEqual(['false']);
        expect(third.refused.every(({ headers }) => headers['retry-after-ms'] === undefined)).toBe(
          true,
        );
      }
    }
    expect(await lab.verifies()).toBe(true);
  }, 120_000);
});
