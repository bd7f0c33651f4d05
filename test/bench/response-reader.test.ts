import { describe, expect, it } from 'vitest';
import { ResponseReader } from '../../bench/response-reader.ts';

const COUNTED = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const EMPTY = 'HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n';
const CHUNKED =
  'HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nx-cost: 1\r\n\r\n';

function statusesOf(pieces: readonly string[]): number[] {
  const statuses: number[] = [];
  const reader = new ResponseReader((status) => statuses.push(status));
  for (const piece of pieces) reader.push(Buffer.from(piece));
  return statuses;
}

describe('ResponseReader', () => {
  it('finds the ends of counted, empty and chunked responses in one block', () => {
    expect(statusesOf([COUNTED + EMPTY + CHUNKED + COUNTED])).toEqual([200, 429, 201, 200]);
  });

  it('finds them wherever the bytes are cut', () => {
    const all = COUNTED + CHUNKED + EMPTY + CHUNKED;
    for (let cut = 1; cut < all.length; cut += 1) {
      expect(statusesOf([all.slice(0, cut), all.slice(cut)])).toEqual([200, 201, 429, 201]);
    }
  });

  it('finds them when bytes come singly', () => {
    expect(statusesOf((CHUNKED + COUNTED).split(''))).toEqual([201, 200]);
  });

  it('reports nothing before the last byte', () => {
    expect(statusesOf([CHUNKED.slice(0, -1)])).toEqual([]);
  });

  it('refuses a response whose end it cannot know', () => {
    expect(() => statusesOf(['HTTP/1.1 200 OK\r\n\r\n'])).toThrow('framing');
  });
});
