import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { QuietTurn } from './quiet-turn.ts';

/** Something that gathers, and how much of it left each time. */
function gathering() {
  const leaves: number[] = [];
  let size = 0;
  const quiet = new QuietTurn(
    () => size,
    () => {
      leaves.push(size);
      size = 0;
    },
  );
  return {
    leaves,
    add: () => {
      size += 1;
      quiet.await();
    },
  };
}

describe('what has gathered leaves after a quiet turn', () => {
  it('in the first turn where nothing follows', async () => {
    const { add, leaves } = gathering();
    add();
    expect(leaves).toEqual([]);
    await turn();
    expect(leaves).toEqual([1]);
  });

  it('with what the next turns bring', async () => {
    const { add, leaves } = gathering();
    for (let turns = 0; turns < 3; turns++) {
      const next = turn();
      add();
      // Before the end of that turn is looked at, since it was asked for first.
      await next;
    }
    expect(leaves).toEqual([]);
    await turn();
    await turn();
    expect(leaves).toEqual([3]);
  });

  it('after eight turns even where each brings more, and what comes later waits anew', async () => {
    const { add, leaves } = gathering();
    for (let turns = 0; turns < 20; turns++) {
      const next = turn();
      add();
      // Before the end of that turn is looked at, since it was asked for first.
      await next;
    }
    await turn();
    await turn();
    expect(leaves.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...leaves)).toBeLessThanOrEqual(9);
    expect(leaves.reduce((sum, size) => sum + size, 0)).toBe(20);
  });
});
