import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadLines } from './head-lines.ts';

const name = fc.stringMatching(/^[a-z][a-z-]{0,20}$/);

describe('HeadLines', () => {
  it('has a line for each header, and lists them as they were given', () => {
    const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,40}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (headers) => {
        const lines = HeadLines.of(headers.flat());
        expect(lines.list()).toEqual(headers.flat());
        expect(lines.text).toBe(headers.map(([key, text]) => `\r\n${key}: ${text}`).join(''));
      }),
    );
  });

  it('takes lines that are written already', () => {
    const lines = new HeadLines();
    lines.addOwn('\r\nx-one: 1\r\nx-two: 2');
    lines.add('x-three', 'a: b');
    expect(lines.list()).toEqual(['x-one', '1', 'x-two', '2', 'x-three', 'a: b']);
  });

  it('refuses what would not stay within its header, and keeps nothing of it', () => {
    const bad = fc.constantFrom('\r', '\n', '\r\nx-evil: 1', '\0', '\x7f', 'Ā', '鍵');
    fc.assert(
      fc.property(bad, fc.string(), (character, before) => {
        const lines = new HeadLines();
        expect(() => lines.add('x-bad', before + character)).toThrow('x-bad cannot be sent');
        expect(lines.text).toBe('');
      }),
    );
  });
});
