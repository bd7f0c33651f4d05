import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireRequest } from '../contracts/wire.ts';
import { RequestLines } from './request-lines.ts';

const CHAT: WireRequest = {
  method: 'POST',
  path: '/v1/chat/completions',
  headers: Object.freeze({ accept: '*/*', authorization: 'Bearer k' }),
  body: Buffer.from('{}'),
};
const lines = (): RequestLines => new RequestLines('provider:8080', '/base');

describe('RequestLines', () => {
  it('writes a head with the framing of its body', () => {
    const head =
      'POST /base/v1/chat/completions HTTP/1.1\r\nhost: provider:8080\r\nconnection: keep-alive\r\naccept: */*\r\nauthorization: Bearer k\r\n';
    const heads = lines();
    for (let call = 0; call < 2; call += 1) {
      expect(heads.headOf(CHAT)).toBe(`${head}content-length: 2\r\n\r\n`);
    }
    const bodyPieces = [Buffer.from('abc'), Buffer.from('de')];
    expect(heads.headOf({ ...CHAT, body: null, bodyPieces })).toContain(
      'content-length: 5\r\n\r\n',
    );
    expect(heads.headOf({ ...CHAT, body: null, bodyText: 'Ã©' })).toContain(
      'content-length: 2\r\n\r\n',
    );
    expect(heads.headOf({ ...CHAT, body: null })).toContain('content-length: 0\r\n\r\n');
    expect(heads.headOf({ ...CHAT, method: 'GET', path: '/v1/models', body: null })).toBe(
      `${head.replace('POST', 'GET').replace('chat/completions', 'models')}\r\n`,
    );
  });

  it('writes headers of a call as if they stood among the others, however often and in whatever order', () => {
    const name = fc.constantFrom('a', 'x-b', 'host', 'content-length', 'x:y', '');
    const value = fc.constantFrom('1', 'caf\xe9', '', 'x\r\ny: 1', '\u{100}');
    const headers = fc
      .tuple(fc.dictionary(name, value, { maxKeys: 3 }), fc.boolean())
      .map(([record, isFrozen]) => (isFrozen ? Object.freeze(record) : record));
    const calls = fc.array(fc.tuple(headers, fc.option(headers)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(calls, (pairs) => {
        const heads = lines();
        for (const [shared, own] of [...pairs, ...pairs.toReversed()]) {
          const request = { ...CHAT, headers: shared };
          const merged = { ...CHAT, headers: { ...shared, ...own } };
          expect(heads.headOf(own === null ? request : { ...request, callHeaders: own })).toBe(
            lines().headOf(merged),
          );
        }
      }),
    );
  });

  it('looks anew at headers that may have changed', () => {
    const heads = lines();
    const headers: Record<string, string> = { a: '1' };
    expect(heads.headOf({ ...CHAT, headers })).toContain('\r\na: 1\r\n');
    headers['a'] = '2';
    expect(heads.headOf({ ...CHAT, headers })).toContain('\r\na: 2\r\n');
    headers['a'] = '3\r\nb: 4';
    expect(heads.headOf({ ...CHAT, headers })).toBeNull();
  });

  it('writes no path that is more than one', () => {
    const heads = lines();
    for (const path of ['/a b', '/a\r\nb', '/a\u{100}', '/a\0']) {
      expect(heads.headOf({ ...CHAT, path })).toBeNull();
      expect(heads.headOf({ ...CHAT, path: '/a' })).toContain('POST /base/a HTTP/1.1\r\n');
    }
  });
});
