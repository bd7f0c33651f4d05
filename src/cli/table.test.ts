import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderPairs, renderTable } from './table.ts';

const plain = picocolors.createColors(false);

describe('tables', () => {
  it('aligns columns and leaves out those without a value', () => {
    const rows = [
      { name: 'a', cost: '$1.00', note: '' },
      { name: 'longer', cost: '$12.00', note: '' },
    ];
    const table = renderTable(
      rows,
      [
        { title: 'name', value: (row) => row.name },
        { title: 'note', value: (row) => row.note },
        { title: 'cost', align: 'right', value: (row) => row.cost },
      ],
      plain,
    );
    expect(table).toBe(['name      cost', 'a        $1.00', 'longer  $12.00'].join('\n'));
  });

  it('measures cells without their colours', () => {
    const colors = picocolors.createColors(true);
    const table = renderTable(
      [{ word: colors.red('no') }, { word: 'yes' }],
      [
        { title: 'word', value: (row) => row.word },
        { title: 'x', value: () => 'x' },
      ],
      plain,
    );
    expect(table.split('\n')[1]).toBe(`${colors.red('no')}    x`);
  });

  it('leaves out pairs without a value', () => {
    const text = renderPairs(
      [
        ['id', '1'],
        ['expires', null],
        ['status', 'ok'],
      ],
      plain,
    );
    expect(text).toBe('id      1\nstatus  ok');
  });
});
