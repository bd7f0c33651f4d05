import { describe, expect, it } from 'vitest';
import { SlotTable } from './slot-table.ts';

describe('SlotTable', () => {
  it('gives a number until the value is taken, then uses it anew', () => {
    const table = new SlotTable<string>();
    const first = table.add('first');
    const second = table.add('second');
    expect(second).not.toBe(first);
    expect(table.take(first)).toBe('first');
    expect(table.take(first)).toBeNull();
    expect(table.size).toBe(1);
    expect(table.add('third')).toBe(first);
    expect(table.all()).toEqual(['third', 'second']);
  });

  it('knows nothing under other numbers', () => {
    const table = new SlotTable<string>();
    expect([table.take(0), table.take(-1), table.take(7)]).toEqual([null, null, null]);
    expect(table.size).toBe(0);
  });

  it('can be emptied at once', () => {
    const table = new SlotTable<string>();
    table.take(table.add('gone'));
    table.add('one');
    expect(table.takeAll()).toEqual(['one']);
    expect([table.size, table.take(0), table.add('next')]).toEqual([0, null, 0]);
  });
});
